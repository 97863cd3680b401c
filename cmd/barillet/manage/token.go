package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// newToken and createdToken are the call's two halves.
type newToken struct {
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Groups    []string `json:"groups,omitempty"`    // left out: everybody
	ExpiresIn int64    `json:"expiresIn,omitempty"` // seconds
	Allow     []string `json:"allow,omitempty"`
	Owner     string   `json:"owner,omitempty"` // left out: whoever makes it
}

type createdToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Token   string    `json:"token"`
	Role    string    `json:"role"`
	Owner   string    `json:"owner"`
	Expires time.Time `json:"expiresAt"`
}

func (m *CLI) tokenCreate() *cobra.Command {
	var ask newToken
	var expires string
	c := &cobra.Command{
		Use: "create --name NAME --role ROLE", Short: "make an API token and print it",
		Long: "Makes an API token and prints it alone on stdout. It is shown this once.\n\n" +
			"With --owner it acts as that person, who is told: it may never do more than they may at the time, and is dead\n" +
			"while they are suspended. Without it, it is the machine's own. Only the machine's owner names another.",
		Args: cli.ExactArgs(),
	}
	c.Flags().StringVar(&ask.Name, "name", "", "what the token is for")
	known := choiceFlag(c, &ask.Role, "role", "what it may do", roles)
	c.Flags().StringSliceVar(&ask.Groups, "group", nil, "limit it to a group, by id or name; may be given again")
	c.Flags().StringVar(&expires, "expires", "90d", "how long it is good: 90d, 12h; at most 365d")
	c.Flags().StringSliceVar(&ask.Allow, "allow", nil, "secrets, authn")
	c.Flags().StringVar(&ask.Owner, "owner", "", "whom it acts as, by address, name or id")
	return m.withNewStore(c, func(ctx context.Context, s *Client, _ []string) error {
		var made createdToken
		var err error
		if ask.Groups, err = s.groupIDs(ctx, ask.Groups); err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodPost, "/api-tokens", ask, &made); err != nil {
			return fmt.Errorf("making the token: %w", err)
		}
		m.Note("token %s, %s, good until %s; it is shown this once", made.Name, made.Role, m.Moment(made.Expires))
		if m.JSON {
			return m.Result(made)
		}
		return m.Line("%s", made.Token)
	}, func(reach Connector) error {
		if ask.Owner != "" && reach.Remote() {
			return cli.Usagef("--owner works on the machine of the service only: a token makes tokens of its own owner")
		}
		if ask.Name == "" {
			return cli.Usagef("--name is missing: say what the token is for")
		}
		if ask.Role == "" {
			return cli.Usagef("--role is missing: want one of %s", strings.Join(roles, ", "))
		}
		if err := known(reach); err != nil {
			return err
		}
		life, err := parseLifetime(expires)
		if err != nil {
			return cli.Usagef("--expires: %w", err)
		}
		ask.ExpiresIn = int64(life / time.Second)
		return nil
	})
}

func (m *CLI) tokenList() *cobra.Command {
	type token struct {
		createdToken
		Groups   []string  `json:"groups"`
		LastUsed time.Time `json:"lastUsed"`
	}
	c := &cobra.Command{Use: "list", Short: "list API tokens: id, name, role, groups, good until, last used", Args: cli.ExactArgs()}
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		all, err := pages[json.RawMessage](ctx, s, "/api-tokens", nil, 0)
		if err != nil {
			return fmt.Errorf("listing tokens: %w", err)
		}
		return printList(m, all, func(t token) []string {
			return []string{t.ID, t.Name, t.Role, scope(t.Groups), m.Moment(t.Expires), m.Moment(t.LastUsed)}
		})
	})
}

func (m *CLI) tokenRevoke() *cobra.Command {
	c := &cobra.Command{Use: "revoke ID", Short: "end an API token", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, "/api-tokens/"+url.PathEscape(args[0]), nil, nil); err != nil {
			return fmt.Errorf("revoking the token: %w", err)
		}
		m.Note("the token is dead")
		return nil
	})
}
