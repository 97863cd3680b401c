package api

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"barillet/web/reply"
)

// maxPage is the maximum number of entries on a page, and the default.
const maxPage = 200

// query contains the query parameters of a call. Each occurs at most once.
type query struct{ values url.Values }

func readQuery(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, badParameter("")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if len(values[name]) > 1 {
			return query{}, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: knownParameter(name)}
		}
	}
	return query{values}, nil
}

// knownParameter returns name if it is a parameter of a call, or "". A response repeats no other name.
func knownParameter(name string) string {
	switch name {
	case "q", "filter", "search", "limit", "after", "first", "activate", "dryRun", "sendEmail", "status", "reference", "since", "until", "sortOrder", "kind", "disableNotifications", "days", "group":
		return name
	}
	return ""
}

func (q query) text(name string) string { return q.values.Get(name) }

// boolean returns the value of a parameter that is true or false, or absent if it is not set.
func (q query) boolean(name string, absent bool) (bool, error) {
	switch q.values.Get(name) {
	case "":
		return absent, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, badParameter(name)
}

// time returns the value of an RFC 3339 parameter, or the zero time if it is not set.
func (q query) time(name string) (time.Time, error) {
	text := q.values.Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, badParameter(name)
	}
	return t, nil
}

// paging returns limit and after. As at Okta, a limit above the maximum means the maximum.
func (q query) paging() (limit int, after string, err error) {
	limit = maxPage
	if text := q.values.Get("limit"); text != "" {
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 {
			return 0, "", badParameter("limit")
		}
	}
	if after = q.values.Get("after"); len(after) > 512 {
		return 0, "", badParameter("after")
	}
	return min(limit, maxPage), after, nil
}

// links sets a Link header for this page and one for the next page (RFC 8288 §3), because Okta's client for Go does not
// split lists. The URLs begin with the public URL, and contain only known parameters: a token in the query is not
// repeated.
func (a *API) links(w http.ResponseWriter, r *http.Request, q query, next string) {
	link := func(values url.Values, rel string) {
		target := a.publicURL + r.URL.EscapedPath()
		if encoded := values.Encode(); encoded != "" {
			target += "?" + encoded
		}
		w.Header().Add("Link", "<"+target+`>; rel="`+rel+`"`)
	}
	known := url.Values{}
	for name, all := range q.values {
		if knownParameter(name) != "" {
			known[name] = all
		}
	}
	link(known, "self")
	if next == "" {
		return
	}
	known.Set("after", next)
	link(known, "next")
}

func badParameter(name string) error {
	return &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: name}
}
