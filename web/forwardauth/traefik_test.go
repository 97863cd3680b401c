package forwardauth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"

	"barillet/authn/authntest"
	"barillet/internal/secret"
	"barillet/web/forwardauth"
)

const (
	login = "https://login.example"
	wiki  = "wiki.garage.example"
)

// proxied is a service behind the ForwardAuth middleware of Traefik.
type proxied struct {
	*authntest.Env
	handler *forwardauth.Handler
	address string // internal address of the service
}

func newProxied(t *testing.T, rules ...string) *proxied {
	t.Helper()
	env := authntest.New(t)
	c := forwardauth.Config{Sessions: env.Sessions, PublicURL: login, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
	for _, text := range rules {
		r, err := forwardauth.ParseRule(text)
		if err != nil {
			t.Fatal(err)
		}
		c.Rules = append(c.Rules, r)
	}
	h, err := forwardauth.New(c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(h.Check))
	t.Cleanup(server.Close)
	return &proxied{env, h, server.URL + forwardauth.Path}
}

// visit opens a page of a protected host through Traefik. Traefik passes on the status and the headers of the service,
// except Location: it reads the URL from the response to its own request, so a relative one is resolved against the
// internal address (traefik/traefik pkg/middlewares/auth/forward.go).
func (p *proxied) visit(page *url.URL, cookies ...*http.Cookie) (to *url.URL, set []*http.Cookie) {
	p.T.Helper()
	r, err := http.NewRequestWithContext(p.T.Context(), http.MethodGet, p.address, nil)
	if err != nil {
		p.T.Fatal(err)
	}
	for name, value := range map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Proto": page.Scheme, "X-Forwarded-Host": page.Host,
		"X-Forwarded-Uri": page.RequestURI(), "Accept": "text/html", "Sec-Fetch-Mode": "navigate"} {
		r.Header.Set(name, value)
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		p.T.Fatal(err)
	}
	defer res.Body.Close()
	to, err = res.Location()
	if err != nil {
		p.T.Fatalf("%s: got %d without a Location", page, res.StatusCode)
	}
	return to, res.Cookies()
}

func TestTraefik_BrowserStaysOnPublicAddresses(t *testing.T) {
	for _, host := range []string{wiki, wiki + ":8443"} {
		p := newProxied(t, host)
		_, _, ses := p.Member("amelie@garage.example", nil)
		page := &url.URL{Scheme: "https", Host: host, Path: "/deep", RawQuery: "x=1"}
		to, cookies := p.visit(page)
		if to.Host != "login.example" {
			t.Errorf("before the sign-in: got %s, want the sign-in page", to)
		}
		back := p.signedIn(ses, host, to.Query())
		if to, _ := p.visit(back, cookies...); to.String() != page.String() {
			t.Errorf("after the sign-in: got %s, want %s", to, page)
		}
		if to, _ := p.visit(back); to.Host != "login.example" {
			t.Errorf("a browser without cookies: got %s, want a page of the service", to)
		}
	}
}

// signedIn returns the address to which the sign-in page sends the browser.
func (p *proxied) signedIn(ses secret.Value, host string, q url.Values) *url.URL {
	p.T.Helper()
	code, err := p.Sessions.NewReturnCode(p.T.Context(), p.From, ses, host, q.Get("state"))
	if err != nil {
		p.T.Fatal(err)
	}
	back, err := url.Parse(p.handler.ReturnURL(host, code, q.Get("to")))
	if err != nil {
		p.T.Fatal(err)
	}
	return back
}
