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
)

// A client that gets less than it asks for fails later, and nobody knows why.
func TestScopeOrAudienceThatIsUnknown_IsRefused(t *testing.T) {
	p, provider := appPlace(t, func(c *oidc.Config) { c.ClientCredentials = true })
	a := p.app(t, provider, func(r *client.Registration) {
		r.Scope += " stock:read"
		r.Grants = append(r.Grants, client.GrantDevice, client.GrantClientCredentials)
	})
	_, _, b := signedIn(p, "lea@garage.example")
	browser := func(more url.Values) (string, string) {
		if more.Get("scope") == "" {
			more.Set("scope", "openid")
		}
		q := back(t, b.get(a.asked(oauth2.GenerateVerifier(), more)).next())
		return q.Get("error"), q.Get("error_description")
	}
	program := func(path string, form url.Values) func(url.Values) (string, string) {
		return func(more url.Values) (string, string) {
			all := url.Values{}
			for _, from := range []url.Values{form, more} {
				for name, v := range from {
					all[name] = v
				}
			}
			_, _, got := a.post(path, all, nil)
			code, _ := got["error"].(string)
			says, _ := got["error_description"].(string)
			return code, says
		}
	}
	pushed := url.Values{"redirect_uri": {callback}, "response_type": {"code"}, "scope": {"openid"}, "code_challenge_method": {"S256"},
		"code_challenge": {oauth2.S256ChallengeFromVerifier("x")}}
	own := url.Values{"grant_type": {client.GrantClientCredentials}}
	for place, ask := range map[string]func(url.Values) (string, string){
		"in the browser":     browser,
		"pushed":             program(oidc.PathPush, pushed),
		"by a device":        program(oidc.PathDevice, url.Values{"scope": {"openid"}}),
		"of a client itself": program(oidc.PathToken, own),
	} {
		itself := place == "of a client itself"
		allowed := "openid"
		if itself {
			allowed = "stock:read"
		}
		for name, c := range map[string]struct {
			more       url.Values
			want, says string
		}{
			"an unknown scope":       {url.Values{"scope": {allowed + " admin"}}, "invalid_scope", allowed},
			"a scope not registered": {url.Values{"scope": {allowed + " groups"}}, "invalid_scope", allowed},
			"an audience":            {url.Values{"scope": {allowed}, "audience": {"https://api.example"}}, "invalid_target", "introspect"},
			"a resource":             {url.Values{"scope": {allowed}, "resource": {"https://api.example"}}, "invalid_target", "introspect"},
			"itself as audience":     {url.Values{"scope": {allowed}, "audience": {string(a.ID)}}, "", ""},
		} {
			p.Clock.Advance(5 * time.Second)
			if got, says := ask(c.more); got != c.want || !strings.Contains(says, c.says) {
				t.Errorf("%s, %s: got %q %q, want %q and %q", place, name, got, says, c.want, c.says)
			}
		}
	}
	if got, says := program(oidc.PathToken, own)(url.Values{"scope": {"stock:read openid"}}); got != "invalid_scope" {
		t.Errorf("a scope about users for the client itself: got %q %q", got, says)
	}
}

// The link of a device fills in the code. It signs nobody in, and it may be of an attacker.
func TestDeviceLink_FillsInTheCodeToCompare(t *testing.T) {
	p, provider := appPlace(t, nil)
	tv := p.app(t, provider, func(r *client.Registration) {
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{client.GrantDevice}
	})
	_, _, got := tv.post(oidc.PathDevice, url.Values{"client_id": {string(tv.ID)}, "scope": {"openid"}}, nil)
	code, _ := got["user_code"].(string)
	link, _ := got["verification_uri_complete"].(string)
	to, ok := strings.CutPrefix(link, p.url)
	if !ok || !strings.HasPrefix(to, "/device?") {
		t.Fatalf("got the link %q", link)
	}
	_, phone, _ := p.Member("lea@garage.example", nil)
	b := p.browser(t)
	login := b.get(to)
	next, err := url.Parse(login.next())
	if err != nil || next.Path != "/login" || next.Query().Get("next") != to {
		t.Fatalf("got %q, want the sign-in and then %q", login.next(), to)
	}
	b.goes("/login/factor", "/login", "identifier", "lea@garage.example", "password", authntest.Password, "next", to)
	b.goes(to, "/login/factor", "code", string(phone.Next()))
	page := b.shows(to)
	if !strings.Contains(page.body, `value="`+code+`"`) || !strings.Contains(page.body, "exactly this code") {
		t.Errorf("the page does not show the code to compare:\n%s", page.body)
	}
	if answer := tv.poll(got["device_code"].(string)); answer["error"] != "authorization_pending" {
		t.Errorf("after the link was opened: got %v, want a device that still waits", answer)
	}
	for _, forged := range []string{strings.Repeat("A", 17), `"><b>`, "call 0800"} {
		if body := b.shows("/device?user_code=" + url.QueryEscape(forged)).body; strings.Contains(body, "exactly this code") {
			t.Errorf("%q is shown as a code", forged)
		}
	}
	if res := b.post("/device", "code", code); res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.next(), "/device/confirm?") {
		t.Errorf("the code of the link: got %d to %q", res.StatusCode, res.next())
	}
}
