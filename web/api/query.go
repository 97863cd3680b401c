package api

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"barillet/web/reply"
)

// maxPage is the most that one answer lists, and what it lists when nothing is said.
const maxPage = 200

// query is the parameters of a call: each at most once, so that no two readers take different ones.
type query struct{ values url.Values }

func readQuery(r *http.Request) (query, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return query{}, badParameter("")
	}
	for name, all := range values {
		if len(all) > 1 {
			return query{}, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: knownParameter(name)}
		}
	}
	return query{values}, nil
}

// knownParameter is the name if it is one of ours: what else a caller put into a query is not repeated.
func knownParameter(name string) string {
	switch name {
	case "q", "filter", "search", "limit", "after", "activate", "dryRun", "sendEmail", "status", "reference", "since", "until", "sortOrder", "kind", "disableNotifications":
		return name
	}
	return ""
}

func (q query) text(name string) string { return q.values.Get(name) }

// boolean reads true or false; absent is the given value.
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

// time reads an RFC 3339 time; absent is the zero time.
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

// paging reads limit and after. A limit above the most is the most, as with Okta.
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

// links puts where this page and the next one are into the headers (RFC 8288 section 3), one header a link, for
// Okta's client for Go takes no list apart. The addresses are on the public URL, whatever Host was asked for, and have the
// parameters that are ours: a token that somebody put into the query is not repeated.
func (a *API) links(w http.ResponseWriter, r *http.Request, q query, next string) {
	link := func(values url.Values, rel string) {
		target := a.publicURL + r.URL.EscapedPath()
		if encoded := values.Encode(); encoded != "" {
			target += "?" + encoded
		}
		w.Header().Add("Link", "<"+target+`>; rel="`+rel+`"`)
	}
	ours := url.Values{}
	for name, all := range q.values {
		if knownParameter(name) != "" {
			ours[name] = all
		}
	}
	link(ours, "self")
	if next == "" {
		return
	}
	ours.Set("after", next)
	link(ours, "next")
}

func badParameter(name string) error {
	return &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: name}
}
