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

// showKeys prints signing keys: id, algorithm, state, start.
func (m *CLI) showKeys(all []json.RawMessage) error {
	type key struct {
		ID    string    `json:"kid"`
		Alg   string    `json:"alg"`
		From  time.Time `json:"signsFrom"`
		Signs bool      `json:"signs"`
	}
	seen := map[string]bool{} // algorithms whose active key was printed; later keys are not active yet
	return printList(m, all, func(k key) []string {
		state := "retired"
		switch {
		case k.Signs:
			state, seen[k.Alg] = "active", true
		case seen[k.Alg]:
			state = "next"
		}
		return []string{k.ID, k.Alg, state, m.Moment(k.From)}
	})
}

func (m *CLI) keysList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list signing keys: id, algorithm, state, start", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, "/signing-keys", nil, &all); err != nil {
			return fmt.Errorf("listing keys: %w", err)
		}
		return m.showKeys(all)
	})
}

func (m *CLI) keysRotate() *cobra.Command {
	c := &cobra.Command{Use: "rotate", Short: "create the next signing keys, which become active after a day", Args: cli.ExactArgs(),
		Long: "Creates a key for each algorithm. It becomes active after a day, when no cache is without it. The old keys stay published\n" +
			"for another week. If an algorithm has a next key already, the command does nothing for it."}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodPost, "/signing-keys/rotate", nil, &all); err != nil {
			return fmt.Errorf("rotating keys: %w", err)
		}
		m.Note("the next keys become active in a day")
		return m.showKeys(all)
	})
}
