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

// showKeys prints signing keys: id, algorithm, whether it signs, from when.
func (m *CLI) showKeys(all []json.RawMessage) error {
	type key struct {
		ID    string    `json:"kid"`
		Alg   string    `json:"alg"`
		From  time.Time `json:"signsFrom"`
		Signs bool      `json:"signs"`
	}
	seen := map[string]bool{} // algorithms whose present key was told: what comes after it waits
	return printList(m, all, func(k key) []string {
		state := "before"
		switch {
		case k.Signs:
			state, seen[k.Alg] = "signs", true
		case seen[k.Alg]:
			state = "waits"
		}
		return []string{k.ID, k.Alg, state, m.Moment(k.From)}
	})
}

func (m *CLI) keysList() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "list signing keys: id, algorithm, state, from when it signs", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, "/signing-keys", nil, &all); err != nil {
			return fmt.Errorf("listing keys: %w", err)
		}
		return m.showKeys(all)
	})
}

func (m *CLI) keysRotate() *cobra.Command {
	c := &cobra.Command{Use: "rotate", Short: "make further signing keys", Args: cli.ExactArgs(),
		Long: "Makes a further key of each algorithm, which signs a day from now, when every cache has it. Those of before stay\n" +
			"published for a week after. Where one waits already nothing is done."}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodPost, "/signing-keys/rotate", nil, &all); err != nil {
			return fmt.Errorf("rotating keys: %w", err)
		}
		m.Note("further keys sign a day from now")
		return m.showKeys(all)
	})
}
