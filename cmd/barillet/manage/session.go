package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

func (m *CLI) sessionsList() *cobra.Command {
	type session struct {
		Created time.Time `json:"createdAt"`
		Seen    time.Time `json:"lastSeenAt"`
		Address string    `json:"address"`
		Agent   string    `json:"userAgent"`
	}
	c := &cobra.Command{Use: "list EMAIL", Short: "list the sessions of a user: start, last seen, address, browser", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0], "/sessions"), nil, &all); err != nil {
			return fmt.Errorf("listing sessions of %s: %w", args[0], err)
		}
		return printList(m, all, func(x session) []string {
			return []string{m.Moment(x.Created), m.Moment(x.Seen), x.Address, x.Agent}
		})
	})
}

func (m *CLI) sessionsEnd() *cobra.Command {
	forget := false
	c := &cobra.Command{Use: "end EMAIL", Short: "end all sessions of a user", Args: cli.ExactArgs("EMAIL")}
	c.Flags().BoolVar(&forget, "forget-browsers", false, "also remove the known browsers of the user")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, userPath(args[0], fmt.Sprintf("/sessions?forgetDevices=%t", forget)), nil, nil); err != nil {
			return fmt.Errorf("ending sessions of %s: %w", args[0], err)
		}
		m.Note("all sessions of %s ended", args[0])
		return nil
	})
}
