package manage

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"barillet/authn"
	"barillet/cmd/barillet/cli"
)

// roles are the words for a role.
var roles = []string{string(authn.RoleSuperAdmin), string(authn.RoleUserAdmin), string(authn.RoleHelpDesk), string(authn.RoleReadOnly)}

// roleAssignment is what is printed of a role that somebody has; --json prints all that the API says.
type roleAssignment struct {
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Targets []string `json:"targets"`
}

// scope is for whom a role or token is: nil means everybody, an empty list nobody.
func scope(groups []string) string {
	switch {
	case groups == nil:
		return "everybody"
	case len(groups) == 0:
		return "nobody"
	}
	return strings.Join(groups, ",")
}

// onRole completes a command about one role of one person. It judges the role's name before anything is reached.
func (m *CLI) onRole(c *cobra.Command, do run, checks ...func(Connector) error) *cobra.Command {
	exactly := cli.ExactArgs("EMAIL", "ROLE")
	c.Args = func(c *cobra.Command, args []string) error {
		if err := exactly(c, args); err != nil {
			return err
		}
		return oneOf("role", args[1], roles)
	}
	c = m.withClient(c, do, checks...)
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 1 {
			return roles, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c
}

func (m *CLI) roleAdd() *cobra.Command {
	var garages []string
	c := &cobra.Command{
		Use: "add EMAIL ROLE", Short: "give a person a role, for everybody or for some garages",
		Long: "Gives a role, for the garages named with --group, and without it for everybody. The person is told.",
	}
	c.Flags().StringArrayVar(&garages, "group", nil, "for a garage, by id or name; may be given again")
	return m.onRole(c, func(ctx context.Context, s *Client, args []string) error {
		ask := struct {
			Type    string   `json:"type"`
			Targets []string `json:"targets,omitempty"`
		}{Type: args[1]}
		var err error
		if ask.Targets, err = s.groupIDs(ctx, garages); err != nil {
			return err
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, userPath(args[0], "/roles"), ask, &raw); err != nil {
			return fmt.Errorf("giving %s to %s: %w", args[1], args[0], err)
		}
		m.Note("%s is %s for %s", args[0], args[1], scope(ask.Targets))
		return m.printResult(raw)
	})
}

func (m *CLI) roleList() *cobra.Command {
	c := &cobra.Command{Use: "list EMAIL", Short: "list a person's roles: role, for whom", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0], "/roles"), nil, &all); err != nil {
			return fmt.Errorf("listing the roles of %s: %w", args[0], err)
		}
		return printList(m, all, func(g roleAssignment) []string { return []string{g.Type, scope(g.Targets)} })
	})
}

// roleOf finds a role of a person by its name.
func (c *Client) roleOf(ctx context.Context, email, role string) (roleAssignment, error) {
	var all []roleAssignment
	if err := c.call(ctx, http.MethodGet, userPath(email, "/roles"), nil, &all); err != nil {
		return roleAssignment{}, fmt.Errorf("looking for the roles of %s: %w", email, err)
	}
	for _, g := range all {
		if g.Type == role {
			return g, nil
		}
	}
	return roleAssignment{}, cli.WithHint(fmt.Errorf("%s is not %s", email, role), "barillet user role list %s", email)
}

func (g roleAssignment) path(email string, more ...string) string {
	return userPath(email, "/roles/", url.PathEscape(g.ID), strings.Join(more, ""))
}

func (m *CLI) roleLimit() *cobra.Command {
	var garages []string
	c := &cobra.Command{
		Use: "limit EMAIL ROLE --group GROUP", Short: "limit a role to some garages and no others",
		Long: "Limits a role that the person has to the garages named, whatever it was for before. Those that are new are added before\n" +
			"the others are taken away, for a role is never for nobody.",
	}
	c.Flags().StringArrayVar(&garages, "group", nil, "a garage, by id or name; may be given again")
	return m.onRole(c, func(ctx context.Context, s *Client, args []string) error {
		wanted, err := s.groupIDs(ctx, garages)
		if err != nil {
			return err
		}
		has, err := s.roleOf(ctx, args[0], args[1])
		if err != nil {
			return err
		}
		for _, id := range wanted {
			if err := s.call(ctx, http.MethodPut, has.path(args[0], "/targets/groups/", url.PathEscape(id)), nil, nil); err != nil {
				return fmt.Errorf("limiting %s to %s: %w", args[1], id, err)
			}
		}
		for _, id := range has.Targets {
			if slices.Contains(wanted, id) {
				continue
			}
			if err := s.call(ctx, http.MethodDelete, has.path(args[0], "/targets/groups/", url.PathEscape(id)), nil, nil); err != nil {
				return fmt.Errorf("taking %s from %s: %w", id, args[1], err)
			}
		}
		m.Note("%s is %s for %s", args[0], args[1], scope(wanted))
		return nil
	}, func(Connector) error {
		if len(garages) == 0 {
			return cli.Usagef("--group is missing: say which garages")
		}
		return nil
	})
}

func (m *CLI) roleRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove EMAIL ROLE", Short: "take a role from a person, whose sessions end"}
	return m.onRole(c, func(ctx context.Context, s *Client, args []string) error {
		has, err := s.roleOf(ctx, args[0], args[1])
		if err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodDelete, has.path(args[0]), nil, nil); err != nil {
			return fmt.Errorf("taking %s from %s: %w", args[1], args[0], err)
		}
		m.Note("%s is no longer %s, and is signed out everywhere", args[0], args[1])
		return nil
	})
}
