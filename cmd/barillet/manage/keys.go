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

// keyKinds are the kinds that rotate knows. Without one, it rotates the signing keys.
var keyKinds = []string{"signing", "data", "master", "password-pepper"}

func (m *CLI) keysRotate() *cobra.Command {
	var leaked bool
	c := &cobra.Command{Use: "rotate [KIND]", Short: "replace keys: signing, data, master or password-pepper", Args: cobra.MaximumNArgs(1),
		Long: "signing, the default, creates a key for each algorithm. It becomes active after a day, when no cache is without it. The old\n" +
			"keys stay published for another week. If an algorithm has a next key already, the command does nothing for it.\n" +
			"data makes a new key, with which the running service seals all records again.\n" +
			"master replaces the key that opens the data keys, in the key file. password-pepper replaces that of passwords; each user's\n" +
			"password moves to it at a sign-in."}
	c.Flags().BoolVar(&leaked, "leaked", false, "remove the old key at once: backups of before need the old key file, or all passwords must be chosen anew")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		kind := "signing"
		if len(args) > 0 {
			kind = args[0]
		}
		switch {
		case !slices.Contains(keyKinds, kind):
			return cli.Usagef("unknown kind %q: want one of %s", kind, strings.Join(keyKinds, ", "))
		case leaked && (kind == "signing" || kind == "data"):
			return cli.WithHint(cli.Usagef("--leaked is for master and password-pepper"), "keys withdraw ends a leaked signing key; a replaced data key is always removed")
		}
		if kind != "signing" {
			return m.rotateStoreKey(ctx, s, kind, leaked)
		}
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodPost, "/signing-keys/rotate", nil, &all); err != nil {
			return fmt.Errorf("rotating keys: %w", err)
		}
		m.Note("the next keys become active in a day")
		return m.showKeys(all)
	})
}

func (m *CLI) rotateStoreKey(ctx context.Context, s *Client, kind string, leaked bool) error {
	var all []json.RawMessage
	if err := s.call(ctx, http.MethodPost, "/store-keys", map[string]any{"kind": kind, "leaked": leaked}, &all); err != nil {
		return fmt.Errorf("rotating the %s key: %w", kind, err)
	}
	switch kind {
	case "data":
		m.Note("the running service seals all records again, and then removes the old key: see keys status")
	default:
		m.Note("copy the key file again, apart from the store and its backups")
	}
	return m.showStoreKeys(all)
}

func (m *CLI) keysWithdraw() *cobra.Command {
	c := &cobra.Command{Use: "withdraw KID", Short: "end a leaked signing key at once, and inform administrators", Args: cli.ExactArgs("KID"),
		Long: "Removes a signing key. Another one signs at once. Applications keep public keys for up to an hour."}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodPost, "/signing-keys/"+url.PathEscape(args[0])+"/withdraw", nil, &all); err != nil {
			return fmt.Errorf("withdrawing key %s: %w", args[0], err)
		}
		return m.showKeys(all)
	})
}

func (m *CLI) keysForget() *cobra.Command {
	c := &cobra.Command{Use: "forget ID", Short: "remove an older master key or password pepper from the key file", Args: cli.ExactArgs("ID"),
		Long: "Backups that need the older master key can then be restored only with a copy of the key file from then. Users whose password\n" +
			"needs the older pepper must choose another one, by the link that they ask for."}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, "/store-keys/"+url.PathEscape(args[0]), nil, nil); err != nil {
			return fmt.Errorf("forgetting key %s: %w", args[0], err)
		}
		m.Note("copy the key file again, apart from the store and its backups")
		return nil
	})
}

func (m *CLI) keysStatus() *cobra.Command {
	c := &cobra.Command{Use: "status", Short: "list the keys that protect the store: kind, id, state, creation, what is left", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, "/store-keys", nil, &all); err != nil {
			return fmt.Errorf("listing keys: %w", err)
		}
		return m.showStoreKeys(all)
	})
}

// showStoreKeys prints the keys of the store: kind, id, state, creation, what is left.
func (m *CLI) showStoreKeys(all []json.RawMessage) error {
	type key struct {
		Kind     string    `json:"kind"`
		ID       string    `json:"id"`
		State    string    `json:"state"`
		Created  time.Time `json:"created"`
		Protects string    `json:"protects"`
		Users    *int      `json:"users"`
		Pass     *struct {
			Read   int64      `json:"read"`
			Sealed int64      `json:"sealed"`
			Ended  *time.Time `json:"ended"`
		} `json:"pass"`
	}
	return printList(m, all, func(k key) []string {
		left := k.Protects
		switch {
		case k.Users != nil:
			left = fmt.Sprintf("%d passwords", *k.Users)
		case k.Pass != nil && k.Pass.Ended != nil:
			left = "0 records; removed within minutes"
		case k.Pass != nil:
			left = fmt.Sprintf("%d records read, %d sealed again", k.Pass.Read, k.Pass.Sealed)
		}
		return []string{k.Kind, k.ID, k.State, m.Moment(k.Created), left}
	})
}
