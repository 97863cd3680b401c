package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// TestForwardAuth_SignInAndSignOut has nginx, Caddy and HAProxy ask in their own ways, with the recipes of
// docs/applications.md: groups, a step-up by key, a sign-out, and headers that a browser makes up.
func TestForwardAuth_SignInAndSignOut(t *testing.T) {
	for _, proxy := range []struct {
		name  string
		start func(tb testing.TB, port int, name, barillet, application string)
		dots  int // status of a path with dots that leads to an open one
	}{{"nginx", nginx, 200}, {"caddy", caddy, 200}, {"haproxy", haproxy, 403}} {
		t.Run(proxy.name, func(t *testing.T) {
			t.Parallel()
			port := freePort(t)
			site := fmt.Sprintf("wiki.localhost:%d", port)
			h := Open(t, EnvOptions{Config: fmt.Sprintf("trusted_proxies = [\"127.0.0.1\", \"::1\"]\n[forward_auth]\n"+
				"rules = [%q, %q, %q]\n", site, site+"/others group:g-nobody", site+"/admin phishing-resistant")})
			proxy.start(t, port, "wiki.localhost", h.URL, mirror(t).URL)
			forwardAuth(t, h, "http://"+site, proxy.dots)
		})
	}
}

func forwardAuth(t *testing.T, h *Env, wiki string, dots int) {
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Expect("401")
	p.Expect("403")
	p.Open(wiki + "/page?a=1&b=%2F")
	p.follow(m.Phone)
	arrives(p, wiki+"/page?a=1&b=%2F")
	for id, want := range map[string]string{"remote-user": m.Login, "remote-email": m.Login, "remote-name": m.Login, "remote-groups": ""} {
		if got := p.Text("#" + id); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	p.Open(wiki + "/others/x")
	if p.Count("#path") != 0 {
		t.Error("a path for others is open")
	}
	forged(t, p, wiki, forwardCookie)
	programs(t, p, wiki, dots)
	misread(t, p, wiki)

	key := p.Plug()
	defer key.Unplug()
	p.addKey(m.Phone, "Trousseau")
	p.Open(wiki + "/admin/")
	p.at("/account/prove")
	p.Click(`[data-key="get"]`)
	arrives(p, wiki+"/admin/")

	p.Open(h.URL + "/account")
	p.signOut()
	p.Open(wiki + "/page")
	p.at("/login")
}

// arrives waits until the browser stands at an address of the application.
func arrives(p *Person, address string) {
	p.tb.Helper()
	p.Wait("#path")
	if got := p.Location(); got != address {
		p.tb.Errorf("arrived at %q, want %q", got, address)
	}
}

// loopbackClient finds every host on this machine, as browsers find those below localhost (RFC 6761 section 6.3), and
// stops at redirects.
var loopbackClient = &http.Client{
	Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
	}},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// forged sends requests with identity headers of another user, and with the wish that Remote-User be dropped. cookie is
// the end of the name of the cookie that signs the user in.
func forged(t *testing.T, p *Person, wiki, cookie string) {
	t.Helper()
	p.Open(wiki + "/page")
	for _, signedIn := range []bool{true, false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, wiki+"/page", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Remote-User": {"admin"}, "Remote-Groups": {"g-nobody"}, "X-Forwarded-Uri": {"/"}, "X-Forwarded-Host": {"elsewhere.example"},
			"X-Forwarded-Method": {"GET"}, "X-Forwarded-For": {"192.0.2.1"}, "Connection": {"Remote-User"}}
		if signedIn {
			r.AddCookie(p.cookie(cookie))
		}
		res, err := loopbackClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Header.Get("X-Connection"); strings.Contains(strings.ToLower(got), "remote") {
			t.Errorf("the application is asked to forget Remote-User: Connection is %q", got)
		}
		switch in := strings.Contains(string(body), `id="remote-user"`); {
		case in != signedIn:
			t.Errorf("signed in %v: got %d %.300s", signedIn, res.StatusCode, body)
		case in && (!strings.Contains(string(body), `<p id="remote-user">`+p.Login+`</p>`) || !strings.Contains(string(body), `<p id="remote-groups"></p>`)):
			t.Errorf("the application is told what the browser made up: %s", body)
		}
	}
}
