package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"

	"barillet/authn/authntest"
	"barillet/oidc/client"
	"barillet/store"
)

// An attacker with the registration token of a client turns it into another client than users consented to.
func TestReplace_RejectsSelfUpdateOfConsentedMetadata(t *testing.T) {
	_, p := open(t)
	const keys = `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`
	was := func() client.Registration {
		return client.Registration{Name: "Planning", URI: "https://app.example/", Redirects: []string{"https://app.example/cb", "https://app.example/other"},
			SubjectType: "pairwise", PushedOnly: true, AuthMethod: "private_key_jwt", Keys: json.RawMessage(keys)}
	}
	c, err := p.Register(t.Context(), by, was())
	if err != nil {
		t.Fatal(err)
	}
	for member, change := range map[string]func(*client.Registration){
		"client_name":                           func(r *client.Registration) { r.Name = "Paie" },
		"client_uri":                            func(r *client.Registration) { r.URI = "https://garage.example/" },
		"redirect_uris":                         func(r *client.Registration) { r.Redirects = []string{"https://thief.example/cb"} },
		"post_logout_redirect_uris":             func(r *client.Registration) { r.PostLogoutRedirects = []string{"https://thief.example/bye"} },
		"application_type":                      func(r *client.Registration) { r.ApplicationType = "native" },
		"grant_types":                           func(r *client.Registration) { r.Grants = []string{client.GrantCode, client.GrantRefresh} },
		"subject_type":                          func(r *client.Registration) { r.SubjectType = "public" },
		"require_pushed_authorization_requests": func(r *client.Registration) { r.PushedOnly = false },
		"token_endpoint_auth_method":            func(r *client.Registration) { r.AuthMethod, r.Keys = "client_secret_basic", nil },
	} {
		r := was()
		change(&r)
		_, err := p.Replace(t.Context(), by, c.ID, r, true)
		if e, ok := errors.AsType[*client.MetadataError](err); !ok || e.Member != member {
			t.Errorf("%s: got %v, want it rejected", member, err)
		}
		if _, err := p.Replace(t.Context(), by, c.ID, r, false); member != "redirect_uris" && err != nil {
			t.Errorf("%s, by an administrator: %v", member, err)
		}
		if _, err := p.Replace(t.Context(), by, c.ID, was(), false); err != nil {
			t.Fatal(err)
		}
	}
	r := was()
	r.Redirects = []string{"https://app.example/new"}
	if _, err := p.Replace(t.Context(), by, c.ID, r, true); err != nil {
		t.Errorf("another path of its own host: %v", err)
	}
}

// An attacker with the registration token of a client asks for less proof of its users, and for more rights of the client.
func TestReplace_SelfUpdateKeepsWhatAnAdministratorSet(t *testing.T) {
	_, p := open(t)
	strict := client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, PhishingResistant: true, MaxAge: 600}
	c, err := p.Register(t.Context(), by, strict)
	if err != nil {
		t.Fatal(err)
	}
	no, loose := false, strict
	loose.PhishingResistant, loose.MaxAge, loose.Consent, loose.NoPKCE, loose.IntrospectsAll, loose.TokenClaims = false, 0, &no, true, true, true
	if _, err := p.Replace(t.Context(), by, c.ID, loose, true); err != nil {
		t.Fatal(err)
	}
	now, err := p.Information(t.Context(), c.ID)
	if err != nil || !now.PhishingResistant || now.MaxAge != 600 || !*now.Consent || now.NoPKCE || now.IntrospectsAll || now.TokenClaims {
		t.Errorf("got %+v, %v, want what the administrator set", now.Registration, err)
	}
}

// meddled is a store that runs a function between a read and the Update that follows it.
type meddled struct {
	store.Store
	between atomic.Pointer[func()]
}

func (m *meddled) Update(ctx context.Context, f func(store.Tx) error) error {
	if do := m.between.Swap(nil); do != nil {
		(*do)()
	}
	return m.Store.Update(ctx, f)
}

// A client replaces itself again and again, until a request begins before a change by an administrator and ends after
// it.
func TestReplace_RejectsSelfUpdateAfterConcurrentChange(t *testing.T) {
	h := authntest.New(t)
	m := &meddled{Store: h.Store}
	h.Accounts.Store = m
	p := newService(h, m)
	r := client.Registration{Name: "Planning", Redirects: []string{"https://a.example/cb"}, Scope: "openid groups"}
	c, err := p.Register(t.Context(), by, r)
	if err != nil {
		t.Fatal(err)
	}
	tightened := r
	tightened.PhishingResistant, tightened.Scope = true, "openid"
	var admin error
	meanwhile := func() { _, admin = p.Replace(t.Context(), by, c.ID, tightened, false) }
	m.between.Store(&meanwhile)
	if _, err = p.Replace(t.Context(), by, c.ID, r, true); err == nil {
		t.Error("got no error, want the self-update rejected")
	}
	now, err := p.Information(t.Context(), c.ID)
	if admin != nil || err != nil || !now.PhishingResistant || now.Scope != "openid" {
		t.Errorf("got %+v, %v, %v, want the metadata of the administrator", now.Registration, admin, err)
	}
}
