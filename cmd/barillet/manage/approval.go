package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// approval is what is printed of a reset that waits for a second administrator; --json prints all that the API says.
type approval struct {
	ID          string    `json:"id"`
	Login       string    `json:"login"`
	AskedByName string    `json:"askedByName"`
	Reason      string    `json:"reason"`
	Created     time.Time `json:"created"`
	Expires     time.Time `json:"expiresAt"`
}

func approvalPath(id string) string { return "/reset-approvals/" + url.PathEscape(id) }

func (m *CLI) approvalList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "list resets that wait for a second administrator: id, asked, good until, whose, asked by, why", Args: cli.ExactArgs(),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s, "/reset-approvals", nil, 0)
		if err != nil {
			return fmt.Errorf("listing approvals: %w", err)
		}
		return printList(m, all, func(a approval) []string {
			return []string{a.ID, m.Moment(a.Created), m.Moment(a.Expires), a.Login, a.AskedByName, a.Reason}
		})
	})
}

func (m *CLI) approvalApprove() *cobra.Command {
	c := &cobra.Command{
		Use: "agree ID", Short: "agree to a reset that another administrator asked for, and do it",
		Long: "Clears every second factor of the person, as factors reset does, and mails them a ticket. Whoever asked cannot agree, nor\n" +
			"can the person themselves.",
		Args: cli.ExactArgs("ID"),
	}
	sure := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var a approval
		if err := s.call(ctx, http.MethodGet, approvalPath(args[0]), nil, &a); err != nil {
			return fmt.Errorf("agreeing to %s: %w", args[0], err)
		}
		if err := sure("reset every device of %s, as %s asks (%s)", cli.Plain(a.Login), cli.Plain(a.AskedByName), cli.Plain(a.Reason)); err != nil {
			return err
		}
		var done resetResult
		if err := s.call(ctx, http.MethodPost, approvalPath(args[0]), nil, &done); err != nil {
			return fmt.Errorf("agreeing to %s: %w", args[0], err)
		}
		return m.printReset(s, done)
	})
}

func (m *CLI) approvalReject() *cobra.Command {
	c := &cobra.Command{Use: "refuse ID", Short: "refuse or withdraw a reset; nothing is done to the person", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, approvalPath(args[0]), nil, nil); err != nil {
			return fmt.Errorf("refusing %s: %w", args[0], err)
		}
		m.Note("%s is refused: nothing was reset", args[0])
		return nil
	})
}
