package api

import (
	"net/http"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/input"
	"barillet/web/api/systemlog"
	"barillet/web/reply"
)

func (a *API) listEvents(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	wanted, err := eventQuery(q)
	if err != nil {
		return err
	}
	cost := 0
	wanted.Cost = &cost
	found, next, err := a.directory.Admin.Events(r.Context(), op, wanted)
	a.countReads(op, cost)
	if err != nil {
		return pageError(err)
	}
	if err := a.directory.Admin.NameActors(r.Context(), op, found); err != nil {
		return err
	}
	out := make([]systemlog.Event, len(found))
	for i, e := range found {
		out[i] = systemlog.New(e)
	}
	a.links(w, r, q, next)
	return reply.JSON(w, http.StatusOK, out)
}

func eventQuery(q query) (audit.Query, error) {
	var out audit.Query
	var err error
	if out.Limit, out.After, err = q.paging(); err != nil {
		return out, err
	}
	if out.Since, err = q.time("since"); err != nil {
		return out, err
	}
	if out.Until, err = q.time("until"); err != nil {
		return out, err
	}
	switch q.text("sortOrder") {
	case "", "ASCENDING":
	case "DESCENDING":
		out.Descending = true
	default:
		return out, badParameter("sortOrder")
	}
	if out.Contains = q.text("q"); len(out.Contains) > 256 {
		return out, badParameter("q")
	}
	f, err := systemlog.ParseFilter(q.text("filter"))
	if err != nil {
		return out, badParameter("filter")
	}
	if f == nil {
		return out, nil
	}
	since, until := f.Span()
	if since.After(out.Since) {
		out.Since = since
	}
	if !until.IsZero() && (out.Until.IsZero() || until.Before(out.Until)) {
		out.Until = until
	}
	narrowLog(&out, f)
	return out, nil
}

// narrowLog adds a filter to a query, and what of it the index of the log can find.
func narrowLog(q *audit.Query, f *systemlog.Filter) {
	q.Keep = func(e audit.Entry) bool { return f.Matches(e) }
	targets := f.Values("target.id")
	if targets != nil && !slices.ContainsFunc(targets, func(id string) bool { return !account.IsUserID(id) }) {
		q.Subjects = targets // only the subject of an event can be a user
		return
	}
	q.Entities = f.Values("target.id", "actor.id")
	for _, action := range f.Values("eventType") {
		q.Actions = append(q.Actions, input.Fold(action))
	}
}
