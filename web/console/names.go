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
func (c *Pages) groupNames(ctx context.Context, p admin.Principal, ids []account.GroupID) ([]string, error) {
	names := make([]string, len(ids))
	for i, id := range ids {
		g, err := c.Directory.Group(ctx, p, id)
		switch {
		case errcode.Of(err) == errcode.NotFound:
			names[i] = string(id)
		case err != nil:
			return nil, err
		default:
			names[i] = g.Name
		}
	}
	return names, nil
}

// groupsNamed returns the groups whose names or ids are the lines of a text. It returns Invalid if there is none, or if a line names
// none or several.
func (c *Pages) groupsNamed(ctx context.Context, p admin.Principal, lines string) ([]account.GroupID, error) {
	var ids []account.GroupID
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		id, err := c.groupNamed(ctx, p, line)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return nil, errcode.InvalidField("groups", "empty")
	}
	return ids, nil
}

func (c *Pages) groupNamed(ctx context.Context, p admin.Principal, name string) (account.GroupID, error) {
	if !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r > '~' }) {
		g, err := c.Directory.Group(ctx, p, account.GroupID(name))
		if err == nil || errcode.Of(err) != errcode.NotFound {
			return g.ID, err
		}
	}
	found, _, err := c.Directory.Groups(ctx, p, account.GroupQuery{Prefix: name})
	if err != nil {
		return "", err
	}
	var id account.GroupID
	for _, g := range found {
		if words.Fold(g.Name) != words.Fold(name) {
			continue
		}
		if id != "" {
			return "", errcode.InvalidField("groups", "group_several")
		}
		id = g.ID
	}
	if id == "" {
		return "", errcode.InvalidField("groups", "group_unknown")
	}
	return id, nil
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
