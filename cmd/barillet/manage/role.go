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

	"barillet/authn/account"
	"barillet/cmd/barillet/cli"
)

// roles are the names of the roles.
var roles = []string{string(account.RoleSuperAdmin), string(account.RoleUserAdmin), string(account.RoleHelpDesk), string(account.RoleReadOnly)}

// roleAssignment is the part of a role assignment that is printed. --json prints the whole response.
type roleAssignment struct {
	ID      string   `json:"id"`
	Type    string   `json:"type"`
	Status  string   `json:"status"`
	Targets []string `json:"targets"`
}

// scope returns a group scope in words: nil is all users, an empty list none.
func scope(groups []string) string {
	switch {
	case groups == nil:
		return "all users"
	case len(groups) == 0:
		return "no users"
	}
	return strings.Join(groups, ",")
}

// onRole completes a command about one role of one user. It checks the name of the role before it connects.
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
	var groups []string
	c := &cobra.Command{
		Use: "add EMAIL ROLE", Short: "assign a role to a user and notify the user",
		Long: "Assigns a role for the groups of --group or, without it, for all users. Notifies the user. By this command the operator also\n" +
			"confirms a role that rests since restore --accept-lost.",
	}
	c.Flags().StringArrayVar(&groups, "group", nil, "group of the role, by id or name; can be repeated")
	return m.onRole(c, func(ctx context.Context, s *Client, args []string) error {
		req := struct {
			Type    string   `json:"type"`
			Targets []string `json:"targets,omitempty"`
		}{Type: args[1]}
		var err error
		if req.Targets, err = s.groupIDs(ctx, groups); err != nil {
			return err
		}
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodPost, userPath(args[0], "/roles"), req, &raw); err != nil {
			return fmt.Errorf("assigning %s to %s: %w", args[1], args[0], err)
		}
		if waits, err := m.waits(raw); waits || err != nil {
			return err
		}
		m.Note("%s has the role %s for %s", args[0], args[1], scope(req.Targets))
		return m.printResult(raw)
	})
}

func (m *CLI) roleList() *cobra.Command {
	c := &cobra.Command{Use: "list EMAIL", Short: "list the roles of a user: role, groups, and whether it rests", Args: cli.ExactArgs("EMAIL")}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var all []json.RawMessage
		if err := s.call(ctx, http.MethodGet, userPath(args[0], "/roles"), nil, &all); err != nil {
			return fmt.Errorf("listing roles of %s: %w", args[0], err)
		}
		return printList(m, all, func(g roleAssignment) []string {
			row := []string{g.Type, scope(g.Targets)}
			if g.Status == "INACTIVE" {
				row = append(row, "rests")
			}
			return row
		})
	})
}

// roleOf returns the assignment of a role to a user.
func (c *Client) roleOf(ctx context.Context, email, role string) (roleAssignment, error) {
	var all []roleAssignment
	if err := c.call(ctx, http.MethodGet, userPath(email, "/roles"), nil, &all); err != nil {
		return roleAssignment{}, fmt.Errorf("reading roles of %s: %w", email, err)
	}
	for _, g := range all {
		if g.Type == role {
			return g, nil
		}
	}
	return roleAssignment{}, cli.WithHint(fmt.Errorf("%s does not have the role %s", email, role), "run barillet user role list %s", email)
}

func (g roleAssignment) path(email string, more ...string) string {
	return userPath(email, "/roles/", url.PathEscape(g.ID), strings.Join(more, ""))
}

func (m *CLI) roleLimit() *cobra.Command {
	var groups []string
	c := &cobra.Command{
		Use: "limit EMAIL ROLE --group GROUP", Short: "limit a role of a user to the given groups",
		Long: "Replaces the groups of a role that the user has. The command adds the new groups before it removes the others, because a\n" +
			"role must not be without groups.",
	}
	c.Flags().StringArrayVar(&groups, "group", nil, "group, by id or name; can be repeated")
	return m.onRole(c, func(ctx context.Context, s *Client, args []string) error {
		wanted, err := s.groupIDs(ctx, groups)
		if err != nil {
			return err
		}
		has, err := s.roleOf(ctx, args[0], args[1])
		if err != nil {
			return err
		}
		for _, id := range wanted {
			var raw json.RawMessage
			if err := s.call(ctx, http.MethodPut, has.path(args[0], "/targets/groups/", url.PathEscape(id)), nil, &raw); err != nil {
				return fmt.Errorf("limiting %s to %s: %w", args[1], id, err)
			}
			if waits, err := m.waits(raw); waits || err != nil {
				return err
			}
		}
		for _, id := range has.Targets {
			if slices.Contains(wanted, id) {
				continue
			}
			if err := s.call(ctx, http.MethodDelete, has.path(args[0], "/targets/groups/", url.PathEscape(id)), nil, nil); err != nil {
				return fmt.Errorf("removing %s from %s: %w", id, args[1], err)
			}
		}
		m.Note("%s has the role %s for %s", args[0], args[1], scope(wanted))
		return nil
	}, func(Connector) error {
		if len(groups) == 0 {
			return cli.Usagef("--group is required")
		}
		return nil
	})
}

func (m *CLI) roleRemove() *cobra.Command {
	c := &cobra.Command{Use: "remove EMAIL ROLE", Short: "remove a role from a user and end the user's sessions"}
	return m.onRole(c, func(ctx context.Context, s *Client, args []string) error {
		has, err := s.roleOf(ctx, args[0], args[1])
		if err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodDelete, has.path(args[0]), nil, nil); err != nil {
			return fmt.Errorf("removing %s from %s: %w", args[1], args[0], err)
		}
		m.Note("%s no longer has the role %s; all sessions ended", args[0], args[1])
		return nil
	})
}
