package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// odd answers what an application answers that is no page: a 401 of its own, a WebSocket, a health check. It names the
// method of each request in a header.
func odd(w http.ResponseWriter, r *http.Request) bool {
	w.Header().Set("X-Method", r.Method)
	switch r.URL.Path {
	case "/own/401":
		w.Header().Set("WWW-Authenticate", `Basic realm="wiki"`)
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, "the wiki says no")
	case "/healthz":
		fmt.Fprintf(w, "well at %s, %q", r.RequestURI, strings.Join(append(r.Header.Values("Remote-User"), r.Header.Values("Remote-Groups")...), ""))
	case "/socket":
		if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || !strings.EqualFold(r.Header.Get("Connection"), "upgrade") {
			http.Error(w, "no socket", http.StatusUpgradeRequired)
			return true
		}
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return true
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-User: %s\r\n\r\n", r.Header.Get("Remote-User")) // RFC 6455 §1.3
		_, _ = io.Copy(conn, both)
	default:
		return false
	}
	return true
}

// forwardCookie is the end of the name of the cookie that a protected host gives to the browser.
const forwardCookie = "-forward"

// cookie is a cookie of the page's host by the end of its name.
func (p *Person) cookie(suffix string) *http.Cookie {
	p.tb.Helper()
	for _, c := range p.Cookies() {
		if strings.HasSuffix(c.Name, suffix) {
			return &http.Cookie{Name: c.Name, Value: c.Value}
		}
	}
	p.tb.Fatalf("the browser has no cookie %q", suffix)
	return nil
}

// programs calls an application behind a proxy with and without a user's cookie. dots is what the proxy answers for a
// path with dots that leads to an open path: 200, or 403 if it asks for the path as it came.
func programs(t *testing.T, p *Person, wiki string, dots int) {
	t.Helper()
	well := map[int]string{200: `well at /healthz, ""`}[dots]
	cookie := p.cookie(forwardCookie)
	for _, test := range []struct {
		method, path, accept string
		signedIn             bool
		status               int
		body                 string
	}{
		{"HEAD", "/page", "text/html", true, 200, ""},
		{"HEAD", "/page", "text/html", false, 302, ""},
		{"HEAD", "/page", "*/*", false, 401, ""},
		{"OPTIONS", "/page", "*/*", true, 200, "Wiki"},
		{"OPTIONS", "/page", "*/*", false, 401, ""},
		{"POST", "/page", "text/html", true, 200, "Wiki"},
		{"POST", "/page", "text/html", false, 401, ""},
		{"DELETE", "/page", "*/*", false, 401, ""},
		{"GET", "/own/401", "text/html", true, 401, "the wiki says no"},
		{"GET", "/own/401", "text/html", false, 302, ""},
		{"GET", "/healthz", "*/*", false, 200, `well at /healthz, ""`},
		{"GET", "/page/../healthz", "*/*", false, dots, well},
		{"GET", "/page/%2e%2e/healthz", "*/*", false, dots, well},
		{"GET", "/healthz/", "*/*", false, 401, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, wiki+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Accept": {test.accept}, "Remote-User": {"admin"}, "Remote-Groups": {"g-nobody"}}
		if test.method == "POST" {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader("a=1")), 3
		}
		if test.signedIn {
			r.AddCookie(cookie)
		}
		w, err := loopbackClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(w.Body)
		w.Body.Close()
		if err != nil || w.StatusCode != test.status || !strings.Contains(string(body), test.body) {
			t.Errorf("%s %s, signed in %v: got %d %.200s %v, want %d %s", test.method, test.path, test.signedIn, w.StatusCode, body, err, test.status, test.body)
		}
		if reached := w.Header.Get("X-Method"); reached != "" != (test.body != "" || test.signedIn) || reached != "" && reached != test.method {
			t.Errorf("%s %s, signed in %v: the application was asked by %q", test.method, test.path, test.signedIn, reached)
		}
	}
	socket(t, p, wiki, cookie)
	inUse(t, p, wiki, cookie)
}

// socket opens a WebSocket through the proxy and says something in it.
func socket(t *testing.T, p *Person, wiki string, cookie *http.Cookie) {
	t.Helper()
	u, err := url.Parse(wiki)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*http.Cookie{cookie, {Name: "none", Value: "x"}} {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", u.Port()), patience)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /socket HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-Fetch-Mode: websocket\r\nOrigin: %s\r\nRemote-User: admin\r\nCookie: %s=%s\r\n\r\n", u.Host, wiki, c.Name, c.Value)
		answers := bufio.NewReader(conn)
		w, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c != cookie {
			if w.StatusCode != http.StatusUnauthorized {
				t.Errorf("a socket of nobody: got %d, want 401", w.StatusCode)
			}
			continue
		}
		if w.StatusCode != http.StatusSwitchingProtocols || w.Header.Get("X-User") != p.Login {
			t.Fatalf("a socket of %s: got %d for %q", p.Login, w.StatusCode, w.Header.Get("X-User"))
		}
		fmt.Fprint(conn, "hello, wiki\n")
		if got, err := answers.ReadString('\n'); got != "hello, wiki\n" {
			t.Errorf("through the socket: got %q, %v", got, err)
		}
	}
}

// inUse goes on for longer than an idle session lives, by requests of the application alone.
func inUse(t *testing.T, p *Person, wiki string, cookie *http.Cookie) {
	t.Helper()
	for hours := range 3 {
		p.env.Clock.Advance(40 * time.Minute)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, wiki+"/page", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(cookie)
		w, err := loopbackClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		w.Body.Close()
		if w.StatusCode != http.StatusOK {
			t.Fatalf("after %d times 40 minutes in use: got %d, want 200", hours+1, w.StatusCode)
		}
	}
}
