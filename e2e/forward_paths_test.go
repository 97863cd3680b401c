package e2e_test

import (
	"net/http"
	"testing"
)

// misread asks for pages that some applications take for /admin, which requires a security key, with the cookie of a user
// without one. None reaches the application. Ordinary pages do.
func misread(t *testing.T, p *Person, wiki string) {
	t.Helper()
	cookie := p.cookie(forwardCookie)
	for path, arrives := range map[string]bool{
		"/admin": false, "/%EF%BC%8Fadmin": false, "/x/%E2%80%A5/admin": false, "/admin%20": false, "/admin.": false, "/admin%3Fx": false, "/admin%23": false,
		"/%2561dmin": false, "/x%E2%88%95admin": false, "/admin::$DATA": false, "/%C3%A1dmin": false, "/admin%E2%80%8B": false, "/x;/admin": false,
		"/my%20file": true, "/.well-known/x": true, "/v1.2/app.js": true, "/caf%C3%A9": true, "/a+b@c:d": true,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, wiki+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(cookie)
		w, err := loopbackClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		w.Body.Close()
		if got := w.Header.Get("X-Method") != ""; got != arrives {
			t.Errorf("%s: the application is asked: %v, want %v (%d)", path, got, arrives, w.StatusCode)
		}
	}
}
