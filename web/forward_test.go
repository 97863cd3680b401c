package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/web"
	"barillet/web/forwardauth"
)

const (
	wiki = "wiki.garage.example"
	shop = "shop.garage.example"
)

// guarded is a place with applications behind forward-auth.
func guarded(t *testing.T, rules ...string) *place {
	t.Helper()
	return open(t, func(c *web.Config) {
		var all []forwardauth.Rule
		for _, text := range rules {
			r, err := forwardauth.ParseRule(text)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		g, err := forwardauth.New(forwardauth.Config{Sessions: c.Sessions, Rules: all, PublicURL: c.PublicURL, TrustedProxies: c.TrustedProxies})
		if err != nil {
			t.Fatal(err)
		}
		c.ForwardAuth = g
	})
}

// knock is a request of a browser as a proxy asks about it. cookies are those of the protected host.
type knock struct {
	path, host, uri string
	cookies         map[string]string
	header          map[string]string // further ones, or others than usual; "": left out
	remote          string
}

func (p *place) knock(t *testing.T, k knock) *http.Response {
	t.Helper()
	if k.path == "" {
		k.path = "/forward-auth"
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080"+k.path, nil)
	r.RemoteAddr = "127.0.0.1:5000"
	if k.remote != "" {
		r.RemoteAddr = k.remote
	}
	for name, value := range map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": k.host,
		"X-Forwarded-Uri": k.uri, "Accept": "text/html", "Sec-Fetch-Mode": "navigate"} {
		r.Header.Set(name, value)
	}
	for name, value := range k.header {
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	for name, value := range k.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w.Result()
}

func location(t *testing.T, res *http.Response) *url.URL {
	t.Helper()
	u, err := res.Location()
	if err != nil {
		t.Fatalf("status %d without a link to continue", res.StatusCode)
	}
	return u
}

// goesOn is where a page leads on to by itself; "" for one that stays.
func (p page) goesOn() string {
	to, ok := strings.CutPrefix(p.Header.Get("Refresh"), "0; url=")
	if !ok {
		return ""
	}
	return to
}

// entered goes from a page of a protected host to the sign-in and back, and gives the host's cookies.
func entered(t *testing.T, p *place, b *browser, host, uri string) map[string]string {
	t.Helper()
	cookies := map[string]string{}
	keep := func(res *http.Response) {
		for _, c := range res.Cookies() {
			if c.Domain != "" || !c.Secure || !c.HttpOnly || c.Path != "/" || !strings.HasPrefix(c.Name, "__Host-") || c.SameSite != http.SameSiteLaxMode {
				t.Errorf("a cookie that other hosts or scripts can see: %v", c)
			}
			if cookies[c.Name] = c.Value; c.MaxAge < 0 {
				delete(cookies, c.Name)
			}
		}
	}
	res := p.knock(t, knock{host: host, uri: uri})
	keep(res)
	at := location(t, res)
	if res.StatusCode != http.StatusFound || at.Host != "login.example" || len(uri) > 1 && strings.Contains(at.String(), url.QueryEscape(uri[1:])) {
		t.Fatalf("an unauthenticated browser: got %d to %s", res.StatusCode, at)
	}
	back, err := url.Parse(b.shows(at.RequestURI()).goesOn())
	if err != nil || back.Host != host {
		t.Fatalf("back to %q, %v", back, err)
	}
	res = p.knock(t, knock{host: host, uri: back.RequestURI(), cookies: cookies})
	keep(res)
	if to := location(t, res); to.String() != "https://"+host+uri {
		t.Errorf("came back to %q, want %q", to, uri)
	}
	return cookies
}

func TestForwardAuth_UserReachesAnApplication(t *testing.T) {
	p := guarded(t, wiki, shop+" group:elsewhere")
	garage := p.CreateGroup("Garage du Port")
	_, phone, _ := p.Member(amelie, func(u *account.User) {
		u.Login, u.FirstName, u.LastName, u.Groups = "amelie", "Amélie", "Durand", []account.GroupID{garage}
	})
	b := p.browser(t)
	b.signIn("amelie", phone)
	cookies := entered(t, p, b, wiki, "/page?id=7&x=%2F")
	res := p.knock(t, knock{host: wiki, uri: "/page", cookies: cookies, header: map[string]string{"Remote-User": "admin"}})
	if res.StatusCode != http.StatusOK {
		t.Fatalf("got %d, want 200", res.StatusCode)
	}
	for name, want := range map[string]string{"Remote-User": "amelie", "Remote-Email": amelie, "Remote-Name": "Amélie Durand", "Remote-Groups": string(garage)} {
		if got := res.Header.Values(name); len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if res := p.knock(t, knock{host: shop, uri: "/", cookies: cookies}); res.StatusCode != http.StatusFound {
		t.Errorf("a session of another host: got %d, want the sign-in", res.StatusCode)
	}
	if res := p.knock(t, knock{path: "/forward-auth?answer=status", host: shop, uri: "/", cookies: entered(t, p, b, wiki, "/")}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a session of another host, asked for its status: got %d, want 401", res.StatusCode)
	}
	b.goes("/logged-out", "/logout")
	if res := p.knock(t, knock{host: wiki, uri: "/", cookies: cookies, header: map[string]string{"Sec-Fetch-Mode": "cors"}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("after the sign-out: got %d, want 401", res.StatusCode)
	}
}

// A proxy copies the headers of the answer over those of the client. One that is missing would leave the client's (promise O7).
func TestForwardAuth_SetsIdentityHeadersWithoutAValue(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, func(u *account.User) { u.Groups = nil })
	b := p.browser(t)
	b.signIn(amelie, phone)
	res := p.knock(t, knock{host: wiki, uri: "/", cookies: entered(t, p, b, wiki, "/"), header: map[string]string{"Remote-Groups": "admins"}})
	for name, want := range map[string]string{"Remote-User": amelie, "Remote-Email": amelie, "Remote-Name": amelie, "Remote-Groups": ""} {
		if got := res.Header.Values(name); res.StatusCode != http.StatusOK || len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %d, %q, want one header with %q", name, res.StatusCode, got, want)
		}
	}
}

func TestForwardAuth_SignsInFirst(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	res := p.knock(t, knock{host: wiki, uri: "/page"})
	b := p.browser(t)
	at := b.get(location(t, res).RequestURI())
	next := at.next()
	if at.StatusCode != http.StatusSeeOther || !strings.HasPrefix(next, "/login?next=%2Fforward-auth%2Fsign-in%3F") {
		t.Fatalf("got %d to %q, want the sign-in", at.StatusCode, next)
	}
	u, err := url.Parse(next)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.shows(next).body, "continue to "+wiki+".") {
		t.Error("the sign-in does not name the application")
	}
	if body := b.shows("/login?next=" + url.QueryEscape("/forward-auth/sign-in?host=evil.example&path=/")).body; strings.Contains(body, "continue to ") {
		t.Error("the sign-in names what a link says")
	}
	factor := b.post("/login", "identifier", amelie, "password", authntest.Password, "next", u.Query().Get("next")).next()
	b.goes(u.Query().Get("next"), factor, "code", string(phone.Next()))
	if on := b.shows(u.Query().Get("next")); on.goesOn() == "" || !strings.Contains(on.body, wiki) {
		t.Error("the page does not lead on")
	}
}

func TestForwardAuth_RuleRequiresGroupOrKey(t *testing.T) {
	p := guarded(t, shop, shop+"/admin group:elsewhere", wiki+" phishing-resistant")
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	cookies := entered(t, p, b, shop, "/")
	res := p.knock(t, knock{host: shop, uri: "/admin/x", cookies: cookies})
	at := location(t, res)
	if page := b.get(at.RequestURI()); page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, shop) {
		t.Errorf("got %d: %.200s", page.StatusCode, page.body)
	}
	if res := p.knock(t, knock{path: "/forward-auth?answer=status", host: shop, uri: "/admin/x", cookies: cookies}); res.StatusCode != http.StatusForbidden {
		t.Errorf("for nginx: got %d, want 403", res.StatusCode)
	}
	if res := p.knock(t, knock{host: shop, uri: "/admin/x", cookies: cookies, header: map[string]string{"X-Forwarded-Method": "POST"}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("for a program: got %d, want 403", res.StatusCode)
	}
	at = location(t, p.knock(t, knock{host: wiki, uri: "/"}))
	if page := b.get(at.RequestURI()); page.StatusCode != http.StatusForbidden || !strings.Contains(page.body, "YubiKey") {
		t.Errorf("without a key: got %d", page.StatusCode)
	}
	b.proves("/account/add", phone)
	key := newYubikey(p)
	b.goes("/enrol/key", "/enrol/begin", "kind", "webauthn")
	b.script("/enrol/key", `{"name":"Trousseau","answer":`+key.made(t, b.shows("/enrol/key").body)+`}`)
	stepUp := b.get(at.RequestURI())
	if stepUp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(stepUp.next(), "/account/prove?method=key&next=") {
		t.Fatalf("with a key: got %d to %q, want the step-up by key", stepUp.StatusCode, stepUp.next())
	}
	u, err := url.Parse(stepUp.next())
	if err != nil {
		t.Fatal(err)
	}
	status, next, problem := b.script("/account/prove/key", `{"answer":`+key.signed(t, b.shows(stepUp.next()).body)+`,"next":"`+u.Query().Get("next")+`"}`)
	if status != http.StatusOK || next != u.Query().Get("next") {
		t.Fatalf("proving: got %d to %q %q", status, next, problem)
	}
	cookies = entered(t, p, b, wiki, "/")
	if res := p.knock(t, knock{host: wiki, uri: "/", cookies: cookies}); res.StatusCode != http.StatusOK {
		t.Errorf("after the proof: got %d, want 200", res.StatusCode)
	}
}

func TestForwardAuth_DeniesHostAndPathWithoutRule(t *testing.T) {
	p := guarded(t, wiki+"/docs", wiki+"/docs/private group:elsewhere", shop)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	cookies := entered(t, p, b, wiki, "/docs/a")
	for uri, want := range map[string]int{
		"/docs": 200, "/docs/": 200, "/docs/a?b=/docs/private": 200, "/docs/caf%C3%A9": 200, "/docs/privateer": 200,
		"/": 403, "/doc": 403, "/documents": 403, "/docs/private": 403, "/docs/private/x": 403,
		// What servers read differently.
		"/docs/%70rivate": 403, "/docs/PRIVATE": 403, "/docs/%50RIVATE": 403, "/docs/x/../private": 403, "/docs/./private": 403,
		"/docs/%2e%2e/docs/private": 403, "/docs//private": 403, "/docs%2Fprivate": 403, "/docs/%5cprivate": 403, `/docs\private`: 403,
		"/docs/private;x": 403, "/docs/x;/private": 403, "/docs/%2570rivate": 403, "/docs/private%00": 403, "/docs/%C0%AE": 403,
		"/docs/%EF%BD%90rivate": 403, "/docs#/private": 403, "/docs/%zz": 403, "/DOCS": 403,
	} {
		res := p.knock(t, knock{path: "/forward-auth?answer=status", host: wiki, uri: uri, cookies: cookies})
		if res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", uri, res.StatusCode, want)
		}
	}
	if res := p.knock(t, knock{path: "/forward-auth?answer=status", host: "elsewhere.example", uri: "/"}); res.StatusCode != http.StatusForbidden {
		t.Errorf("a host without a rule: got %d, want 403", res.StatusCode)
	}
	cookies = entered(t, p, b, shop, "/")
	for _, uri := range []string{"/a%2Fb", "/a//b", "/x/../y", "/api;v=1"} { // one rule for all: no path can change the answer
		if res := p.knock(t, knock{host: shop, uri: uri, cookies: cookies}); res.StatusCode != http.StatusOK {
			t.Errorf("a host of one rule, %s: got %d, want 200", uri, res.StatusCode)
		}
	}
}

func TestForwardAuth_ReturnCodeIsBoundToTheBrowser(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	mine := p.knock(t, knock{host: wiki, uri: "/"})
	back := b.shows(location(t, mine).RequestURI()).goesOn()
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	if res := p.knock(t, knock{host: wiki, uri: u.RequestURI()}); location(t, res).Host != "login.example" || len(res.Cookies()) != 0 {
		t.Errorf("a browser without a return cookie: got %d, %v, want a page of the service", res.StatusCode, res.Header)
	}
	other := map[string]string{}
	for _, c := range p.knock(t, knock{host: wiki, uri: "/other"}).Cookies() {
		other[c.Name] = c.Value
	}
	res := p.knock(t, knock{host: wiki, uri: u.RequestURI(), cookies: other})
	if res.StatusCode != http.StatusFound || len(res.Cookies()) != 0 || location(t, res).String() != "https://"+wiki+"/" {
		t.Errorf("a browser with another return cookie: got %d, %v", res.StatusCode, res.Header)
	}
	own := map[string]string{}
	for _, c := range mine.Cookies() {
		own[c.Name] = c.Value
	}
	if res := p.knock(t, knock{host: wiki, uri: u.RequestURI(), cookies: own}); len(res.Cookies()) != 0 {
		t.Error("a code that was tried elsewhere is still good")
	}
	for _, uri := range []string{"/.barillet/return", "/.barillet/return?code=short", "/.barillet/return?code=a&code=b", "/.barillet/return?code=%zz"} {
		if res := p.knock(t, knock{host: wiki, uri: uri, cookies: own}); res.StatusCode != http.StatusFound || len(res.Cookies()) != 0 || location(t, res).String() != "https://"+wiki+"/" {
			t.Errorf("%s: got %d, %v, want the first page without a session", uri, res.StatusCode, res.Header)
		}
		if res := p.knock(t, knock{host: wiki, uri: uri}); location(t, res).Host != "login.example" || len(res.Cookies()) != 0 {
			t.Errorf("%s without a return cookie: got %d, %v, want a page of the service", uri, res.StatusCode, res.Header)
		}
	}
}

func TestForwardAuth_ReturnStaysOnTheProtectedHost(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	for _, uri := range []string{"//evil.example/", `/\evil.example`, "/" + strings.Repeat("a", 3000), "/.barillet/return", "/.barillet/return?code=x"} {
		start := p.knock(t, knock{path: "/forward-auth/start", host: wiki, uri: uri})
		cookies := map[string]string{}
		for _, c := range start.Cookies() {
			cookies[c.Name] = c.Value
		}
		u, err := url.Parse(b.shows(location(t, start).RequestURI()).goesOn())
		if err != nil {
			t.Fatal(err)
		}
		if res := p.knock(t, knock{host: wiki, uri: u.RequestURI(), cookies: cookies}); location(t, res).String() != "https://"+wiki+"/" {
			t.Errorf("%q: back to %s, want /", uri, location(t, res))
		}
	}
	for _, query := range []string{"host=evil.example&path=%2F&state=x", "host=" + wiki + "&path=%2Fother&state=x", "state=x", ""} {
		if page := b.get("/forward-auth/sign-in?" + query); page.StatusCode != http.StatusNotFound {
			t.Errorf("/forward-auth/sign-in?%s: got %d, want 404", query, page.StatusCode)
		}
	}
}

func TestForwardAuth_CheckWritesNothing(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	cookies := entered(t, p, b, wiki, "/")
	before := p.content(t)
	for range 5 {
		p.Clock.Advance(10 * time.Minute)
		if res := p.knock(t, knock{host: wiki, uri: "/", cookies: cookies}); res.StatusCode != http.StatusOK {
			t.Fatalf("got %d, want 200", res.StatusCode)
		}
	}
	if keys := changed(before, p.content(t)); len(keys) > 0 {
		t.Errorf("changed %v", keys)
	}
}

// A session on the host is no proof of a key: the rule is judged at each request, not only at the sign-in.
func TestForwardAuth_KeyIsRequiredAtEachRequest(t *testing.T) {
	p := guarded(t, wiki, wiki+"/admin phishing-resistant")
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	cookies := entered(t, p, b, wiki, "/")
	for uri, want := range map[string]int{"/": 200, "/admin": 401, "/admin/x": 401} {
		if res := p.knock(t, knock{path: "/forward-auth?answer=status", host: wiki, uri: uri, cookies: cookies}); res.StatusCode != want {
			t.Errorf("%s: got %d, want %d", uri, res.StatusCode, want)
		}
	}
}
