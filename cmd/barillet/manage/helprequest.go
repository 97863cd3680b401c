package manage

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// helpRequest is the part of a help request that is printed. --json prints the whole response.
type helpRequest struct {
	ID           string     `json:"id"`
	Reference    string     `json:"reference"`
	Status       string     `json:"status"`
	UserID       string     `json:"userId"`
	Email        string     `json:"email"`
	Topic        string     `json:"topic"`
	Assignee     string     `json:"assignee"`
	AssigneeName string     `json:"assigneeName"`
	Created      time.Time  `json:"created"`
	Texts        []helpText `json:"texts"`
	Removed      int        `json:"removedTexts"`
	Check        *struct {
		identityCheck
		At time.Time `json:"at"`
	} `json:"identityCheck"`
	History []struct {
		At   time.Time `json:"at"`
		Name string    `json:"name"`
		What string    `json:"what"`
		Text string    `json:"text"`
	} `json:"history"`
	Embedded struct {
		Changes []struct {
			At     time.Time `json:"at"`
			What   string    `json:"displayMessage"`
			Detail string    `json:"detail"`
		} `json:"recentChanges"`
		Numbers []number `json:"numbers"`
	} `json:"_embedded"`
}

// helpText is a text of the sender.
type helpText struct {
	At             time.Time `json:"at"`
	Reference      string    `json:"reference"`
	Message        string    `json:"message"`
	PasswordProven bool      `json:"passwordProven"`
	KnownBrowser   bool      `json:"knownBrowser"`
}

func helpPath(id string) string { return "/help-requests/" + url.PathEscape(id) }

func (m *CLI) helpList() *cobra.Command {
	status := ""
	c := &cobra.Command{Use: "list", Short: "list help requests: id, reference, created, status, topic, sender, assignee", Args: cli.ExactArgs()}
	known := choiceFlag(c, &status, "status", "only with this status", []string{"open", "in_progress", "resolved", "rejected"})
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{}
		if status != "" {
			values.Set("status", status)
		}
		all, err := pages[json.RawMessage](ctx, s, "/help-requests", values, 0)
		if err != nil {
			return fmt.Errorf("listing help requests: %w", err)
		}
		return printList(m, all, func(r helpRequest) []string {
			return []string{r.ID, r.Reference, m.Moment(r.Created), r.Status, r.Topic, r.Email, r.AssigneeName}
		})
	}, known)
}

func (m *CLI) helpShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "print a help request and the recent security changes of the user", Args: cli.ExactArgs("ID"),
		Long: "Prints a help request, the name and the telephone numbers of the user, and the security changes of the user in the last\n" +
			"seven days. Here and in the other commands, ID can also be the reference that the user has, such as H-7K3F-2Q9M-4TBX.",
	}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, helpPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("reading help request %s: %w", args[0], err)
		}
		return printOne(m, raw, func(r helpRequest) error {
			owner, err := r.user(ctx, s)
			if err != nil {
				return err
			}
			return r.print(m, owner)
		})
	})
}

// user returns the user with the address of a help request; nil if there is none, or the user was deleted.
func (r helpRequest) user(ctx context.Context, s *Client) (*user, error) {
	if r.UserID == "" {
		return nil, nil
	}
	var u user
	err := s.call(ctx, http.MethodGet, userPath(r.UserID), nil, &u)
	if refused, ok := errors.AsType[*refusal](err); ok && refused.Status == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the user of the help request: %w", err)
	}
	return &u, nil
}

// number is a telephone number on file.
type number struct {
	Member string    `json:"member"`
	Number string    `json:"number"`
	Since  time.Time `json:"since"`
	Young  bool      `json:"young"`
}

// line returns the line of a help request about the number.
func (n number) line(m *CLI) string {
	if n.Young {
		return fmt.Sprintf("do not call %s (%s): on file since %s, new or not confirmed", n.Number, n.Member, m.Moment(n.Since))
	}
	return fmt.Sprintf("number on file %s (%s), since %s", n.Number, n.Member, m.Moment(n.Since))
}

// heading returns the line before a text.
func (t helpText) heading(m *CLI) string {
	line := m.Moment(t.At) + ", " + t.Reference
	if t.KnownBrowser {
		line += ", from a known browser of the user"
	}
	if t.PasswordProven {
		line += ", the sender knew the password"
	}
	return line
}

// print prints a help request. The lines that the sender wrote begin with a mark, so that they cannot imitate others.
func (r helpRequest) print(m *CLI, owner *user) error {
	lines := []string{fmt.Sprintf("%s, %s, %s", r.Reference, m.Moment(r.Created), r.Status),
		fmt.Sprintf("from %s, %s", cli.Plain(r.Email), r.Topic)}
	if owner != nil {
		lines = append(lines, cli.Plain("user "+cmp.Or(owner.name(), owner.text("login"))))
		for _, n := range r.Embedded.Numbers {
			lines = append(lines, cli.Plain(n.line(m)))
		}
		if len(r.Embedded.Numbers) == 0 {
			lines = append(lines, "no number on file")
		}
	}
	if r.Assignee != "" {
		lines = append(lines, fmt.Sprintf("assigned to %s (%s)", cli.Plain(r.AssigneeName), r.Assignee))
	}
	if r.Check != nil {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("checked %s: %s %s", m.Moment(r.Check.At), r.Check.Method, cli.Plain(cmp.Or(r.Check.By, r.Check.Number)))))
	}
	for _, t := range r.Texts {
		lines = append(lines, t.heading(m))
		for line := range strings.Lines(t.Message) {
			lines = append(lines, "> "+cli.Plain(line))
		}
	}
	if r.Removed > 0 {
		lines = append(lines, fmt.Sprintf("removed texts, which others displaced: %d", r.Removed))
	}
	step := func(at time.Time, words ...string) {
		lines = append(lines, strings.TrimSpace(m.Moment(at)+"  "+cli.Plain(strings.Join(words, "  "))))
	}
	for _, x := range r.History {
		step(x.At, x.Name, x.What, x.Text)
	}
	if len(r.Embedded.Changes) > 0 {
		lines = append(lines, "security changes of the user in the last seven days:")
	}
	for _, x := range r.Embedded.Changes {
		step(x.At, x.What, x.Detail)
	}
	return m.Line("%s", strings.Join(lines, "\n"))
}

// helpPatch is a change of a help request.
type helpPatch struct {
	Status   string         `json:"status,omitempty"`
	Assignee *string        `json:"assignee,omitempty"`
	TakeOver bool           `json:"takeOver,omitempty"`
	Note     string         `json:"note,omitempty"`
	Check    *identityCheck `json:"identityCheck,omitempty"`
	Answer   string         `json:"answer,omitempty"`
}

// patchCommand completes a command that changes one help request; now is its new state in words.
func (m *CLI) patchCommand(c *cobra.Command, now string, patch func(args []string) helpPatch, checks ...func(Connector) error) *cobra.Command {
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPatch, helpPath(args[0]), patch(args), &raw); err != nil {
			refused, ok := errors.AsType[*refusal](err)
			err = fmt.Errorf("help request %s: %w", args[0], err)
			if ok && refused.Status == http.StatusConflict && len(refused.Causes) > 0 && c.Flags().Lookup("take-over") != nil {
				err = cli.WithHint(err, "use --take-over to take the request over")
			}
			return err
		}
		m.Note("help request %s %s", args[0], now)
		return m.printResult(raw)
	}, checks...)
}

// takeOverFlag adds the flag that changes a request of another assignee.
func takeOverFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "take-over", false, "also if another administrator is the assignee")
}

func (m *CLI) helpTake() *cobra.Command {
	patch, who := helpPatch{}, ""
	c := &cobra.Command{
		Use: "take ID", Short: "assign a help request to yourself, or with --for to another administrator",
		Long: "If two administrators take a request at the same time, one of them gets an error that names the other. An administrator\n" +
			"with a group scope cannot assign it to others.",
		Args: cli.ExactArgs("ID"),
	}
	c.Flags().StringVar(&who, "for", "me", "assignee, by login or id")
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is in progress", func([]string) helpPatch {
		patch.Assignee = &who // this sets in_progress; a closed request needs reopen
		return patch
	}, func(Connector) error {
		if strings.TrimSpace(who) == "" {
			return cli.WithHint(cli.Usagef("--for is empty"), "use help-request reopen to remove the assignee")
		}
		return nil
	})
}

func (m *CLI) helpNote() *cobra.Command {
	c := &cobra.Command{Use: "note ID TEXT", Short: "add a note, which the user does not see", Args: cli.ExactArgs("ID", "TEXT")}
	return m.patchCommand(c, "has a new note", func(args []string) helpPatch { return helpPatch{Note: args[1]} })
}

func (m *CLI) helpCheck() *cobra.Command {
	var check identityCheck
	c := &cobra.Command{
		Use: "check ID --identity METHOD", Short: "record how you checked the identity of the sender",
		Long: "An email or a call from the sender is not a check: call back on a number on file, or meet the user. A call back that confirmed\n" +
			"nothing goes into the history, with --result.",
		Args: cli.ExactArgs("ID"),
	}
	known := check.flags(c)
	result := choiceFlag(c, &check.Result, "result", "result of a call back; confirmed if the flag is absent", []string{"confirmed", "not_reached", "wrong_person", "refused"})
	return m.patchCommand(c, "has the result of your check", func([]string) helpPatch { return helpPatch{Check: check.given()} }, known, result, func(Connector) error {
		if check.Method == "" {
			return cli.Usagef("--identity is required: want one of %s", strings.Join(identityMethods, ", "))
		}
		return nil
	})
}

func (m *CLI) helpAnswer() *cobra.Command {
	patch := helpPatch{}
	c := &cobra.Command{Use: "answer ID TEXT", Short: "send an answer to the user by email", Args: cli.ExactArgs("ID", "TEXT")}
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is answered", func(args []string) helpPatch {
		patch.Answer = args[1]
		return patch
	})
}

func (m *CLI) helpClose() *cobra.Command {
	var patch helpPatch
	var check identityCheck
	rejected := false
	c := &cobra.Command{
		Use: "close ID", Short: "close a help request as resolved, or as rejected with --reject",
		Long: "Without --answer, Barillet sends no email.",
		Args: cli.ExactArgs("ID"),
	}
	c.Flags().BoolVar(&rejected, "reject", false, "close the request as rejected")
	known := check.flags(c)
	c.Flags().StringVar(&patch.Note, "note", "", "note, which the user does not see")
	c.Flags().StringVar(&patch.Answer, "answer", "", "text to send to the user by email")
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is closed", func([]string) helpPatch {
		patch.Status, patch.Check = "resolved", check.given()
		if rejected {
			patch.Status = "rejected"
		}
		return patch
	}, known)
}

func (m *CLI) helpReopen() *cobra.Command {
	patch := helpPatch{Status: "open"}
	c := &cobra.Command{
		Use: "reopen ID", Short: "reopen a help request and remove its assignee",
		Long: "A request that was closed needs a new identity check.",
		Args: cli.ExactArgs("ID"),
	}
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is open and has no assignee", func([]string) helpPatch { return patch })
}
