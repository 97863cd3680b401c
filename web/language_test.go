package web_test

import (
	"net/http"
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

// Switching the language keeps what was typed, except passwords and codes, which a page never contains.
func TestLanguage_SwitchKeepsWhatWasTyped(t *testing.T) {
	p := open(t, nil)
	b := p.browser(t)
	const secret = "Quatre roues et un volant"
	for _, c := range []struct {
		path   string
		fields []string
		want   []string
	}{
		{"/login?next=%2Faccount%2Fadd", []string{"identifier", "amélie \"a\"", "password", secret, "next", "/account/add"}, []string{`value="amélie &#34;a&#34;"`, `name="next" value="/account/add"`}},
		{"/forgot", []string{"identifier", amelie}, []string{`value="` + amelie + `"`}},
		{"/help/request", []string{"email", amelie, "topic", "key_lost", "message", "Ma clé est au fond du canal."}, []string{`value="` + amelie + `"`, `value="key_lost" selected`, "Ma clé est au fond du canal.</textarea>"}},
	} {
		for _, lang := range []string{"fr", "en"} {
			got := b.post("/language", append([]string{"lang", lang, "at", c.path}, c.fields...)...)
			if got.StatusCode != http.StatusOK || !strings.Contains(got.body, `<html lang="`+lang+`">`) {
				t.Errorf("%s in %s: got %d to %q, want the page in that language", c.path, lang, got.StatusCode, got.next())
			}
			for _, want := range c.want {
				if !strings.Contains(got.body, want) {
					t.Errorf("%s in %s: the page lacks %s", c.path, lang, want)
				}
			}
			if strings.Contains(got.body, secret) {
				t.Errorf("%s: the page contains the password", c.path)
			}
			if b.cookie("__Host-barillet-lang") != lang {
				t.Errorf("%s: the language is not kept", c.path)
			}
		}
	}
	b.goes("/login", "/language", "lang", "fr", "at", "/login")
	if got := b.post("/language", "lang", "fr", "at", "/no/such/page", "name", "x"); got.StatusCode != http.StatusSeeOther {
		t.Errorf("a page that does not exist: got %d, want 303", got.StatusCode)
	}
}

// In an account, the switch changes pages, emails and what was typed alike.
func TestLanguage_SwitchInAnEnrolmentKeepsTheName(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/add", phone)
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	got := b.post("/language", "lang", "fr", "at", "/enrol/phone", "name", "Tablette de l'atelier", "code", "123456")
	if got.StatusCode != http.StatusOK || !strings.Contains(got.body, `<html lang="fr">`) || !strings.Contains(got.body, "Tablette de l&#39;atelier") || strings.Contains(got.body, "123456") {
		t.Errorf("got %d, want the page in French with the name and without the code", got.StatusCode)
	}
	if got := p.User(amelie).Locale; got != "fr" {
		t.Errorf("the stored language: got %q, want fr", got)
	}
}
