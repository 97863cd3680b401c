package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPages_APIReference looks at every page of the reference with all of its folds open, and at one of them in a
// browser without a script, by mouse and by keyboard.
func TestPages_APIReference(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open("/api/docs")
	p.look("api-docs")
	paths := run(p.Browser, chromedp.Evaluate[[]string](`[...document.querySelectorAll(".areas a")].map(a => a.getAttribute("href"))`))
	if len(paths) < 8 {
		t.Fatalf("got the areas %q", paths)
	}
	for _, path := range paths[1:] {
		p.Open(path)
		p.unfold()
		p.look("api-docs-" + strings.TrimPrefix(path, "/api/docs/"))
	}

	still := h.Person(t, m.Login, m.Password, BrowserOptions{NoScript: true})
	still.Open("/api/docs/users")
	still.Click(".operation summary")
	if got := still.Count("details[open]"); got != 1 {
		t.Errorf("a fold was pressed: got %d open, want 1", got)
	}
	still.Press("\r")
	if got := still.Count("details[open]"); got != 0 {
		t.Errorf("and closed by the keyboard: got %d open, want none", got)
	}
}
