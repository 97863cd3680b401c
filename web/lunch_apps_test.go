package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/authntest"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store/storetest"
)

const lea = "lea@garage.example"

// waiting begins a sign-in to an application in a browser without a session, and returns the path that the sign-in page
// continues to.
func (a *app) waiting(b *browser, verifier string, more ...string) string {
	b.t.Helper()
	at := b.get(a.begin(verifier, more...)).next()
	u, err := url.Parse(at)
	if err != nil || u.Path != "/login" {
		b.t.Fatalf("got %q, want the sign-in page", at)
	}
	return u.Query().Get("next")
}

// goesTo signs in and returns the page that next shows.
func (b *browser) goesTo(next string, phone *authntest.Phone) page {
	b.t.Helper()
	factor := b.post("/login", "identifier", lea, "password", authntest.Password, "next", next).next()
	b.goes(next, factor, "code", string(phone.Next()))
	return b.get(next)
}

func TestApplication_SignInPageLeftOpenOverLunchStillLeadsThere(t *testing.T) {
	for _, prompt := range []string{"", "login", "consent"} {
		t.Run("prompt="+prompt, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, nil)
			_, phone, _ := p.Member(lea, nil)
			b, verifier := p.browser(t), oauth2.GenerateVerifier()
			next := a.waiting(b, verifier, "prompt", prompt)
			p.Clock.Advance(lunch)
			must(t, storetest.Sweep(t.Context(), p.Store, provider.Sweeps()...))
			if !strings.Contains(b.shows("/login?next="+url.QueryEscape(next)).body, "Planning") {
				t.Error("the sign-in page forgot the application")
			}
			at := b.goesTo(next, phone)
			if prompt == "consent" {
				at = b.post("/oauth2/v1/consent", "request", formValue(t, at.body, "request"), "decision", "yes")
			}
			q := back(t, at.goesOn())
			if _, err := a.config.Exchange(a.ctx(), q.Get("code"), oauth2.VerifierOption(verifier)); err != nil {
				t.Errorf("got %v, %v", q, err)
			}
		})
	}
}

// formValue returns the value of a hidden field.
func formValue(t *testing.T, body, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `type="hidden" name="`+name+`" value="`)
	if !ok {
		t.Fatalf("no field %s: %s", name, body)
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// saysOver fails unless a page says that the sign-in is over, and links to the application.
func (p page) saysOver(t *testing.T, home string) {
	t.Helper()
	if p.StatusCode != http.StatusGone || !strings.Contains(p.body, "Planning took too long, or it is already complete") ||
		!strings.Contains(p.body, `href="`+home+`"`) || strings.Contains(p.body, "invalid_request") {
		t.Errorf("got %d %s", p.StatusCode, p.body)
	}
}

func TestApplication_SignInThatIsOverOffersTheApplication(t *testing.T) {
	for name, over := range map[string]func(t *testing.T, p *place, provider *oidc.Provider, b *browser, next string){
		"left open for a day": func(t *testing.T, p *place, provider *oidc.Provider, _ *browser, _ string) {
			p.Clock.Advance(24 * time.Hour)
			must(t, storetest.Sweep(t.Context(), p.Store, provider.Sweeps()...))
		},
		"expired, not yet deleted":        func(_ *testing.T, p *place, _ *oidc.Provider, _ *browser, _ string) { p.Clock.Advance(24 * time.Hour) },
		"complete already, and then Back": func(_ *testing.T, _ *place, _ *oidc.Provider, b *browser, next string) { b.shows(next) },
	} {
		t.Run(name, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, func(r *client.Registration) { r.URI = "https://planning.example/start" })
			_, phone, _ := p.Member(lea, nil)
			b := p.browser(t)
			next := a.waiting(b, "x")
			if name == "complete already, and then Back" {
				b.signIn(lea, phone)
			}
			over(t, p, provider, b, next)
			if !b.get("/account").signedIn() {
				b.signIn(lea, phone)
			}
			b.get(next).saysOver(t, "https://planning.example/start")
		})
	}
}

func (p page) signedIn() bool { return p.StatusCode == http.StatusOK }

func TestApplication_WithoutHomePageIsOfferedByItsRedirect(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, nil)
	_, phone, _ := p.Member(lea, nil)
	b := p.browser(t)
	next := a.waiting(b, "x")
	b.signIn(lea, phone)
	b.shows(next)
	b.get(next).saysOver(t, "https://app.example/")
	if got := b.get("/oauth2/v1/continue?request=" + strings.Repeat("a", 43) + ".unknown"); got.StatusCode != http.StatusGone || !strings.Contains(got.body, "Go back to the application") {
		t.Errorf("an unknown application: got %d %s", got.StatusCode, got.body)
	}
}

// An administrator changed the application while the sign-in page was open.
func TestApplication_ChangedMeanwhileBeginsAgain(t *testing.T) {
	for name, change := range map[string]func(*client.Registration){
		"another redirect URI": func(r *client.Registration) { r.Redirects = []string{"https://app.example/other"} },
		"fewer scopes":         func(r *client.Registration) { r.Scope = "openid" },
	} {
		t.Run(name, func(t *testing.T) {
			p, provider := appPlace(t, nil)
			a := p.app(t, provider, nil)
			_, phone, _ := p.Member(lea, nil)
			b := p.browser(t)
			next := a.waiting(b, "x")
			r := usual()
			change(&r)
			if _, err := provider.Clients.Replace(t.Context(), by, a.ID, r, false); err != nil {
				t.Fatal(err)
			}
			b.goesTo(next, phone).saysOver(t, "https://app.example/")
		})
	}
}

// The session ends while the consent page is open.
func TestConsent_LeftOpenOverLunchStillLeadsToTheApplication(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.Consent = nil })
	_, phone, _ := p.Member(lea, nil)
	b := p.browser(t)
	b.signIn(lea, phone)
	request := formValue(t, b.get(a.begin("x")).body, "request")
	p.Clock.Advance(lunch)
	at := b.post("/oauth2/v1/consent", "request", request, "decision", "yes")
	u, err := url.Parse(at.next())
	if err != nil || u.Path != "/login" {
		t.Fatalf("got %d to %q", at.StatusCode, at.next())
	}
	if got := b.goesTo(u.Query().Get("next"), phone); formValue(t, got.body, "request") != request {
		t.Errorf("after the sign-in: got %s", got.body)
	}
	if q := back(t, b.post("/oauth2/v1/consent", "request", request, "decision", "yes").goesOn()); q.Get("code") == "" {
		t.Errorf("got %v", q)
	}
}

func TestDeviceCode_LeftOpenOverLunchSaysSo(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{"urn:ietf:params:oauth:grant-type:device_code"}
	})
	_, phone, _ := p.Member(lea, nil)
	b := p.browser(t)
	b.signIn(lea, phone)
	_, code := tv.device()
	confirm := b.post("/device", "code", code).next()
	to, _ := url.Parse(confirm)
	request := to.Query().Get("request")
	p.Clock.Advance(20 * time.Minute)
	for name, got := range map[string]page{"allowed": b.post("/device/confirm", "request", request, "decision", "yes"), "loaded again": b.get(confirm)} {
		if got.next() != "/device?again=user_code" || !strings.Contains(b.shows(got.next()).body, "no longer valid") {
			t.Errorf("%s: got %d to %q", name, got.StatusCode, got.next())
		}
	}
	p.Clock.Advance(lunch)
	at := b.post("/device/confirm", "request", request, "decision", "yes")
	b.t = t
	if want := "/login?again=session_gone&next=" + url.QueryEscape(confirm); at.next() != want {
		t.Errorf("after the session ended: got %q, want %q", at.next(), want)
	}
}
