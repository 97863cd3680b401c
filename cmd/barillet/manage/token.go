package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"barillet/authn"
)

// roles are the words for --role.
var roles = []string{string(authn.RoleSuperAdmin), string(authn.RoleUserAdmin), string(authn.RoleHelpDesk), string(authn.RoleReadOnly)}

func knownRole(role string) error {
	if !slices.Contains(roles, role) {
		return misused("--role %q: want one of %s", role, strings.Join(roles, ", "))
	}
	return nil
}

func (p *program) tokenCommand() *cobra.Command {
	c := parent("token", "API tokens")
	c.AddCommand(p.tokenCreateCommand())
	return c
}

// newToken and createdToken are the call's two halves.
type newToken struct {
	Name      string   `json:"name"`
	Role      string   `json:"role"`
	Groups    []string `json:"groups,omitempty"`    // left out: everybody
	ExpiresIn int64    `json:"expiresIn,omitempty"` // seconds
	Allow     []string `json:"allow,omitempty"`
}

type createdToken struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Token   string    `json:"token"`
	Role    string    `json:"role"`
	Expires time.Time `json:"expiresAt"`
}

func (p *program) tokenCreateCommand() *cobra.Command {
	var to target
	var ask newToken
	var expires string
	c := &cobra.Command{
		Use: "create --name NAME --role ROLE", Short: "make an API token and print it",
		Long: "Makes an API token and prints it alone on stdout. It is shown this once.",
		Args: exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if ask.Name == "" {
				return misused("--name is missing: say what the token is for")
			}
			if err := knownRole(ask.Role); err != nil {
				return err
			}
			life, err := lifetime(expires)
			if err != nil {
				return misused("--expires: %w", err)
			}
			ask.ExpiresIn = int64(life / time.Second)
			service, err := to.connect(c.Context(), p, true)
			if err != nil {
				return err
			}
			defer service.done()
			var made createdToken
			if err := service.call(c.Context(), http.MethodPost, "/api-tokens", ask, &made); err != nil {
				return fmt.Errorf("making the token: %w", err)
			}
			p.note("token %s, %s, good until %s; it is shown this once", made.Name, made.Role, moment(made.Expires))
			if p.json {
				return p.result(made)
			}
			_, err = fmt.Fprintln(p.stdout, made.Token)
			return err
		},
	}
	to.register(c)
	p.jsonFlag(c)
	c.Flags().StringVar(&ask.Name, "name", "", "what the token is for")
	c.Flags().StringVar(&ask.Role, "role", "", strings.Join(roles, ", "))
	c.Flags().StringSliceVar(&ask.Groups, "group", nil, "limit it to a group, by id; may be given again")
	c.Flags().StringVar(&expires, "expires", "90d", "how long it is good: 90d, 12h; at most 365d")
	c.Flags().StringSliceVar(&ask.Allow, "allow", nil, "secrets, authn")
	return c
}
