package web_test

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"barillet/web"
	"barillet/web/apidocs"
)

// page asks for a path and gives status, headers and body.
func (p *place) page(t testing.TB, method, path string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequest(method, p.server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = strings.TrimPrefix(p.url, "https://")
	w, err := p.server.Client().Transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.StatusCode, w.Header, string(body)
}

func TestDocs_ArePublicInBothLanguages(t *testing.T) {
	p := open(t, nil)
	for _, lang := range []string{"fr", "en"} {
		status, _, overview := p.page(t, "GET", "/api/docs?lang="+lang)
		areas := regexp.MustCompile(`<a href="(/api/docs/[a-z-]+)" lang="en">`).FindAllStringSubmatch(overview, -1)
		if status != 200 || len(areas) < 8 || !strings.Contains(overview, `<html lang="`+lang+`">`) {
			t.Fatalf("%s: got %d with %d areas", lang, status, len(areas))
		}
		linked := regexp.MustCompile(`href="(/api/docs/[a-z-]+)#(\w+)"`).FindAllStringSubmatch(overview, -1)
		if len(linked) < 30 {
			t.Errorf("got %d calls on the overview", len(linked))
		}
		for _, m := range linked {
			if status, _, page := p.page(t, "GET", m[1]+"?lang="+lang); status != 200 || !strings.Contains(page, `id="`+m[2]+`"`) {
				t.Errorf("%s#%s: got %d, or nothing of that name", m[1], m[2], status)
			}
		}
	}
}

func TestDocs_LoadNothingExternalOrInline(t *testing.T) {
	p := open(t, nil)
	for _, path := range []string{"/api/docs", "/api/docs/users", "/api/docs/lifecycle"} {
		_, h, page := p.page(t, "GET", path)
		if !strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: got policy %q", path, h.Get("Content-Security-Policy"))
		}
		if m := regexp.MustCompile(`(?:src|href|action)="(?:https?:)?//[^"]*"|<style|\sstyle=|\son[a-z]+="|<script>`).FindString(page); m != "" {
			t.Errorf("%s: %q", path, m)
		}
	}
}

func TestDocs_UnknownPageIsAPageAndUnknownCallAProblem(t *testing.T) {
	p := open(t, nil)
	for _, c := range []struct {
		method, path string
		status       int
		media        string
	}{
		{"GET", "/api/docs/nothing", 404, "text/html; charset=utf-8"},
		{"GET", "/api/docs/users%2f", 404, "text/html; charset=utf-8"},
		{"POST", "/api/docs", 405, "text/html; charset=utf-8"},
		{"DELETE", "/api/docs/users", 405, "text/html; charset=utf-8"},
		{"HEAD", "/api/docs/users", 200, "text/html; charset=utf-8"},
	} {
		status, h, _ := p.page(t, c.method, c.path)
		if status != c.status || h.Get("Content-Type") != c.media || status == 405 && h.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s %s: got %d %v", c.method, c.path, status, h)
		}
	}
}

func TestDocs_FailedCompositionIsAnErrorPage(t *testing.T) {
	p := open(t, func(c *web.Config) {
		c.Docs = func() (*apidocs.Document, error) { return nil, errors.New("line 7: broken") }
	})
	for _, path := range []string{"/api/docs", "/api/docs/users"} {
		status, _, page := p.page(t, "GET", path)
		if status != 500 || strings.Contains(page, "line 7") || !strings.Contains(p.log.String(), "line 7: broken") {
			t.Errorf("%s: got %d %s", path, status, page)
		}
	}
}
