package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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
	Identity       string    `json:"identity"`
	Created        time.Time `json:"created"`
	History        []struct {
		At   time.Time `json:"at"`
		Name string    `json:"name"`
		What string    `json:"what"`
		Text string    `json:"text"`
	} `json:"history"`
}

func (m *Manager) helpList() *cobra.Command {
	status := ""
	c := &cobra.Command{Use: "list", Short: "list help requests", Args: cli.Exactly()}
	c.Flags().StringVar(&status, "status", "", "only those in this state: open, in_progress, resolved, rejected")
	words(c, "status", []string{"open", "in_progress", "resolved", "rejected"})
	return m.calling(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{}
		if status != "" {
			values.Set("status", status)
		}
		all, err := pages[json.RawMessage](ctx, s, "/help-requests", values, 0)
		if err != nil {
			return fmt.Errorf("listing help requests: %w", err)
		}
		return listed(m, all, func(r helpRequest) []string {
			return []string{r.ID, m.Moment(r.Created), r.Status, r.Topic, r.Email}
		})
	})
}

func (m *Manager) helpShow() *cobra.Command {
	c := &cobra.Command{Use: "show ID", Short: "show one help request", Args: cli.Exactly("ID")}
	return m.calling(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, "/help-requests/"+url.PathEscape(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("showing help request %s: %w", args[0], err)
		}
		if m.JSON {
			return m.Result(raw)
		}
		var r helpRequest
		if err := json.Unmarshal(raw, &r); err != nil {
			return fmt.Errorf("reading a help request: %w", err)
		}
		return r.print(m)
	})
}

// print writes a help request for people: what somebody typed stands behind a mark, so that it is nobody else's word.
func (r helpRequest) print(m *Manager) error {
	lines := []string{fmt.Sprintf("%s, %s, %s", r.Reference, m.Moment(r.Created), r.Status),
		fmt.Sprintf("from %s, %s", cli.Plain(r.Email), r.Topic)}
	if r.PasswordProven {
		lines = append(lines, "the password had been proven")
	}
	for line := range strings.Lines(r.Message) {
		lines = append(lines, "> "+cli.Plain(line))
	}
	for _, step := range r.History {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s  %s  %s  %s", m.Moment(step.At), cli.Plain(step.Name), step.What, cli.Plain(step.Text))))
	}
	return m.Line("%s", strings.Join(lines, "\n"))
}

// helpPatch is what a command changes of a help request.
type helpPatch struct {
	Status   string  `json:"status,omitempty"`
	Assignee *string `json:"assignee,omitempty"`
	Note     string  `json:"note,omitempty"`
	Identity string  `json:"identity,omitempty"`
	Answer   string  `json:"answer,omitempty"`
}

// patching completes a command that changes one help request, after it was judged whether the command makes sense.
func (m *Manager) patching(c *cobra.Command, now string, patch func(args []string) helpPatch, checks ...func(Reach) error) *cobra.Command {
	return m.calling(c, func(ctx context.Context, s *Client, args []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPatch, "/help-requests/"+url.PathEscape(args[0]), patch(args), &raw); err != nil {
			return fmt.Errorf("help request %s: %w", args[0], err)
		}
		m.Note("help request %s %s", args[0], now)
		if m.JSON {
			return m.Result(raw)
		}
		return nil
	}, checks...)
}

func (m *Manager) helpTake() *cobra.Command {
	name := ""
	c := &cobra.Command{Use: "take ID --as NAME", Short: "say that somebody works on a help request", Args: cli.Exactly("ID")}
	c.Flags().StringVar(&name, "as", "", "who does")
	return m.patching(c, "is in progress", func([]string) helpPatch { return helpPatch{Status: "in_progress", Assignee: &name} },
		func(Reach) error {
			if strings.TrimSpace(name) == "" {
				return cli.Misused("--as is missing: say who works on it")
			}
			return nil
		})
}

func (m *Manager) helpNote() *cobra.Command {
	c := &cobra.Command{Use: "note ID TEXT", Short: "add a note, which the person does not see", Args: cli.Exactly("ID", "TEXT")}
	return m.patching(c, "has a further note", func(args []string) helpPatch { return helpPatch{Note: args[1]} })
}

func (m *Manager) helpAnswer() *cobra.Command {
	c := &cobra.Command{Use: "answer ID TEXT", Short: "mail an answer to the person", Args: cli.Exactly("ID", "TEXT")}
	return m.patching(c, "is answered by mail", func(args []string) helpPatch { return helpPatch{Answer: args[1]} })
}

func (m *Manager) helpClose() *cobra.Command {
	var patch helpPatch
	rejected := false
	ways := []string{"in_person", "called_back", "manager_confirmed", "photo_document"}
	c := &cobra.Command{Use: "close ID", Short: "close a help request as resolved, or with --reject as rejected", Args: cli.Exactly("ID")}
	c.Flags().BoolVar(&rejected, "reject", false, "close it as rejected")
	c.Flags().StringVar(&patch.Identity, "identity", "", "how you made sure who is asking: "+strings.Join(ways, ", "))
	words(c, "identity", ways)
	c.Flags().StringVar(&patch.Note, "note", "", "a note, which the person does not see")
	return m.patching(c, "is closed", func([]string) helpPatch {
		patch.Status = "resolved"
		if rejected {
			patch.Status = "rejected"
		}
		return patch
	}, func(Reach) error {
		if patch.Identity != "" && !slices.Contains(ways, patch.Identity) {
			return cli.Misused("--identity %q: want one of %s", patch.Identity, strings.Join(ways, ", "))
		}
		return nil
	})
}
