package e2e_test

import (
	"strings"
	"testing"
	"time"
)

// TestPages_WorkWithoutJavaScript walks through all that a person does, but for the security keys, in a
// browser with JavaScript switched off.
func TestPages_WorkWithoutJavaScript(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	p := h.Person(t, "amelie@garage.example", "quatre pneus neige rouges", BrowserOptions{NoScript: true})
	p.accept(h.invite(p.Login, "Amélie Roux"))
	phone := p.phone("okta", "Téléphone")
	codes := p.later()

	for _, step := range []struct {
		name string
		do   func()
	}{
		{"a code", func() { p.codesWithoutScript(phone) }},
		{"a recovery code", func() { p.recoveryWithoutScript(codes[0]) }},
		{"the same QR code again", func() { p.copyWithoutScript(phone) }},
		{"a YubiKey", func() { p.keyWithoutScript(phone) }},
		{"the account", func() { p.accountWithoutScript(phone) }},
		{"a forgotten password", func() { p.forgottenWithoutScript(phone) }},
		{"help, a reset and its ticket", func() { p.ticketWithoutScript() }},
	} {
		if step.do(); t.Failed() {
			t.Fatalf("failed at: %s", step.name)
		}
	}
}

func (p *Person) codesWithoutScript(phone *Phone) {
	p.tb.Helper()
	p.signOut()
	p.Open("/login")
	p.Fill("#f-identifier", p.Login)
	p.Fill("#f-password", "pas le bon mot de passe")
	p.Submit(mainButton)
	p.says("le mot de passe ne convient pas")
	if got := p.Value("#f-identifier"); got != p.Login {
		p.tb.Errorf("got %q in the form, want what was typed", got)
	}
	p.give()
	p.prompt()
	p.enter(phone.Wrong())
	p.says("Ce code n’est pas le bon")
	code := phone.Next()
	p.enter(code[:3] + " " + code[3:])
	p.home()
}

// recoveryWithoutScript signs in by a recovery code, which leads to enrolment, and enrols a second phone.
func (p *Person) recoveryWithoutScript(code string) {
	p.tb.Helper()
	p.signOut()
	p.give()
	p.prompt()
	p.Submit(`a[href^="/login/recovery"]`)
	p.enter(strings.ToLower(code))
	p.at("/enrol")
	p.says("Il vous en reste 9")
	p.env.Mail.Wait(p.Login, "un code de secours a été utilisé")
	second := p.phone("google", "Tablette")
	p.home()
	p.signOut()
	p.signIn(second)
}

// copyWithoutScript shows the QR code of the first phone to a third, and takes that one off again.
func (p *Person) copyWithoutScript(phone *Phone) {
	p.tb.Helper()
	p.Submit(p.device("Téléphone", "show"))
	p.Fill("#f-name", "Copie")
	p.enter(phone.Next())
	again := p.scan()
	p.enter(again.Next())
	p.home()
	p.says("Copie")
	// The tablet is another proven device: the old QR code dies at once, and the phone scans the new one.
	p.Submit(`a[aria-label*="Copie"][href*="/copies/"]`)
	p.prove(phone)
	p.Submit("main form button.danger")
	fresh := p.scan()
	if fresh.Secret == phone.Secret {
		p.tb.Error("the QR code that takes the place of a lost one is the same")
	}
	p.enter(fresh.Next())
	p.home()
	*phone = *fresh
}

func (p *Person) keyWithoutScript(phone *Phone) {
	p.tb.Helper()
	p.Open("/account/add")
	p.prove(phone)
	p.Submit(`button[name="kind"][value="webauthn"]`)
	p.at("/enrol/key")
	p.Wait("[data-without-script]")
}

func (p *Person) accountWithoutScript(phone *Phone) {
	p.tb.Helper()
	for range 2 { // more than ten notifications in an hour would wait to be joined
		p.env.Clock.Advance(31 * time.Minute)
		p.Open("/account")
	}
	p.Click(`li.card:first-child details summary`)
	p.Fill(`li.card:first-child form[action$="/rename"] input[name="name"]`, "Téléphone rouge")
	p.Submit(`li.card:first-child form[action$="/rename"] button`)
	p.says("Nom enregistré.")
	p.says("Téléphone rouge")

	p.Submit(`a[href="/account/recovery"]`)
	p.prove(phone)
	p.Submit(mainButton)
	p.keepCodes()
	p.env.Mail.Wait(p.Login, "nouveaux codes de secours")

	other := p.Elsewhere(p.tb)
	other.signIn(phone)
	p.Open("/account")
	p.Submit(`form[action$="/end"] button`)
	p.says("Session terminée.")
	other.outside()
	other.signIn(phone)
	p.Open("/account")
	p.Submit(`form[action="/account/sessions/end-others"] button`)
	other.outside()

	p.Open("/account")
	p.Submit(`a[href="/account/password"]`)
	p.prove(phone)
	p.Fill("#f-current", p.Password)
	p.Password = p.env.Secret("password of "+p.Login, "huit clés de douze dans un tiroir")
	p.Fill("#f-password", p.Password)
	p.Submit(mainButton)
	p.home()
	p.env.Mail.Wait(p.Login, "votre mot de passe a été changé")

	p.Submit(p.device("Tablette", "remove"))
	p.prove(phone)
	p.Submit("main form button.danger")
	p.home()
	p.Submit(`header button[name="lang"][value="en"]`)
	p.says("My devices")
	p.Submit(`header button[name="lang"][value="fr"]`)
	p.says("Mes appareils")
}

func (p *Person) forgottenWithoutScript(phone *Phone) {
	p.tb.Helper()
	p.signOut()
	p.Open("/login")
	p.Click("details.help summary")
	p.Submit(`a[href="/forgot"]`)
	p.Fill("#f-identifier", p.Login)
	p.Submit(mainButton)
	link := p.env.Mail.Wait(p.Login, "choisir un nouveau mot de passe").Link(p.tb, "/password/")
	p.env.Secret("password link", token(link))
	p.Open(link)
	old := p.Password
	p.Password = p.env.Secret("password of "+p.Login, "neuf boulons rouillés sous le banc")
	p.Fill("#f-password", p.Password)
	p.Submit(mainButton)
	p.prompt()
	p.enter(phone.Next())
	p.home()
	p.signOut()

	p.Open("/login")
	p.Fill("#f-identifier", p.Login)
	p.Fill("#f-password", old)
	p.Submit(mainButton)
	p.says("le mot de passe ne convient pas")
	p.signIn(phone)
}

// ticketWithoutScript asks for help, and takes the ticket as a code; a second one comes by mail, as a link.
func (p *Person) ticketWithoutScript() {
	p.tb.Helper()
	p.signOut()
	reference := p.ask("phone_lost", "Il est cassé.")
	p.env.Mail.Wait(support, reference)
	p.env.resetBy(p.Login)
	_, code := p.env.ticket(p.Login)
	p.give()
	p.at("/login/ticket")
	p.Submit(`form[action^="/login/ticket/renew"] button`)
	renewed, _ := p.env.ticket(p.Login)
	p.Open("/login/ticket")
	p.Fill("#f-ticket", code)
	p.Submit(mainButton)
	p.at("/enrol")

	// Closed half-way: the link leads back to where it was.
	p.Open(renewed)
	p.Fill("#f-identifier", p.Login)
	p.Fill("#f-password", p.Password)
	p.Submit(mainButton)
	p.at("/enrol")
	p.phone("other", "Nouveau téléphone")
	p.later()
}
