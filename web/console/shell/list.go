package shell

import (
	"net/http"
	"strings"

	"barillet/internal/errcode"
)

// RowsPerPage is the number of rows of a list.
const RowsPerPage = 50

// MorePath returns the path of the next page of a list with the same filters, or "" without a cursor.
func MorePath(r *http.Request, next string) string {
	if next == "" {
		return ""
	}
	q := r.URL.Query()
	q.Del("done")
	q.Del("again")
	q.Set("after", next)
	return r.URL.EscapedPath() + "?" + q.Encode()
}

// Cursor returns the cursor of a page of a list. A text that can be none is NotFound.
func Cursor(r *http.Request) (string, error) {
	after := r.URL.Query().Get("after")
	if len(after) > 400 || strings.ContainsFunc(after, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return "", errcode.New(errcode.NotFound)
	}
	return after, nil
}
