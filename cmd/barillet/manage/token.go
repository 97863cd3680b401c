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

// newToken is the request that creates an API token.
type newToken struct {
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Groups    []string `json:"groups,omitempty"`    // nil: all users
	ExpiresIn int64    `json:"expiresIn,omitempty"` // seconds
	Allow     []string `json:"allow,omitempty"`
	Owner     string   `json:"owner,omitempty"` // "": the caller
}

// createdToken is the response.
type createdToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Token   string    `json:"token"`
	Role    string    `json:"role"`
	Owner   string    `json:"owner"`
	Expires time.Time `json:"expiresAt"`
}

func (m *CLI) tokenCreate() *cobra.Command {
	var req newToken
	var expires string
	c := &cobra.Command{
		Use: "create --name NAME --role ROLE", Short: "create an API token and print it",
		Long: "Creates an API token and prints only the token on stdout. It is not shown again.\n\n" +
			"With --owner, the token acts as that user, who is notified. It never has more permissions than the user, and does not work\n" +
			"while the user is suspended. Without --owner, it belongs to the operator. Only the operator can name an owner.",
		Args: cli.ExactArgs(),
	}
	c.Flags().StringVar(&req.Name, "name", "", "name of the token")
	known := choiceFlag(c, &req.Role, "role", "role of the token", roles)
	c.Flags().StringSliceVar(&req.Groups, "group", nil, "group in the scope of the token, by id or name; can be repeated")
	c.Flags().StringVar(&expires, "expires", "90d", "lifetime, such as 90d or 12h; at most 365d")
	c.Flags().StringSliceVar(&req.Allow, "allow", nil, "allowances: secrets, authn")
	c.Flags().StringVar(&req.Owner, "owner", "", "user that the token acts as, by login, address or id")
	return m.withNewStore(c, func(ctx context.Context, s *Client, _ []string) error {
		var created createdToken
		var err error
		if req.Groups, err = s.groupIDs(ctx, req.Groups); err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodPost, "/api-tokens", req, &created); err != nil {
			return fmt.Errorf("creating token: %w", err)
		}
		m.Note("token %s, %s, expires %s; it is not shown again", created.Name, created.Role, m.Moment(created.Expires))
		if m.JSON {
			return m.Result(created)
		}
		return m.Line("%s", created.Token)
	}, func(connector Connector) error {
		if req.Owner != "" && connector.Remote() {
			return cli.Usagef("--owner works only on the host of the service: a token creates tokens of its own owner")
		}
		if req.Name == "" {
			return cli.Usagef("--name is required")
		}
		if req.Role == "" {
			return cli.Usagef("--role is required: want one of %s", strings.Join(roles, ", "))
		}
		if err := known(connector); err != nil {
			return err
		}
		life, err := parseLifetime(expires)
		if err != nil {
			return cli.Usagef("--expires: %w", err)
		}
		req.ExpiresIn = int64(life / time.Second)
		return nil
	})
}

func (m *CLI) tokenList() *cobra.Command {
	type token struct {
		createdToken
		Groups   []string  `json:"groups"`
		LastUsed time.Time `json:"lastUsed"`
	}
	c := &cobra.Command{Use: "list", Short: "list API tokens: id, name, role, groups, expires, last used", Args: cli.ExactArgs()}
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
	c := &cobra.Command{Use: "revoke ID", Short: "revoke an API token", Args: cli.ExactArgs("ID")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		if err := s.call(ctx, http.MethodDelete, "/api-tokens/"+url.PathEscape(args[0]), nil, nil); err != nil {
			return fmt.Errorf("revoking token: %w", err)
		}
		m.Note("token revoked")
		return nil
	})
}
