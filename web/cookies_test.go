package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/web"
	"barillet/web/site"
)

// cookies of an answer, by name.
func cookies(p page) map[string]*http.Cookie {
	out := map[string]*http.Cookie{}
	for _, c := range p.Cookies() {
		out[c.Name] = c
	}
	return out
}

func TestCookies_HaveTheirAttributes(t *testing.T) {
	for _, tt := range []struct {
		url, prefix string
		secure      bool
	}{
		{"https://login.example", "__Host-", true},
		{"http://localhost:8080", "", false},
	} {
		t.Run(tt.url, func(t *testing.T) {
			p := open(t, func(c *web.Config) { c.PublicURL = tt.url })
			_, phone, _ := p.Member(amelie, nil)
			b := p.browser(t)
			set := cookies(b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password))
			for name, c := range cookies(b.goes("/account", "/login/factor", "code", string(phone.Next()))) {
				if name != tt.prefix+"barillet-login" {
					set[name] = c
				} else if c.MaxAge >= 0 {
					t.Error("the login cookie stays after the sign-in")
				}
			}
			for name, age := range map[string]time.Duration{"barillet": 0, "barillet-login": 10 * time.Minute, "barillet-browser": 180 * 24 * time.Hour} {
				c := set[tt.prefix+name]
				if c == nil {
					t.Fatalf("no cookie %s", tt.prefix+name)
				}
				if c.Secure != tt.secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
					t.Errorf("%s: got %s", name, c.Raw[strings.Index(c.Raw, ";"):])
				}
				if got := time.Duration(c.MaxAge) * time.Second; got != age {
					t.Errorf("%s lives %s, want %s", name, got, age)
				}
				if len(c.Value) != 43 {
					t.Errorf("%s holds %d characters, want the 43 of a secret alone", name, len(c.Value))
				}
			}
		})
	}
}

func TestCookies_PlantedValueIsNotAdopted(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	planted := strings.Repeat("A", 43)
	b := p.browser(t)
	b.header.Set("Cookie", "__Host-barillet="+planted+"; __Host-barillet-login="+planted+"; __Host-barillet-browser="+planted)
	if got := b.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a planted session: got %d, want 303", got.StatusCode)
	}
	login := cookies(b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password))["__Host-barillet-login"]
	if login == nil || login.Value == planted {
		t.Fatal("the login goes by the planted secret")
	}
	b.header.Set("Cookie", "__Host-barillet="+planted+"; __Host-barillet-login="+login.Value+"; __Host-barillet-browser="+planted)
	set := cookies(b.goes("/account", "/login/factor", "code", string(phone.Next())))
	for _, name := range []string{"__Host-barillet", "__Host-barillet-browser"} {
		if set[name] == nil || set[name].Value == planted {
			t.Errorf("%s goes by the planted secret", name)
		}
	}
}

// A host of the same site can add a cookie of this name. One that no session can have does not hide the session.
func TestCookies_ValueOfAnotherFormIsIgnored(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	own := b.cookie("__Host-barillet")
	other := p.browser(t)
	for _, planted := range []string{"short", strings.Repeat("A", 44), strings.Repeat("+", 43)} {
		other.header.Set("Cookie", "__Host-barillet="+planted+"; __Host-barillet="+own)
		if got := other.get("/account"); got.StatusCode != http.StatusOK {
			t.Errorf("behind %q: got %d, want 200", planted, got.StatusCode)
		}
	}
}

func TestSignOut_EndsTheSessionOnTheServer(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	kept := b.cookie("__Host-barillet")
	b.goes("/logged-out", "/logout")
	thief := p.browser(t)
	thief.header.Set("Cookie", "__Host-barillet="+kept)
	if got := thief.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the session after signing out: got %d, want 303", got.StatusCode)
	}
}

func TestSignIn_EndsThePreviousSessionOfTheBrowser(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	first := b.cookie("__Host-barillet")
	b.signIn(amelie, phone)
	if b.cookie("__Host-barillet") == first {
		t.Fatal("the second sign-in got the session of the first")
	}
	thief := p.browser(t)
	thief.header.Set("Cookie", "__Host-barillet="+first)
	if got := thief.get("/account"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("the session before: got %d, want 303", got.StatusCode)
	}
}

func TestReturnPath_StaysOnTheSite(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	for _, next := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "\\\\evil.example",
		"///evil.example", "http:evil.example", "https:/evil.example", "javascript:alert(1)", "data:text/html,x", "/\t/evil.example",
		"/\n/evil.example", " //evil.example", "evil.example", "@evil.example", "/\x00/evil.example", "/%", "/ü"} {
		b := p.browser(t)
		b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password, "next", next)
		b.goes("/account", "/login/factor", "code", string(phone.Next()))
		if got := b.post("/language", "lang", "en", "at", next); got.next() != "/" {
			t.Errorf("the language's return to %q: got %q, want /", next, got.next())
		}
		if got := b.post("/account/prove", "code", string(phone.Next()), "next", next); got.next() != "/account" {
			t.Errorf("the proof's return to %q: got %q, want /account", next, got.next())
		}
	}
	b := p.browser(t)
	const factor = "/login/factor?next=%2Faccount%2Fadd%3Fx%3D1"
	b.goes(factor, "/login", "identifier", amelie, "password", authntest.Password, "next", "/account/add?x=1")
	b.goes("/account/add?x=1", factor, "code", string(phone.Next()))
}

func FuzzLocalPath(f *testing.F) {
	for _, s := range []string{"/", "/account", "/help/request?topic=other", "//x", "/\\x", "https://x", "/%2f/x", "/a#b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, ok := site.LocalPath(s)
		if !ok {
			if path != "" {
				t.Errorf("%q was refused and gave %q", s, path)
			}
			return
		}
		if path != s || path[0] != '/' || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\t\r\n\x00 ") || len(path) > 4<<10 {
			t.Errorf("%q was taken", s)
		}
	})
}
