package console

import (
	"context"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// groupNames returns the names of groups. A group that was deleted is named by its id.
func (c *Pages) groupNames(ctx context.Context, p admin.Principal, ids []account.GroupID) (names []string, err error) {
	known := map[account.GroupID]string{}
	for _, id := range ids {
		name, err := c.groupLabel(ctx, p, id, known)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}

// groupLabel returns the name of a group, or the id of a deleted one; "" for no group. It keeps the names in names.
func (c *Pages) groupLabel(ctx context.Context, p admin.Principal, id account.GroupID, names map[account.GroupID]string) (string, error) {
	if name, known := names[id]; known || id == "" {
		return name, nil
	}
	g, err := c.Directory.Group(ctx, p, id)
	switch {
	case errcode.Of(err) == errcode.NotFound:
		g.Name = string(id)
	case err != nil:
		return "", err
	}
	names[id] = g.Name
	return g.Name, nil
}

// groupsNamed returns the groups whose names or ids are the lines of a text. It returns Invalid for a line that names none.
func (c *Pages) groupsNamed(ctx context.Context, p admin.Principal, lines string) (ids []account.GroupID, err error) {
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		g, err := c.Directory.FindGroup(ctx, p, line)
		if errcode.Of(err) == errcode.NotFound {
			err = errcode.InvalidField("groups", "no_group")
		}
		if err != nil {
			return nil, err
		}
		if ids = append(ids, g.ID); len(ids) > admin.MaxGroups {
			return nil, errcode.InvalidField("groups", "too_many")
		}
	}
	return ids, nil
}
