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

// approval is the part of a reset approval that is printed. --json prints the whole response.
type approval struct {
	ID              string    `json:"id"`
	Login           string    `json:"login"`
	RequestedByName string    `json:"requestedByName"`
	Reason          string    `json:"reason"`
	Created         time.Time `json:"created"`
	Expires         time.Time `json:"expiresAt"`
}

func approvalPath(id string) string { return "/reset-approvals/" + url.PathEscape(id) }

func (m *CLI) approvalList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "list resets that need a second administrator: id, requested, expires, user, requested by, reason", Args: cli.ExactArgs(),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s, "/reset-approvals", nil, 0)
		if err != nil {
			return fmt.Errorf("listing approvals: %w", err)
		}
		return printList(m, all, func(a approval) []string {
			return []string{a.ID, m.Moment(a.Created), m.Moment(a.Expires), a.Login, a.RequestedByName, a.Reason}
		})
	})
}

func (m *CLI) approvalApprove() *cobra.Command {
	c := &cobra.Command{
		Use: "approve ID", Short: "approve and perform a reset that another administrator requested",
		Long: "Removes all devices of the user, as factors reset does, and sends the user a ticket by email. The administrator who\n" +
			"requested the reset cannot approve it, nor can the user.",
		Args: cli.ExactArgs("ID"),
	}
	confirm := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var a approval
		if err := s.call(ctx, http.MethodGet, approvalPath(args[0]), nil, &a); err != nil {
			return fmt.Errorf("approving %s: %w", args[0], err)
		}
		if err := confirm("remove all devices of %s, as %s requested (%s)", cli.Plain(a.Login), cli.Plain(a.RequestedByName), cli.Plain(a.Reason)); err != nil {
			return err
		}
		var done resetResult
		if err := s.call(ctx, http.MethodPost, approvalPath(args[0]), nil, &done); err != nil {
			return fmt.Errorf("approving %s: %w", args[0], err)
		}
		return m.printReset(s, done)
	})
}

func (m *CLI) approvalReject() *cobra.Command {
	c := &cobra.Command{Use: "reject ID", Short: "reject or withdraw a requested reset", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, approvalPath(args[0]), nil, nil); err != nil {
			return fmt.Errorf("rejecting %s: %w", args[0], err)
		}
		m.Note("%s rejected: nothing was reset", args[0])
		return nil
	})
}
