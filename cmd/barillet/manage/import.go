package manage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/usercsv"
)

func (m *CLI) importCommand() *cobra.Command {
	var apply, invite bool
	c := &cobra.Command{
		Use: "import FILE", Short: "create users from a CSV file (dry run unless --apply is set)",
		Long: "Reads users from a CSV file in UTF-8 and prints every problem with its line and column. Without --apply, and as long as\n" +
			"there is a problem, it creates no user. It does not change users that exist, so repeat an interrupted import with the same\n" +
			"command. With --invite, each new user gets an email; the service sends 60 a minute. FILE - is stdin. The operations\n" +
			"manual describes the columns.",
		Args: cli.ExactArgs("FILE"),
	}
	c.Flags().BoolVar(&apply, "apply", false, "create the users")
	c.Flags().BoolVar(&invite, "invite", false, "invite each new user by email")
	c = m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		return m.importFile(ctx, s, args[0], apply, invite)
	})
	c.ValidArgsFunction = nil // complete file names
	return c
}

// importSummary is the result of an import.
type importSummary struct {
	Users    int             `json:"users"`    // lines that contain a user
	New      int             `json:"new"`      // users that did not exist when the import began
	Existing []int           `json:"existing"` // lines of users that existed
	Problems []importProblem `json:"problems"`
	Applied  bool            `json:"applied"`
	Created  int             `json:"created"`
	Existed  int             `json:"existed"` // new users that existed when the import came to them
	Invited  int             `json:"invited"`
}

// importProblem is one problem and its place in the file.
type importProblem struct {
	Line      int    `json:"line"`
	Column    string `json:"column,omitempty"`
	Character int    `json:"character,omitempty"`
	Reason    string `json:"reason"`
	Message   string `json:"message"`
}

func (p importProblem) String() string {
	place := fmt.Sprintf("line %d", p.Line)
	switch {
	case p.Column != "":
		place += ", " + cli.Plain(p.Column)
	case p.Character > 0:
		place += fmt.Sprintf(", character %d", p.Character)
	}
	return place + ": " + p.Message
}

func (m *CLI) importFile(ctx context.Context, s *Client, name string, apply, invite bool) error {
	file, err := m.readImport(name)
	if err != nil {
		return err
	}
	if file.Has(usercsv.Key) && s.token != "" { // protocol rule 23
		return cli.WithHint(errors.New("the column otpauth can be imported only on the host of the service"), "run the command there, without --url")
	}
	if invite && apply && s.Offline {
		return cli.WithHint(errors.New("the service does not run: some invitations could expire before it sends them"),
			"start the service; the command then uses its socket")
	}
	done, rows, err := m.dryRun(ctx, s, file)
	if err == nil && apply && len(done.Problems) == 0 {
		done.Applied = true
		err = m.createUsers(ctx, s, rows, invite, &done)
	}
	return errors.Join(m.printImport(done), err, importError(done))
}

// importError returns an error if the file has problems.
func importError(done importSummary) error {
	if len(done.Problems) == 0 {
		return nil
	}
	lines := map[int]bool{}
	for _, p := range done.Problems {
		lines[p.Line] = true
	}
	return fmt.Errorf("%d problems in %d lines: nothing was written", len(done.Problems), len(lines))
}

// readImport reads a file or stdin.
func (m *CLI) readImport(name string) (*usercsv.File, error) {
	r := m.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("opening CSV file: %w", err)
		}
		defer file.Close()
		r = file
	}
	parsed, err := usercsv.Read(io.Reader(r))
	if err != nil {
		return nil, err
	}
	if file, ok := r.(*os.File); ok && parsed.Has(usercsv.Key) {
		if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o077 != 0 {
			m.Note("warning: %s contains keys and is readable by other users: run chmod 600, and delete it after the import", name)
		}
	}
	return parsed, nil
}

// printImport prints the result.
func (m *CLI) printImport(done importSummary) error {
	if m.JSON {
		return m.Result(done)
	}
	for _, p := range done.Problems {
		if err := m.Line("%s", p); err != nil {
			return err
		}
	}
	m.Note("%d users: %d new, %d invalid", done.Users, done.New, done.Users-done.New-len(done.Existing))
	if len(done.Existing) > 0 {
		m.Note("%d users exist and are not changed: lines %s", len(done.Existing), ranges(done.Existing))
	}
	switch {
	case done.Applied:
		m.Note("%d users created, %d invited", done.Created, done.Invited)
		if done.Existed > 0 {
			m.Note("%d users existed: a call whose response was lost created them, or another administrator", done.Existed)
		}
	case len(done.Problems) == 0:
		m.Note("dry run, nothing was written: use --apply to create the users")
	}
	return nil
}

// ranges formats sorted numbers: 2-5, 8.
func ranges(all []int) string {
	var out []string
	for i := 0; i < len(all); {
		j := i
		for j+1 < len(all) && all[j+1] == all[j]+1 {
			j++
		}
		text := strconv.Itoa(all[i])
		if j > i {
			text += "-" + strconv.Itoa(all[j])
		}
		out = append(out, text)
		i = j + 1
	}
	return strings.Join(out, ", ")
}
