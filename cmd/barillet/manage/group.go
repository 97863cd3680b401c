package manage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/input"
)

// group is the part of a group that commands need.
type group struct {
	ID      string       `json:"id,omitempty"`
	Created time.Time    `json:"created,omitzero"`
	Profile groupProfile `json:"profile"`
}

type groupProfile struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
}

func groupPath(id string, more ...string) string {
	path := "/groups/" + url.PathEscape(id)
	for _, part := range more {
		path += part
	}
	return path
}

// groupID returns the id of a group with that id or name. Case and the kind of apostrophes and spaces do not matter in a
// name: no two groups differ only by them.
func (c *Client) groupID(ctx context.Context, idOrName string) (string, error) {
	var g group
	err := c.call(ctx, http.MethodGet, groupPath(idOrName), nil, &g)
	if err == nil {
		return g.ID, nil
	}
	if refused, ok := errors.AsType[*refusal](err); !ok || refused.Status != http.StatusNotFound {
		return "", fmt.Errorf("looking for the group: %w", err)
	}
	all, err := pages[group](ctx, c, "/groups", url.Values{"q": {idOrName}}, 0)
	if err != nil {
		return "", fmt.Errorf("looking for the group: %w", err)
	}
	for _, g := range all {
		if input.Fold(g.Profile.Name) == input.Fold(idOrName) {
			return g.ID, nil
		}
	}
	return "", cli.WithHint(fmt.Errorf("no group has this id or name: %s", cli.Plain(idOrName)), "barillet group list")
}

// groupIDs finds groups by ids or names; none for none.
func (c *Client) groupIDs(ctx context.Context, idsOrNames []string) ([]string, error) {
	var out []string
	for _, name := range idsOrNames {
		id, err := c.groupID(ctx, name)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

func (m *CLI) groupAdd() *cobra.Command {
	var req group
	c := &cobra.Command{Use: "add NAME", Short: "create a group and print its id", Args: cli.ExactArgs("NAME")}
	c.Flags().StringVar(&req.Profile.Description, "description", "", "description of the group")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var created group
		req.Profile.Name = args[0]
		if err := s.call(ctx, http.MethodPost, "/groups", req, &created); err != nil {
			return fmt.Errorf("creating group: %w", err)
		}
		if m.JSON {
			return m.Result(created)
		}
		return m.Line("%s", created.ID)
	})
}

func (m *CLI) groupList() *cobra.Command {
	prefix := ""
	c := &cobra.Command{Use: "list", Short: "list groups: id, name, description", Args: cli.ExactArgs()}
	c.Flags().StringVar(&prefix, "q", "", "only groups with a word that begins with this text")
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{}
		if prefix != "" {
			values.Set("q", prefix)
		}
		all, err := pages[json.RawMessage](ctx, s, "/groups", values, 0)
		if err != nil {
			return fmt.Errorf("listing groups: %w", err)
		}
		return printList(m, all, func(g group) []string { return []string{g.ID, g.Profile.Name, g.Profile.Description} })
	})
}

// onGroup completes a command about one group, named by id or name.
func (m *CLI) onGroup(use, short string, names []string, do func(ctx context.Context, s *Client, id string, args []string) error) *cobra.Command {
	c := &cobra.Command{Use: use, Short: short, Args: cli.ExactArgs(append([]string{"GROUP"}, names...)...)}
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		id, err := s.groupID(ctx, args[0])
		if err != nil {
			return err
		}
		return do(ctx, s, id, args[1:])
	})
}

func (m *CLI) groupShow() *cobra.Command {
	return m.onGroup("show GROUP", "print a group", nil, func(ctx context.Context, s *Client, id string, _ []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, groupPath(id), nil, &raw); err != nil {
			return fmt.Errorf("reading group: %w", err)
		}
		return printOne(m, raw, func(g group) error {
			return m.Table([][]string{{"id", g.ID}, {"name", g.Profile.Name}, {"description", g.Profile.Description}, {"created", m.Moment(g.Created)}})
		})
	})
}

func (m *CLI) groupRename() *cobra.Command {
	return m.onGroup("rename GROUP NAME", "rename a group", []string{"NAME"},
		func(ctx context.Context, s *Client, id string, args []string) error {
			var g group
			if err := s.call(ctx, http.MethodGet, groupPath(id), nil, &g); err != nil {
				return fmt.Errorf("renaming group: %w", err)
			}
			req := group{Profile: groupProfile{Name: args[0], Description: g.Profile.Description}}
			if err := s.call(ctx, http.MethodPut, groupPath(id), req, nil); err != nil {
				return fmt.Errorf("renaming group: %w", err)
			}
			m.Note("%s renamed to %s", id, cli.Plain(args[0]))
			return nil
		})
}

func (m *CLI) groupDelete() *cobra.Command {
	var confirm func(format string, args ...any) error
	c := m.onGroup("delete GROUP", "delete a group permanently and keep its members", nil, func(ctx context.Context, s *Client, id string, _ []string) error {
		if err := confirm("delete the group %s permanently", id); err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodDelete, groupPath(id), nil, nil); err != nil {
			return fmt.Errorf("deleting group: %w", err)
		}
		m.Note("%s deleted", id)
		return nil
	})
	confirm = m.confirmFlag(c)
	return c
}

func (m *CLI) membersList() *cobra.Command {
	return m.onGroup("list GROUP", "list the members of a group: id, status, login, name", nil,
		func(ctx context.Context, s *Client, id string, _ []string) error {
			all, err := pages[json.RawMessage](ctx, s, groupPath(id, "/users"), nil, 0)
			if err != nil {
				return fmt.Errorf("listing members: %w", err)
			}
			return printList(m, all, func(u user) []string { return []string{u.ID, u.Status, u.text("login"), u.name()} })
		})
}

func (m *CLI) membersAdd() *cobra.Command {
	return m.membership("add", http.MethodPut, "add a user to a group", "added to")
}

func (m *CLI) membersRemove() *cobra.Command {
	return m.membership("remove", http.MethodDelete, "remove a user from a group", "removed from")
}

func (m *CLI) membership(verb, method, short, now string) *cobra.Command {
	return m.onGroup(verb+" GROUP EMAIL", short, []string{"EMAIL"}, func(ctx context.Context, s *Client, id string, args []string) error {
		if err := s.call(ctx, method, groupPath(id, "/users/", url.PathEscape(args[0])), nil, nil); err != nil {
			return fmt.Errorf("%s: %w", args[0], err)
		}
		m.Note("%s %s %s", args[0], now, id)
		return nil
	})
}
