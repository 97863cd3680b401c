package web_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
)

// The language that a user reads at the first complete operation is stored: the account page shows it and all emails
// from then on have it. The service's own language is French.
func TestLanguage_ShownIsStoredAndMailed(t *testing.T) {
	p := open(t, nil)
	u := p.CreateUser(amelie, nil)
	b := p.browser(t)
	b.header.Set("Accept-Language", "en-GB")
	link := "/invite/" + p.Invite(u.ID).Reveal()
	b.goes("/enrol", link, "password", authntest.Password)
	if got := p.User(amelie).Locale; got != "" {
		t.Errorf("before the first complete operation the language %q is stored", got)
	}
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	before := len(p.Mails())
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone").body)}
	b.goes("/enrol/second", "/enrol/phone", "name", "Phone", "code", string(phone.Code()))
	for _, m := range p.Mails()[before:] {
		if m.Lang != "en" {
			t.Errorf("the email %T has the language %q, want that of the page", m.What, m.Lang)
		}
	}
	if got := p.User(amelie).Locale; got != "en" {
		t.Errorf("got the stored language %q, want en", got)
	}
	// Another browser's language, or a link with another one, changes neither what is stored nor what is shown.
	again := p.browser(t)
	again.header.Set("Accept-Language", "fr")
	again.signIn(amelie, phone)
	for _, path := range []string{"/account", "/account?lang=fr"} {
		if got := again.shows(path).body; !strings.Contains(got, `<html lang="en">`) || !strings.Contains(got, `lang="en" aria-pressed="true"`) {
			t.Errorf("%s does not show the stored language", path)
		}
	}
}

// A sign-in stores the language too; one that an administrator set stays.
func TestLanguage_SignInStoresItUnlessAnAdministratorDid(t *testing.T) {
	for _, c := range []struct{ set, want string }{{"", "en"}, {"fr", "fr"}} {
		p := open(t, nil)
		_, phone, _ := p.Member(amelie, func(u *account.User) { u.Locale = c.set })
		p.Change(p.User(amelie).ID, func(u *account.User) { u.Locale = c.set })
		b := p.browser(t)
		b.header.Set("Accept-Language", "en")
		b.signIn(amelie, phone)
		if got := p.User(amelie).Locale; got != c.want {
			t.Errorf("after a sign-in in English with %q stored: got %q, want %q", c.set, got, c.want)
		}
		if got := b.shows("/account").body; !strings.Contains(got, `lang="`+c.want+`" aria-pressed="true"`) {
			t.Errorf("the account does not show %s", c.want)
		}
	}
}
