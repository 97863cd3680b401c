package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// risk is the part of an entry of the report that is printed. --json prints the whole response.
type risk struct {
	Kind   string `json:"kind"`
	Risk   string `json:"risk"`
	Login  string `json:"login"`
	Name   string `json:"name"`
	Device *struct {
		Name string `json:"name"`
	} `json:"device"`
	Copies   int `json:"copies"`
	Left     int `json:"recoveryCodesLeft"`
	CanReset int `json:"canReset"`
}

// row returns the devices of a user, or the number of administrators of a group.
func (r risk) row() []string {
	if r.Kind == "group" {
		return []string{r.Kind, r.Risk, "", r.Name, fmt.Sprintf("%d can reset", r.CanReset)}
	}
	has := fmt.Sprintf("%d recovery codes", r.Left)
	if r.Copies > 0 {
		has = fmt.Sprintf("on %d more phones, %s", r.Copies, has)
	}
	if r.Device != nil {
		has = r.Device.Name + ", " + has
	}
	return []string{r.Kind, r.Risk, r.Login, r.Name, has}
}

func (m *CLI) reportLockout() *cobra.Command {
	kind := ""
	c := &cobra.Command{
		Use: "lockout-risk", Short: "list users that the loss of one device locks out, and groups with fewer than two administrators who can reset",
		Args: cli.ExactArgs(),
	}
	known := choiceFlag(c, &kind, "kind", "only entries of this kind", []string{"user", "group"})
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{}
		if kind != "" {
			values.Set("kind", kind)
		}
		all, err := pages[json.RawMessage](ctx, s, "/reports/lockout-risk", values, 0)
		if err != nil {
			return fmt.Errorf("reading report: %w", err)
		}
		return printList(m, all, risk.row)
	}, known)
}
