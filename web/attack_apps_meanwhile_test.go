package web_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/oidc"
	"barillet/oidc/client"
	"barillet/store/storetest"
)

// A user is removed from a group after the consent and before the application, or the device, comes for its tokens.
// Access tokens are looked up and dead; an ID token is believed as it stands.
func TestAttack_IDTokenAfterRemovalFromTheGroup(t *testing.T) {
	p, provider := appPlace(t, nil)
	garage := p.CreateGroup("Canal")
	only := func(r *client.Registration) { r.Groups = []account.GroupID{garage} }
	a := p.app(t, provider, only)
	tv := p.app(t, provider, func(r *client.Registration) {
		only(r)
		r.Name, r.AuthMethod, r.Redirects, r.Grants = "Screen", "none", nil, []string{"urn:ietf:params:oauth:grant-type:device_code"}
	})
	u, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.Groups = []account.GroupID{garage} })
	b := p.browser(t)
	b.signIn("lea@garage.example", phone)
	device, code := tv.device()
	confirm := b.post("/device", "code", code).next()
	to, _ := url.Parse(confirm)
	b.goes(confirm, "/account/prove", "code", string(phone.Next()), "next", confirm)
	b.goes("/device/done?yes=1", "/device/confirm", "request", to.Query().Get("request"), "decision", "yes")
	verifier := oauth2.GenerateVerifier()
	given := a.code(b, verifier)

	p.Change(u.ID, func(u *account.User) { u.Groups = nil })
	if tok, err := a.config.Exchange(a.ctx(), given, oauth2.VerifierOption(verifier)); err == nil || refused(t, err) != "invalid_grant" {
		t.Errorf("the code: got %v, %v", tok, err)
	}
	p.Clock.Advance(time.Minute)
	if got := tv.poll(device); got["id_token"] != nil || got["error"] != "invalid_grant" {
		t.Errorf("the device: got %v", got)
	}
}

// The policy, the client or the session changes between the check of a request and the Update that answers it, or between the code
// and its redemption.
func TestAttack_CodeAfterThePolicyChangedMeanwhile(t *testing.T) {
	var provider *oidc.Provider
	replace := func(a *app, change func(*client.Registration)) {
		r := usual()
		if change(&r); r.Groups == nil {
			r.Groups = a.Groups
		}
		if _, err := provider.Clients.Replace(t.Context(), by, a.ID, r, false); err != nil {
			t.Error(err)
		}
	}
	for name, change := range map[string]func(p *place, a *app, u account.User){
		"the user left the group": func(p *place, _ *app, u account.User) { p.Change(u.ID, func(u *account.User) { u.Groups = nil }) },
		"the user signed out":     func(p *place, _ *app, u account.User) { p.Change(u.ID, func(u *account.User) { u.Epoch++ }) },
		"the policy requires a key": func(_ *place, a *app, _ account.User) {
			replace(a, func(r *client.Registration) { r.PhishingResistant = true })
		},
		"the redirect URI was taken": func(_ *place, a *app, _ account.User) {
			replace(a, func(r *client.Registration) { r.Redirects = []string{"https://app.example/other"} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p *place
			p, provider = appPlace(t, nil)
			garage := p.CreateGroup("Canal")
			a := p.app(t, provider, func(r *client.Registration) { r.Groups = []account.GroupID{garage} })
			u, phone, _ := p.Member("lea@garage.example", func(u *account.User) { u.Groups = []account.GroupID{garage} })
			b := p.browser(t)
			verifier := oauth2.GenerateVerifier()
			login, err := url.Parse(b.get(a.begin(verifier)).next())
			if err != nil {
				t.Fatal(err)
			}
			b.signIn("lea@garage.example", phone)
			given := a.code(b, verifier)
			rerun := p.Store.(*storetest.Rerun)
			rerun.Between = func() {
				rerun.Between = nil
				change(p, a, u)
			}
			res := b.get(login.Query().Get("next"))
			if rerun.Between != nil {
				t.Fatal("the request stored nothing")
			}
			if to := res.Header.Get("Refresh") + res.next(); strings.Contains(to, "code=") {
				t.Errorf("got sent to %q", to)
			}
			if tok, err := a.config.Exchange(a.ctx(), given, oauth2.VerifierOption(verifier)); err == nil || refused(t, err) != "invalid_grant" {
				t.Errorf("the code from before: got %v, %v", tok, err)
			}
		})
	}
}
