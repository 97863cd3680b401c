package web_test

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/notice"
)

// attackersPassword is the password that the attacker chooses by a link.
const attackersPassword = "rouge vif et bleu nuit"

// attacker is who wants a device on Amélie's account. They try all that they have, again and again.
type attacker struct {
	scene     *scene
	browser   *browser
	waiting   *browser        // in which their sign-in waits for a code
	reads     map[string]bool // the mailboxes
	passwords []string
	codes     []string           // that they heard
	links     []string           // of tickets that they got
	linked    []*browser         // with a sign-in that began with a password link
	phones    []*authntest.Phone // enrolled on an account, perhaps hers
	used      []string           // links that were tried
	browsers  []*browser         // all that they signed in with
}

// tries does what an unauthenticated client can do with what the attacker has by now: every link and code that they can read or heard,
// with every password that they know.
func (a *attacker) tries() {
	a.scene.t.Helper()
	a.opensLinks()
	for _, link := range a.links {
		a.usesTicket(link)
	}
	for _, password := range a.passwords {
		a.signsIn(password)
	}
	for _, code := range a.codes {
		a.typesCode(a.waiting, "/login/together/code", code)
	}
}

// fresh returns a browser of the attacker without cookies.
func (a *attacker) fresh() *browser {
	b := a.scene.browser(a.scene.t)
	a.browsers = append(a.browsers, b)
	return b
}

// login returns the present login of the account.
func (a *attacker) login() string {
	var u account.User
	_ = a.scene.Accounts.View(a.scene.t.Context(), func(r account.Reader) (err error) {
		u, err = r.User(a.scene.amelie.user.ID)
		return err
	})
	return u.Login
}

// opensLinks follows each link in the mailboxes of the attacker.
func (a *attacker) opensLinks() {
	a.scene.t.Helper()
	for _, m := range a.scene.Mails() {
		if !a.reads[m.To] || slices.Contains(a.used, m.ID) {
			continue
		}
		switch what := m.What.(type) {
		case notice.PasswordLink:
			a.used = append(a.used, m.ID)
			b := a.fresh()
			if got := b.post(strings.TrimPrefix(what.Link, a.scene.url), "password", attackersPassword); got.StatusCode == http.StatusSeeOther {
				a.linked = append(a.linked, b)
				a.passwords = append(slices.DeleteFunc(a.passwords, func(p string) bool { return p == attackersPassword }), attackersPassword)
			}
		case notice.Invitation:
			if what.Login != a.login() { // of another account
				continue
			}
			a.used = append(a.used, m.ID)
			b := a.fresh()
			if got := b.post(strings.TrimPrefix(what.Link, a.scene.url), "password", attackersPassword); got.next() == "/enrol" {
				a.passwords = append(a.passwords, attackersPassword)
				a.enrols(b)
			}
		case notice.DevicesReset:
			a.usesTicket(what.Link)
			if !slices.Contains(a.codes, what.Code) {
				a.codes = append(a.codes, what.Code)
			}
		}
	}
}

// usesTicket opens the link of a ticket with each password.
func (a *attacker) usesTicket(link string) {
	a.scene.t.Helper()
	for _, password := range a.passwords {
		b := a.fresh()
		if got := b.post(strings.TrimPrefix(link, a.scene.url), "identifier", a.login(), "password", password); got.next() == "/enrol" {
			a.enrols(b)
		}
	}
}

// signsIn goes as far as a password leads.
func (a *attacker) signsIn(password string) {
	a.scene.t.Helper()
	if a.login() == "" {
		return
	}
	a.scene.Clock.Advance(time.Minute) // no limit of passwords is in the way
	b := a.fresh()
	switch got := b.post("/login", "identifier", a.login(), "password", password); got.next() {
	case "/login/ticket":
		b.post("/login/ticket/renew")
		for _, code := range a.codes {
			a.typesCode(b, "/login/ticket", code)
		}
	case "/login/factor":
		for _, p := range a.phones {
			b.post("/login/factor", "code", string(p.Next()))
		}
		b.post("/login/factor", "code", "000000")
	case "/enrol":
		a.enrols(b)
	}
}

// typesCode types a code, and enrols if it is right.
func (a *attacker) typesCode(b *browser, path, code string) {
	a.scene.t.Helper()
	if got := b.post(path, "ticket", code); got.next() == "/enrol" {
		a.enrols(b)
	}
}

// enrols enrols a phone in a sign-in that may.
func (a *attacker) enrols(b *browser) {
	a.scene.t.Helper()
	if got := b.post("/enrol/begin", "kind", "totp", "app", "other"); got.next() != "/enrol/phone" {
		return
	}
	phone := &authntest.Phone{Env: a.scene.Env, Secret: secretIn(a.scene.t, b.get("/enrol/phone").body)}
	if got := b.post("/enrol/phone", "name", "Mallory", "code", string(phone.Code())); got.StatusCode == http.StatusSeeOther {
		a.phones = append(a.phones, phone)
	}
}

// waits makes a sign-in of the attacker wait for a code, and returns its two digits; "" if it cannot.
func (a *attacker) waits() string {
	a.scene.t.Helper()
	begun := slices.Clone(a.linked)
	for _, password := range a.passwords {
		b := a.fresh()
		b.post("/login", "identifier", a.login(), "password", password)
		begun = append(begun, b)
	}
	for _, b := range slices.Backward(begun) {
		b.post("/login/together")
		if found := shownDigits.FindStringSubmatch(b.get("/login/together").body); found != nil {
			a.waiting = b
			return found[1]
		}
	}
	return ""
}

// handsOver has an administrator hand a code over to a sign-in of the attacker, who reads its digits out to the witness, and hears the
// code. The witness types them unless they keep to the rules: then they refuse. It returns the status of the first refusal; 0: none.
func (s *scene) handsOver(by, witness *player, fooled bool) int {
	s.t.Helper()
	digits := s.attacker.waits()
	by.console().proves("/console")
	begun := by.posts(s.victim()+"/hand-over", "witness", "other", "other_witness", witness.user.Login)
	if begun.StatusCode != http.StatusSeeOther {
		return begun.StatusCode
	}
	at, _, _ := strings.Cut(begun.next(), "?")
	question := "/account/witness/" + strings.TrimPrefix(at, "/console/hand-overs/")
	w := witness.console()
	if !fooled {
		w.goes("/account?done=witness_no", question+"/refuse")
	} else {
		w.proves(question)
		w.post(question, "digits", digits)
	}
	by.console().proves("/console")
	got := by.posts(at + "/code")
	_, rest, found := strings.Cut(got.body, `<p class="handed" translate="no">`)
	if !found {
		return got.StatusCode
	}
	code, _, _ := strings.Cut(rest, "<")
	s.attacker.codes = append(s.attacker.codes, code)
	return 0
}

// witnessed has a manager and a witness hand a code over to the attacker. It fails if the service refuses.
func (s *scene) witnessed(by, witness *player) {
	s.t.Helper()
	if status := s.handsOver(by, witness, true); status != 0 {
		s.t.Fatalf("%s and %s hand no code over: got %d", by.user.Login, witness.user.Login, status)
	}
}

// guesses types ten wrong codes after the right password, each when the wait for the one before is over.
func (a *attacker) guesses() {
	a.scene.t.Helper()
	b := a.fresh()
	for range 10 {
		b.post("/login", "identifier", a.login(), "password", authntest.Password)
		b.post("/login/factor", "code", "000000")
		a.scene.Clock.Advance(16 * time.Minute)
	}
}
