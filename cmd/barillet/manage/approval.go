package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// approval is the part of an approval that is printed. --json prints the whole response.
type approval struct {
	ID              string                     `json:"id"`
	Status          string                     `json:"status"`
	Operation       string                     `json:"operation"` // reset, role or profile; "": the response is no approval
	Login           string                     `json:"login"`
	Role            *roleAssignment            `json:"role"`
	Profile         map[string]json.RawMessage `json:"profile"`
	RequestedByName string                     `json:"requestedByName"`
	Reason          string                     `json:"reason"`
	Created         time.Time                  `json:"created"`
	Expires         time.Time                  `json:"expiresAt"`
}

// content returns what the operation does, in words.
func (a approval) content() string {
	switch {
	case a.Role != nil && a.Role.ID != "":
		return a.Role.Type + " also for " + scope(a.Role.Targets)
	case a.Role != nil:
		return a.Role.Type + " for " + scope(a.Role.Targets)
	case a.Profile != nil:
		var members []string
		for _, name := range slices.Sorted(maps.Keys(a.Profile)) {
			members = append(members, name+"="+string(a.Profile[name]))
		}
		return strings.Join(members, " ")
	}
	return "remove all devices"
}

func approvalPath(id string) string { return "/approvals/" + url.PathEscape(id) }

// waits prints the approval for which an operation waits, and reports whether raw is one.
func (m *CLI) waits(raw json.RawMessage) (bool, error) {
	var a approval
	if err := json.Unmarshal(raw, &a); err != nil || a.Operation == "" {
		return false, nil
	}
	m.Note("nothing changed: a second administrator must approve, or on the host: barillet approval approve %s", a.ID)
	if m.JSON {
		return true, m.printResult(raw)
	}
	return true, m.Line("%s", a.ID)
}

func (m *CLI) approvalList() *cobra.Command {
	c := &cobra.Command{
		Use: "list", Short: "list what needs a second administrator: id, requested, expires, operation, user, what, requested by, reason", Args: cli.ExactArgs(),
	}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s, "/approvals", nil, 0)
		if err != nil {
			return fmt.Errorf("listing approvals: %w", err)
		}
		return printList(m, all, func(a approval) []string {
			return []string{a.ID, m.Moment(a.Created), m.Moment(a.Expires), a.Operation, a.Login, a.content(), a.RequestedByName, a.Reason}
		})
	})
}

func (m *CLI) approvalApprove() *cobra.Command {
	c := &cobra.Command{
		Use: "approve ID", Short: "approve and perform what another administrator requested",
		Long: "Performs a reset, assigns a role or changes a profile, as the administrator who requested it would. That administrator\n" +
			"cannot approve it, nor can the user. The operator can.",
		Args: cli.ExactArgs("ID"),
	}
	confirm := m.confirmFlag(c)
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var a approval
		if err := s.call(ctx, http.MethodGet, approvalPath(args[0]), nil, &a); err != nil {
			return fmt.Errorf("approving %s: %w", args[0], err)
		}
		if err := confirm("%s of %s: %s, as %s requested (%s)", a.Operation, cli.Plain(a.Login), cli.Plain(a.content()), cli.Plain(a.RequestedByName), cli.Plain(a.Reason)); err != nil {
			return err
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, approvalPath(args[0]), nil, &raw); err != nil {
			return fmt.Errorf("approving %s: %w", args[0], err)
		}
		if a.Operation != "reset" {
			m.Note("%s: %s", cli.Plain(a.Login), cli.Plain(a.content()))
			return m.printResult(raw)
		}
		var done resetResult
		if err := json.Unmarshal(raw, &done); err != nil {
			return fmt.Errorf("reading the result of %s: %w", args[0], err)
		}
		return m.printReset(s, done)
	})
}

func (m *CLI) approvalReject() *cobra.Command {
	c := &cobra.Command{Use: "reject ID", Short: "reject or withdraw what an administrator requested", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, approvalPath(args[0]), nil, nil); err != nil {
			return fmt.Errorf("rejecting %s: %w", args[0], err)
		}
		m.Note("%s rejected: nothing changed", args[0])
		return nil
	})
}
