package console

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	words "barillet/internal/input"
	view "barillet/templates/console"
)

// rowsPerPage is the number of rows of a list.
const rowsPerPage = 50

// morePath returns the path of the next page of a list with the same filters, or "" without a cursor.
func morePath(r *http.Request, next string) string {
	if next == "" {
		return ""
	}
	q := r.URL.Query()
	q.Del("done")
	q.Del("again")
	q.Set("after", next)
	return r.URL.EscapedPath() + "?" + q.Encode()
}

// cursor returns the cursor of a page of a list. A text that can be none is NotFound.
func cursor(r *http.Request) (string, error) {
	after := r.URL.Query().Get("after")
	if len(after) > 400 || strings.ContainsFunc(after, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return "", errcode.New(errcode.NotFound)
	}
	return after, nil
}

func unixTime(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

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

// userNamed returns a user by name for a page, with a link if the name is known. recorded is the name in the record, for a user who
// was deleted.
func userNamed(names map[string]string, id, recorded string) view.Named {
	if id == "" {
		return view.Named{}
	}
	if name := names[id]; name != "" {
		return view.Named{Name: name, ID: id, Path: personPath + "/" + url.PathEscape(id)}
	}
	return view.Named{Name: recorded, ID: id}
}

// shortLine returns a text of another server for a page: cut, without characters that control or reorder text.
func shortLine(text string) string {
	return admin.Cut(strings.Map(func(r rune) rune {
		if words.Unsafe(r) {
			return -1
		}
		return r
	}, text), 200)
}
