package api

import (
	"errors"
	"net/http"

	"barillet/internal/audit"
	"barillet/web/reply"
)

// page is the requested part of a list.
type page struct {
	query
	limit int
	after string
}

// list writes one page of a list. find returns the entries and the cursor of the next page; show returns the JSON of an
// entry.
func list[T, J any](a *API, w http.ResponseWriter, r *http.Request, find func(page) ([]T, string, error), show func(T) J) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	p := page{query: q}
	if p.limit, p.after, err = q.paging(); err != nil {
		return err
	}
	if !isCursor(p.after) {
		return badParameter("after")
	}
	found, next, err := find(p)
	if err != nil {
		return pageError(err)
	}
	out := make([]J, len(found))
	for i, one := range found {
		out[i] = show(one)
	}
	a.links(w, r, q, next)
	return reply.JSON(w, http.StatusOK, out)
}

// pageError returns the error of a page: one about the parameter after for a cursor that the service did not make.
func pageError(err error) error {
	if errors.Is(err, audit.ErrID) {
		return badParameter("after")
	}
	return err
}
