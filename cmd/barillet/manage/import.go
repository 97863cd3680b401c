package manage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

// importing is what import was told.
type importing struct {
	apply, invite bool
	pace          string
	between       time.Duration // from one invitation to the next; 0: as fast as it goes
}

func (m *Manager) importCommand() *cobra.Command {
	var i importing
	c := &cobra.Command{
		Use: "import FILE", Short: "make the people of a list; without --apply it only tries",
		Long: "Reads a list of people (CSV in UTF-8) and tells everything that is wrong with it by line and column. Without --apply\n" +
			"nothing is written; with it, nothing either as long as one line is wrong. People who are there already are left alone, so\n" +
			"an import that was interrupted is given once more and goes on where it stopped. FILE - reads the list from stdin.\n" +
			"The columns are in the manual.",
		Args: cli.Exactly("FILE"),
	}
	c.Flags().BoolVar(&i.apply, "apply", false, "do it")
	c.Flags().BoolVar(&i.invite, "invite", false, "mail each new person what lets them in")
	c.Flags().StringVar(&i.pace, "pace", "60/min", "how many people are invited in what time: 10/s, 60/min, 500/h")
	do := func(ctx context.Context, s *Client, args []string) error { return m.importList(ctx, s, i, args[0]) }
	c = m.calling(c, do, func(Reach) (err error) {
		if !i.invite && c.Flags().Changed("pace") {
			return cli.Misused("--pace is about the invitations: give --invite too")
		}
		if i.between, err = pace(i.pace); err != nil || !i.invite {
			i.between = 0
		}
		return err
	})
	c.ValidArgsFunction = nil // files
	return c
}

var paces = regexp.MustCompile(`^([1-9][0-9]{0,5})/(s|min|h)$`)

// pace reads how much time lies between two invitations.
func pace(said string) (time.Duration, error) {
	match := paces.FindStringSubmatch(said)
	if match == nil {
		return 0, cli.Misused("--pace %q: want a number and a time, such as 60/min", said)
	}
	n, err := strconv.Atoi(match[1])
	return map[string]time.Duration{"s": time.Second, "min": time.Minute, "h": time.Hour}[match[2]] / time.Duration(n), err
}

// summary is the result of an import.
type summary struct {
	People  int        `json:"people"` // lines with somebody in them
	New     int        `json:"new"`    // who can be made, or could when it began
	Known   []int      `json:"known"`  // lines of who is there already
	Faults  []lineNote `json:"faults"`
	Applied bool       `json:"applied"`
	Made    int        `json:"made"`
	There   int        `json:"there"` // who was new when it began and there when their turn came
	Invited int        `json:"invited"`
}

// lineNote is one fault, where it is and what it says.
type lineNote struct {
	Line   int    `json:"line"`
	Column string `json:"column,omitempty"`
	At     int    `json:"character,omitempty"`
	Reason string `json:"reason"`
	Says   string `json:"says"`
}

func (n lineNote) String() string {
	where := fmt.Sprintf("line %d", n.Line)
	switch {
	case n.Column != "":
		where += ", " + cli.Plain(n.Column)
	case n.At > 0:
		where += fmt.Sprintf(", character %d", n.At)
	}
	return where + ": " + n.Says
}

func (m *Manager) importList(ctx context.Context, s *Client, i importing, name string) error {
	list, err := m.readList(name)
	if err != nil {
		return err
	}
	if list.Has(usercsv.Key) && s.token != "" { // PROTOCOL 23
		return cli.WithHint(errors.New("the column otpauth is taken on the machine of the service only"), "give the command there, without --url")
	}
	if i.invite && i.apply && s.Closed {
		return cli.WithHint(errors.New("the service does not run: the invitations would all be mailed at once when it does, and some too late"),
			"start it; the command then reaches it by its socket")
	}
	done, people, err := m.examine(ctx, s, list)
	if err != nil {
		return err
	}
	if i.apply && len(done.Faults) == 0 {
		done.Applied = true
		err = m.makeAll(ctx, s, i, people, &done)
	}
	return errors.Join(m.tellImport(done), err, unfinished(done))
}

// unfinished is the error of a list with faults.
func unfinished(done summary) error {
	if len(done.Faults) == 0 {
		return nil
	}
	lines := map[int]bool{}
	for _, f := range done.Faults {
		lines[f.Line] = true
	}
	return fmt.Errorf("%d faults in %d lines: nothing was written", len(done.Faults), len(lines))
}

// readList reads the file, or stdin.
func (m *Manager) readList(name string) (*usercsv.File, error) {
	from := io.Reader(m.Stdin)
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening the list: %w", err)
		}
		defer file.Close()
		from = file
	}
	list, err := usercsv.Read(from)
	if err != nil {
		return nil, err
	}
	if file, ok := from.(*os.File); ok && list.Has(usercsv.Key) {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
			m.Note("warning: %s holds keys and others can read it: chmod 600, and remove it afterwards", name)
		}
	}
	return list, nil
}

// tellImport prints the result.
func (m *Manager) tellImport(done summary) error {
	if m.JSON {
		return m.Result(done)
	}
	for _, f := range done.Faults {
		if err := m.Line("%s", f); err != nil {
			return err
		}
	}
	m.Note("%d people: %d new, %d wrong", done.People, done.New, done.People-done.New-len(done.Known))
	if len(done.Known) > 0 {
		m.Note("%d are there already and stay as they are: lines %s", len(done.Known), ranges(done.Known))
	}
	switch {
	case done.Applied:
		m.Note("%d were made, %d of them invited", done.Made, done.Invited)
		if done.There > 0 {
			m.Note("%d were there when their turn came: made by a call whose answer was lost, or by somebody else", done.There)
		}
	case len(done.Faults) == 0:
		m.Note("nothing was written: --apply does it")
	}
	return nil
}

// ranges writes sorted numbers shortly: 2-5, 8.
func ranges(all []int) string {
	out := ""
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == all[j]+1 {
			j++
		}
		if out != "" {
			out += ", "
		}
		out += strconv.Itoa(all[i])
		if j > i {
			out += "-" + strconv.Itoa(all[j])
		}
		i = j + 1
	}
	return out
}
