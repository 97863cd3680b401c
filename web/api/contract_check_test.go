package api_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Each case differs from a valid response in one detail.
func TestContract_DetectsUndocumentedCallsAndResponses(t *testing.T) {
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	list := c.operations()["GET /api/v1/groups"]
	sound := map[string]string{"Content-Type": "application/json", "Link": `<https://login.example/api/v1/groups>; rel="self"`,
		"X-Rate-Limit-Limit": "600", "X-Rate-Limit-Remaining": "599", "X-Rate-Limit-Reset": "1772438400"}
	group := `{"id":"g1","created":null,"lastUpdated":"2026-03-02T08:00:00.000Z","objectClass":["okta:user_group"],"type":"OKTA_GROUP",` +
		`"profile":{"name":"G","description":""},"_links":{}}`
	with := func(name, value string) map[string]string {
		h := maps.Clone(sound)
		if h[name] = value; value == "" {
			delete(h, name)
		}
		return h
	}
	for name, a := range map[string]struct {
		status int
		header map[string]string
		body   string
		want   string // "": it is sound
	}{
		"a sound one":                 {200, sound, "[" + group + "]", ""},
		"a status nobody documented":  {202, sound, "[]", "no such status"},
		"no Link":                     {200, with("Link", ""), "[]", "no header Link"},
		"a Link of another kind":      {200, with("Link", "<x>"), "[]", "header Link"},
		"no rate limit for a token":   {200, with("X-Rate-Limit-Reset", ""), "[]", "no header X-Rate-Limit-Reset"},
		"a rate limit that is a word": {200, with("X-Rate-Limit-Reset", "soon"), "[]", "X-Rate-Limit-Reset"},
		"a header nobody documented":  {200, with("X-Secret", "x"), "[]", "X-Secret is not documented"},
		"another media type":          {200, with("Content-Type", "text/html"), "[]", "media type"},
		"a member nobody documented":  {200, sound, "[" + strings.Replace(group, `{"id"`, `{"secret":"x","id"`, 1) + "]", "secret"},
		"a member that is missing":    {200, sound, "[" + strings.Replace(group, `"created":null,`, ``, 1) + "]", "created"},
		"a time without milliseconds": {200, sound, "[" + strings.Replace(group, ".000Z", "Z", 1) + "]", "lastUpdated"},
		"no body":                     {200, sound, "", "EOF"},
		"a 429 without Retry-After":   {429, with("Link", ""), "{}", "no header Retry-After"},
	} {
		w := httptest.NewRecorder()
		for name, value := range a.header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.status)
		w.Body.WriteString(a.body)
		err := c.answer(list, w, true)
		if a.want == "" && err != nil || a.want != "" && (err == nil || !strings.Contains(err.Error(), a.want)) {
			t.Errorf("%s: got %v, want %q", name, err, a.want)
		}
	}
	for name, a := range map[string]struct{ pattern, target, body, want string }{
		"a sound one":                {"POST /api/v1/groups", "/api/v1/groups", `{"profile":{"name":"G"}}`, ""},
		"a parameter nobody knows":   {"POST /api/v1/groups", "/api/v1/groups?colour=red", `{"profile":{"name":"G"}}`, "colour"},
		"a parameter out of bounds":  {"GET /api/v1/groups", "/api/v1/groups?limit=none", "", "limit"},
		"a member out of bounds":     {"POST /api/v1/groups", "/api/v1/groups", `{"profile":{"name":""}}`, "name"},
		"a body where there is none": {"GET /api/v1/groups", "/api/v1/groups", `{}`, "a body"},
	} {
		method, _, _ := strings.Cut(a.pattern, " ")
		err := c.asked(c.operations()[a.pattern], httptest.NewRequest(method, a.target, http.NoBody), []byte(a.body))
		if a.want == "" && err != nil || a.want != "" && (err == nil || !strings.Contains(err.Error(), a.want)) {
			t.Errorf("%s: got %v, want %q", name, err, a.want)
		}
	}
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusOK)
	if c.stranger(w) == nil {
		t.Error("an answer where nothing is documented passes")
	}
}
