package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"barillet/authn/authntest"
)

// hostCookies are the cookies that a browser has for one protected host.
type hostCookies struct {
	p      *place
	host   string
	values map[string]string
	ends   map[string]time.Time
}

func newHostCookies(p *place, host string) *hostCookies {
	return &hostCookies{p, host, map[string]string{}, map[string]time.Time{}}
}

// knock sends a request with the cookies that have not expired. It does not store those of the answer.
func (h *hostCookies) knock(t *testing.T, uri string) *http.Response {
	t.Helper()
	now := map[string]string{}
	for name, value := range h.values {
		if end, ok := h.ends[name]; !ok || h.p.Clock.Now().Before(end) {
			now[name] = value
		}
	}
	return h.p.knock(t, knock{host: h.host, uri: uri, cookies: now})
}

func (h *hostCookies) store(res *http.Response) {
	for _, c := range res.Cookies() {
		delete(h.ends, c.Name)
		if h.values[c.Name] = c.Value; c.MaxAge < 0 {
			delete(h.values, c.Name)
		} else if c.MaxAge > 0 {
			h.ends[c.Name] = h.p.Clock.Now().Add(time.Duration(c.MaxAge) * time.Second)
		}
	}
}

// open opens a page of the host and stores the cookies of the answer.
func (h *hostCookies) open(t *testing.T, uri string) *http.Response {
	t.Helper()
	res := h.knock(t, uri)
	h.store(res)
	return res
}

// shownAt opens a page of the sign-in in a tab of a signed-in browser, and follows the redirects of the sign-in and of the
// host. It returns the page that the tab then shows.
func (h *hostCookies) shownAt(t *testing.T, b *browser, to *url.URL) string {
	t.Helper()
	for range 10 {
		if to.Host != h.host {
			back := b.shows(to.RequestURI()).goesOn()
			if back == "" {
				return to.String()
			}
			u, err := url.Parse(back)
			if err != nil {
				t.Fatal(err)
			}
			to = u
			continue
		}
		res := h.open(t, to.RequestURI())
		switch res.StatusCode {
		case http.StatusOK:
			return to.RequestURI()
		case http.StatusFound:
			to = location(t, res)
		default:
			t.Fatalf("%s: got %d", to, res.StatusCode)
		}
	}
	t.Fatalf("at %s after ten redirects", to)
	return ""
}

func TestForwardAuth_EachTabReachesItsPage(t *testing.T) {
	for name, atOnce := range map[string]bool{"opened one after another": false, "restored at once": true} {
		t.Run(name, func(t *testing.T) {
			p := guarded(t, wiki)
			_, phone, _ := p.Member(amelie, nil)
			b, host := p.browser(t), newHostCookies(p, wiki)
			pages := []string{"/one?a=1", "/two", "/three"}
			var tabs []*url.URL
			var answers []*http.Response
			for _, uri := range pages {
				res := host.knock(t, uri)
				if answers = append(answers, res); !atOnce {
					host.store(res)
				}
				tabs = append(tabs, location(t, res))
			}
			if atOnce { // every request was sent before the first answer
				for _, res := range answers {
					host.store(res)
				}
			}
			b.signIn(amelie, phone)
			for i, to := range tabs {
				if got := host.shownAt(t, b, to); got != pages[i] {
					t.Errorf("tab %d shows %s, want %s", i+1, got, pages[i])
				}
			}
		})
	}
}

func TestForwardAuth_SignInPageLeftOpenOverLunch(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b, host := p.browser(t), newHostCookies(p, wiki)
	to := location(t, host.open(t, "/deep?x=1"))
	p.Clock.Advance(2 * time.Hour)
	b.signIn(amelie, phone)
	if got := host.shownAt(t, b, to); got != "/deep?x=1" {
		t.Errorf("the browser shows %s, want the page that was asked for", got)
	}
}

// The browser lost the return cookie, or does not store cookies. A redirect to the page could repeat for ever, so the
// user gets a link.
func TestForwardAuth_ReturnWithoutCookieOffersThePage(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	host := newHostCookies(p, wiki)
	back, err := url.Parse(b.shows(location(t, host.knock(t, "/deep?x=1")).RequestURI()).goesOn())
	if err != nil {
		t.Fatal(err)
	}
	res := host.open(t, back.RequestURI())
	to := location(t, res)
	if res.StatusCode != http.StatusFound || to.Host != "login.example" || len(res.Cookies()) != 0 {
		t.Fatalf("got %d to %s, %v", res.StatusCode, to, res.Cookies())
	}
	page := b.shows(to.RequestURI())
	if page.goesOn() != "" || !strings.Contains(page.body, `href="https://`+wiki+`/deep?x=1"`) || !strings.Contains(page.body, "took too long") {
		t.Errorf("no link to the page, or a redirect to %q: %s", page.goesOn(), page.body)
	}
	if got := host.shownAt(t, b, &url.URL{Scheme: "https", Host: wiki, Path: "/deep", RawQuery: "x=1"}); got != "/deep?x=1" {
		t.Errorf("the link shows %s", got)
	}
}

func TestForwardAuth_BackButtonAfterTheSignInShowsThePage(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b, host := p.browser(t), newHostCookies(p, wiki)
	b.signIn(amelie, phone)
	to := location(t, host.open(t, "/page"))
	used, err := url.Parse(b.shows(to.RequestURI()).goesOn())
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []*url.URL{used, used, to} { // the return, the same again, and the page before it
		if got := host.shownAt(t, b, at); got != "/page" {
			t.Errorf("%s shows %s", at, got)
		}
	}
}

// A browser that opens a path without a rule shows a page, not the JSON that programs get.
func TestForwardAuth_PathWithoutRuleShowsAPage(t *testing.T) {
	p := guarded(t, wiki+"/docs")
	host := newHostCookies(p, wiki)
	for _, uri := range []string{"/", "/docs/../x", "/documents"} {
		to := location(t, host.open(t, uri))
		page := p.browser(t).get(to.RequestURI())
		if to.Host != "login.example" || page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, "<h1>") || !strings.Contains(page.body, wiki) {
			t.Errorf("%s: got %s, %d %s", uri, to, page.StatusCode, page.body)
		}
	}
	if res := p.knock(t, knock{host: wiki, uri: "/", header: map[string]string{"Sec-Fetch-Mode": "cors"}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("a program: got %d, want 403", res.StatusCode)
	}
}

func TestForwardAuth_HostWithoutRuleShowsAPage(t *testing.T) {
	p := guarded(t, wiki)
	for _, path := range []string{"/forward-auth", "/forward-auth/start", "/forward-auth/return"} {
		to := location(t, p.knock(t, knock{path: path, host: "elsewhere.example", uri: "/.barillet/return?code=x"}))
		page := p.browser(t).get(to.RequestURI())
		if to.Host != "login.example" || page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, "<h1>") || strings.Contains(page.body, ">elsewhere.example") {
			t.Errorf("%s: got %s, %d %s", path, to, page.StatusCode, page.body)
		}
		// The page is at the host of the service: a redirect from there would repeat for ever.
		if res := p.knock(t, knock{path: path, host: "login.example", uri: "/"}); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s for the host of the service: got %d, want 403", path, res.StatusCode)
		}
	}
}

// A return names its page in a form that only the service can make, and only for the same host.
func TestForwardAuth_ReturnIgnoresAPageThatTheServiceDidNotName(t *testing.T) {
	p := guarded(t, wiki, shop)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	foreign := location(t, newHostCookies(p, shop).open(t, "/elsewhere")).Query().Get("to")
	if foreign == "" {
		t.Fatal("the sign-in does not carry the page")
	}
	for _, sealed := range []string{foreign, "%2Fplain", "AAAA", "", strings.Repeat("A", 3<<10)} {
		host := newHostCookies(p, wiki)
		u, err := url.Parse(b.shows(location(t, host.open(t, "/page")).RequestURI()).goesOn())
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		q.Set("to", sealed)
		u.RawQuery = q.Encode()
		if got := host.shownAt(t, b, u); got != "/" {
			t.Errorf("%.20q: shows %s, want the first page", sealed, got)
		}
	}
}

// Three tabs wait at the sign-in page of one host. The user signs in in the first, then reloads the others.
func TestForwardAuth_ReloadedSignInPageLeadsToItsPage(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b, host := p.browser(t), newHostCookies(p, wiki)
	pages := []string{"/one", "/two?q=" + strings.Repeat("long", 500), "/three"}
	var logins []string
	for _, uri := range pages {
		logins = append(logins, b.get(location(t, host.open(t, uri)).RequestURI()).next())
	}
	first, err := url.Parse(logins[0])
	if err != nil {
		t.Fatal(err)
	}
	next := first.Query().Get("next")
	at := b.post("/login", "identifier", amelie, "password", authntest.Password, "next", next).next()
	if got := b.post(at, "code", string(phone.Next())).next(); got != next {
		t.Fatalf("after the sign-in: got %s, want %s", got, next)
	}
	for i, login := range logins {
		to := next
		if i > 0 {
			to = b.get(login).next()
		}
		u, err := url.Parse(p.url + to)
		if err != nil {
			t.Fatal(err)
		}
		if got := host.shownAt(t, b, u); got != pages[i] {
			t.Errorf("tab %d shows %s, want %s", i+1, got, pages[i])
		}
	}
}
