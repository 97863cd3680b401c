package manage

import (
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

// helpRequest is what is printed of one; --json prints all that the API says.
type helpRequest struct {
	ID             string    `json:"id"`
	Reference      string    `json:"reference"`
	Status         string    `json:"status"`
	Email          string    `json:"email"`
	Topic          string    `json:"topic"`
	Message        string    `json:"message"`
	PasswordProven bool      `json:"passwordProven"`
	Assignee       string    `json:"assignee"`
	AssigneeName   string    `json:"assigneeName"`
	Created        time.Time `json:"created"`
	Texts          []struct {
		At      time.Time `json:"at"`
		Message string    `json:"message"`
	} `json:"texts"`
	Check *struct {
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
	} `json:"_embedded"`
}

func helpPath(id string) string { return "/help-requests/" + url.PathEscape(id) }

func (m *CLI) helpList() *cobra.Command {
	status := ""
	c := &cobra.Command{Use: "list", Short: "list help requests: id, when, status, topic, from, who has it", Args: cli.ExactArgs()}
	known := choiceFlag(c, &status, "status", "only those in this state", []string{"open", "in_progress", "resolved", "rejected"})
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
			return []string{r.ID, m.Moment(r.Created), r.Status, r.Topic, r.Email, r.AssigneeName}
		})
	}, known)
}

func (m *CLI) helpShow() *cobra.Command {
	c := &cobra.Command{
		Use: "show ID", Short: "show one help request, with what changed about the person lately", Args: cli.ExactArgs("ID"),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, helpPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("showing help request %s: %w", args[0], err)
		}
		return printOne(m, raw, func(r helpRequest) error { return r.print(m) })
	})
}

// print writes a help request for people: what somebody typed stands behind a mark, so that it is nobody else's word.
func (r helpRequest) print(m *CLI) error {
	lines := []string{fmt.Sprintf("%s, %s, %s", r.Reference, m.Moment(r.Created), r.Status),
		fmt.Sprintf("from %s, %s", cli.Plain(r.Email), r.Topic)}
	if r.PasswordProven {
		lines = append(lines, "the password had been proven")
	}
	if r.Assignee != "" {
		lines = append(lines, fmt.Sprintf("%s has it (%s)", cli.Plain(r.AssigneeName), r.Assignee))
	}
	if r.Check != nil {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("checked %s: %s %s", m.Moment(r.Check.At), r.Check.Way, cli.Plain(r.Check.By))))
	}
	said := []string{r.Message}
	for _, t := range r.Texts {
		said = append(said, m.Moment(t.At)+"\n"+t.Message)
	}
	for _, text := range said {
		for line := range strings.Lines(text) {
			lines = append(lines, "> "+cli.Plain(line))
		}
	}
	step := func(at time.Time, words ...string) {
		lines = append(lines, strings.TrimSpace(m.Moment(at)+"  "+cli.Plain(strings.Join(words, "  "))))
	}
	for _, x := range r.History {
		step(x.At, x.Name, x.What, x.Text)
	}
	if len(r.Embedded.Changes) > 0 {
		lines = append(lines, "changed about the person in the last seven days:")
	}
	for _, x := range r.Embedded.Changes {
		step(x.At, x.What, x.Detail)
	}
	return m.Line("%s", strings.Join(lines, "\n"))
}

// helpPatch is what a command changes of a help request.
type helpPatch struct {
	Status   string         `json:"status,omitempty"`
	Assignee *string        `json:"assignee,omitempty"`
	TakeOver bool           `json:"takeOver,omitempty"`
	Note     string         `json:"note,omitempty"`
	Check    *identityCheck `json:"identityCheck,omitempty"`
	Answer   string         `json:"answer,omitempty"`
}

// patchCommand completes a command that changes one help request, after it was judged whether the command makes sense.
func (m *CLI) patchCommand(c *cobra.Command, now string, patch func(args []string) helpPatch, checks ...func(Connector) error) *cobra.Command {
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPatch, helpPath(args[0]), patch(args), &raw); err != nil {
			refused, ok := errors.AsType[*refusal](err)
			err = fmt.Errorf("help request %s: %w", args[0], err)
			if ok && refused.Status == http.StatusConflict && len(refused.Causes) > 0 && c.Flags().Lookup("take-over") != nil {
				err = cli.WithHint(err, "--take-over does it all the same")
			}
			return err
		}
		m.Note("help request %s %s", args[0], now)
		return m.printResult(raw)
	}, checks...)
}

// takeOverFlag is for what only the one who has a request does unasked.
func takeOverFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "take-over", false, "also if somebody else has it")
}

func (m *CLI) helpTake() *cobra.Command {
	patch, who := helpPatch{}, ""
	c := &cobra.Command{
		Use: "take ID", Short: "say that you work on a help request, or with --for somebody else",
		Long: "Two who take it at once are told of one another: one has it. Whoever is limited to groups takes it for nobody else.",
		Args: cli.ExactArgs("ID"),
	}
	c.Flags().StringVar(&who, "for", "me", "who works on it, by sign-in name or id")
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is in progress", func([]string) helpPatch {
		patch.Assignee = &who // and with that it is in progress, unless it is closed: it is opened again on purpose only
		return patch
	}, func(Connector) error {
		if strings.TrimSpace(who) == "" {
			return cli.WithHint(cli.Usagef("--for is empty"), "help-request reopen gives a request back")
		}
		return nil
	})
}

func (m *CLI) helpNote() *cobra.Command {
	c := &cobra.Command{Use: "note ID TEXT", Short: "add a note, which the person does not see", Args: cli.ExactArgs("ID", "TEXT")}
	return m.patchCommand(c, "has a further note", func(args []string) helpPatch { return helpPatch{Note: args[1]} })
}

func (m *CLI) helpCheck() *cobra.Command {
	var check identityCheck
	c := &cobra.Command{
		Use: "check ID --identity WAY", Short: "say how you made sure who is asking, before anything is reset",
		Long: "A reply by mail and a call from the person prove nothing: call back on the number on file, or have them before you.",
		Args: cli.ExactArgs("ID"),
	}
	known := check.flags(c)
	return m.patchCommand(c, "says who was checked", func([]string) helpPatch { return helpPatch{Check: check.given()} }, known, func(Connector) error {
		if check.Way == "" {
			return cli.Usagef("--identity is missing: want one of %s", strings.Join(identityMethods, ", "))
		}
		return nil
	})
}

func (m *CLI) helpAnswer() *cobra.Command {
	patch := helpPatch{}
	c := &cobra.Command{Use: "answer ID TEXT", Short: "mail an answer to the person", Args: cli.ExactArgs("ID", "TEXT")}
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is answered by mail", func(args []string) helpPatch {
		patch.Answer = args[1]
		return patch
	})
}

func (m *CLI) helpClose() *cobra.Command {
	var patch helpPatch
	var check identityCheck
	rejected := false
	c := &cobra.Command{
		Use: "close ID", Short: "close a help request as resolved, or with --reject as rejected",
		Long: "Whoever is rejected without an --answer is told nothing.",
		Args: cli.ExactArgs("ID"),
	}
	c.Flags().BoolVar(&rejected, "reject", false, "close it as rejected")
	known := check.flags(c)
	c.Flags().StringVar(&patch.Note, "note", "", "a note, which the person does not see")
	c.Flags().StringVar(&patch.Answer, "answer", "", "words that are mailed to the person")
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
		Use: "reopen ID", Short: "open a closed help request again, or give one back that somebody has",
		Long: "Nobody has it afterwards. One that was closed needs a new check of the identity.",
		Args: cli.ExactArgs("ID"),
	}
	takeOverFlag(c, &patch.TakeOver)
	return m.patchCommand(c, "is open, and nobody has it", func([]string) helpPatch { return patch })
}
