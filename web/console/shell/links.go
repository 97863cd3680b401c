package shell

import (
	"net/url"
	"strings"

	"barillet/authn/admin"
	words "barillet/internal/input"
	view "barillet/templates/console"
)

// PeoplePath is the path of the list of users; that of one follows it.
const PeoplePath = "/console/people"

// UserNamed returns a user by name for a page, with a link if the name is known. recorded is the name in the record, for a user who
// was deleted.
func UserNamed(names map[string]string, id, recorded string) view.Named {
	if id == "" {
		return view.Named{}
	}
	if name := names[id]; name != "" {
		return view.Named{Name: name, ID: id, Path: PeoplePath + "/" + url.PathEscape(id)}
	}
	return view.Named{Name: recorded, ID: id}
}

// ShortLine returns a text of another server for a page: cut, without characters that control or reorder text.
func ShortLine(text string) string {
	return admin.Cut(strings.Map(func(r rune) rune {
		if words.Unsafe(r) {
			return -1
		}
		return r
	}, text), 200)
}
