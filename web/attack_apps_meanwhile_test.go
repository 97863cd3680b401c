package web_test

import (
	"net/url"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"barillet/authn/account"
	"barillet/oidc/client"
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
