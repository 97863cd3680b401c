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
)

// group is a garage, as far as commands need it.
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

// groupID finds a group by id or by its whole name.
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
	found := ""
	for _, g := range all {
		if g.Profile.Name != idOrName {
			continue
		}
		if found != "" {
			return "", cli.WithHint(fmt.Errorf("two groups are called %q", idOrName), "name it by its id: barillet group list")
		}
		found = g.ID
	}
	if found == "" {
		return "", cli.WithHint(fmt.Errorf("no group has this id or name: %s", cli.Plain(idOrName)), "barillet group list")
	}
	return found, nil
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
	var ask group
	c := &cobra.Command{Use: "add NAME", Short: "make a garage and print its id", Args: cli.ExactArgs("NAME")}
	c.Flags().StringVar(&ask.Profile.Description, "description", "", "a few words about it")
	return m.withClient(c, func(ctx context.Context, s *Client, args []string) error {
		var made group
		ask.Profile.Name = args[0]
		if err := s.call(ctx, http.MethodPost, "/groups", ask, &made); err != nil {
			return fmt.Errorf("adding the group: %w", err)
		}
		if m.JSON {
			return m.Result(made)
		}
		return m.Line("%s", made.ID)
	})
}

func (m *CLI) groupList() *cobra.Command {
	starts := ""
	c := &cobra.Command{Use: "list", Short: "list garages: id, name, description", Args: cli.ExactArgs()}
	c.Flags().StringVar(&starts, "q", "", "only whose name begins so")
	return m.withClient(c, func(ctx context.Context, s *Client, _ []string) error {
		values := url.Values{}
		if starts != "" {
			values.Set("q", starts)
		}
		all, err := pages[json.RawMessage](ctx, s, "/groups", values, 0)
		if err != nil {
			return fmt.Errorf("listing groups: %w", err)
		}
		return printList(m, all, func(g group) []string { return []string{g.ID, g.Profile.Name, g.Profile.Description} })
	})
}

// onGroup is a command about one garage, named by id or name.
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
	return m.onGroup("show GROUP", "show one garage, by id or name", nil, func(ctx context.Context, s *Client, id string, _ []string) error {
		var raw json.RawMessage
		if err := s.call(ctx, http.MethodGet, groupPath(id), nil, &raw); err != nil {
			return fmt.Errorf("showing the group: %w", err)
		}
		return printOne(m, raw, func(g group) error {
			return m.Table([][]string{{"id", g.ID}, {"name", g.Profile.Name}, {"description", g.Profile.Description}, {"created", m.Moment(g.Created)}})
		})
	})
}

func (m *CLI) groupRename() *cobra.Command {
	return m.onGroup("rename GROUP NAME", "give a garage another name", []string{"NAME"},
		func(ctx context.Context, s *Client, id string, args []string) error {
			var g group
			if err := s.call(ctx, http.MethodGet, groupPath(id), nil, &g); err != nil {
				return fmt.Errorf("renaming the group: %w", err)
			}
			ask := group{Profile: groupProfile{Name: args[0], Description: g.Profile.Description}}
			if err := s.call(ctx, http.MethodPut, groupPath(id), ask, nil); err != nil {
				return fmt.Errorf("renaming the group: %w", err)
			}
			m.Note("%s is called %s now", id, cli.Plain(args[0]))
			return nil
		})
}

func (m *CLI) groupDelete() *cobra.Command {
	var sure func(format string, args ...any) error
	c := m.onGroup("delete GROUP", "remove a garage for ever; its people stay", nil, func(ctx context.Context, s *Client, id string, _ []string) error {
		if err := sure("delete the garage %s for ever", id); err != nil {
			return err
		}
		if err := s.call(ctx, http.MethodDelete, groupPath(id), nil, nil); err != nil {
			return fmt.Errorf("deleting the group: %w", err)
		}
		m.Note("%s is deleted", id)
		return nil
	})
	sure = m.confirmFlag(c)
	return c
}

func (m *CLI) membersList() *cobra.Command {
	return m.onGroup("list GROUP", "list the people of a garage: id, status, sign-in name, name", nil,
		func(ctx context.Context, s *Client, id string, _ []string) error {
			all, err := pages[json.RawMessage](ctx, s, groupPath(id, "/users"), nil, 0)
			if err != nil {
				return fmt.Errorf("listing the members: %w", err)
			}
			return printList(m, all, func(u user) []string { return []string{u.ID, u.Status, u.text("login"), u.name()} })
		})
}

func (m *CLI) membersAdd() *cobra.Command {
	return m.membership("add", http.MethodPut, "add a person to a garage", "belongs to")
}

func (m *CLI) membersRemove() *cobra.Command {
	return m.membership("remove", http.MethodDelete, "take a person out of a garage", "no longer belongs to")
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
