package web_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"barillet/authn/authntest"
	"barillet/internal/mail"
	"barillet/web"
	"barillet/web/forwardauth"
)

// allPatterns returns the routes of a service with all parts.
func allPatterns(t testing.TB) []string {
	t.Helper()
	c, _ := config(t, authntest.New(t))
	c.Demo, c.ForwardAuth, c.OIDC = &mail.MemoryTransport{}, &forwardauth.Handler{}, apps(t, &c, nil)
	patterns, err := web.Patterns(c)
	if err != nil {
		t.Fatal(err)
	}
	return patterns
}

func TestRoutes_MatchTheDocument(t *testing.T) {
	var documented []string
	row := regexp.MustCompile("(?m)^\\| `(/[^`]*)` \\| ([A-Za-z, ]+) \\|")
	for _, m := range row.FindAllStringSubmatch(readFile(t, "../docs/http.md"), -1) {
		for method := range strings.SplitSeq(m[2], ", ") {
			pattern := method + " " + m[1]
			switch {
			case method == "any":
				pattern = m[1]
			case m[1] == "/":
				pattern = method + " /{$}"
			}
			documented = append(documented, pattern)
		}
	}
	served := allPatterns(t)
	for _, p := range served {
		if n := len(slices.DeleteFunc(slices.Clone(documented), func(d string) bool { return d != p })); n != 1 {
			t.Errorf("route %q has %d lines in docs/http.md, want 1", p, n)
		}
	}
	for _, p := range documented {
		if !slices.Contains(served, p) {
			t.Errorf("docs/http.md has a line for %q, which is no route", p)
		}
	}
}
