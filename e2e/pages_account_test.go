package e2e_test

import (
	"strings"
	"testing"
	"time"
)

func TestPages_Account(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.signIn(m.Phone)
	p.look("account")
	p.Open("/account/add")
	p.look("prove-code")
	p.enter(m.Phone.Wrong())
	p.look("prove-wrong")
	p.enter(m.Phone.Next())
	p.at("/account/add")
	p.look("add-device")
	p.Submit(`button[name="app"][value="okta"]`)
	p.look("add-phone")
	tablet := p.scan()
	p.Fill("#f-name", "Tablette")
	p.enter(tablet.Next())
	p.look("account-two-devices")

	p.copyPages(m.Phone)
	p.removalPages(m.Phone)
	p.actPages(m.Phone)
	p.keyPages(m.Phone)
}

// copyPages shows a QR code again, is wrong about it, and confirms it.
func (p *Person) copyPages(phone *Phone) {
	p.tb.Helper()
	p.Submit(p.device("Téléphone", "show"))
	p.look("device-show")
	p.Fill("#f-name", "Copie")
	p.enter(phone.Wrong())
	p.look("device-show-wrong")
	p.Fill("#f-name", "Copie")
	p.enter(phone.Next())
	p.unfold()
	p.look("device-shown")
	p.enter(phone.Code())
	p.look("device-shown-old-code")
	p.enter(phone.Next())
	p.home()
	p.Submit(p.device("Téléphone", "show"))
	p.look("device-show-wait")
	p.Fill("#f-name", "Deuxième copie")
	p.enter(phone.Next())
	p.Open("/account") // left without a confirmation
	p.unfold()
	p.look("account-copies")
}

// removalPages removes one copy while another device is left, then all that can be removed.
func (p *Person) removalPages(phone *Phone) {
	p.tb.Helper()
	p.Submit(p.device("Téléphone", "remove"))
	p.prove(phone)
	p.look("device-remove-with-copies")
	p.Open("/account")
	p.Submit(`a[aria-label="Retirer Copie"]`)
	p.look("copy-remove-proven")
	p.Submit("main form button.danger")
	p.unfold()
	p.look("replace-others-scan-again")
	*phone = *p.scan()
	p.enter(phone.Wrong())
	p.look("replace-wrong")
	p.enter(phone.Next())
	p.home()
	p.look("account-scan-again")

	p.Submit(p.device("Tablette", "remove"))
	p.prove(phone)
	p.look("device-remove")
	p.Submit("main form button.danger")
	p.home()
	p.look("account-at-risk")
	// The last one: what it shares goes only once the new code is confirmed.
	p.Submit(`a[aria-label="Retirer Deuxième copie"]`)
	p.look("copy-remove-alone")
	p.Submit("main form button.danger")
	p.look("replace-still-works")
	*phone = *p.scan()
	p.enter(phone.Next())
	p.home()
}

// actPages are the other acts of the account, and what is wrong with them.
func (p *Person) actPages(phone *Phone) {
	p.tb.Helper()
	p.Open("/account/recovery")
	p.prove(phone)
	p.look("recovery-renew")
	p.Submit(mainButton)
	p.look("recovery-renewed")
	p.Open("/account")
	p.look("account-two-lists")
	p.Open("/account/recovery")
	p.look("recovery-renew-two")
	p.Open("/enrol/recovery")
	p.keepCodes()

	p.Open("/account/password")
	p.prove(phone)
	p.look("password-change")
	p.sends("#f-current", "pas le bon mot de passe", "#f-password", "neuf boulons rouillés sous le banc")
	p.look("password-change-wrong")
	p.sends("#f-current", p.Password, "#f-password", "abc")
	p.look("password-change-short")
	p.Open("/account")
	p.unfold()
	p.Fill(`form[action$="/rename"] input[name="name"]`, strings.Repeat("é", 64))
	p.Submit(`form[action$="/rename"] button`)
	p.look("account-long-name")
	p.Submit(`header button[name="lang"][value="en"]`)
	p.look("account-english")
	p.Submit(`header button[name="lang"][value="fr"]`)

	other := p.Elsewhere(p.tb)
	other.signIn(phone)
	p.Open("/account")
	p.look("account-two-sessions")
	p.Submit(`form[action="/account/sessions/end-others"] button`)
	p.look("account-sessions-ended")
	p.Open("/account/devices/nothing/remove")
	p.look("device-gone")
	p.Open("/enrol/phone")
	p.look("enrol-nothing-pending")
	p.Open("/nowhere")
	p.look("failure-signed-in")
}

// keyPages are those that a security key has of its own.
func (p *Person) keyPages(phone *Phone) {
	p.tb.Helper()
	key := p.Plug()
	p.addKey(phone, "Clé bleue")
	p.look("account-key")
	p.Open("/account/add")
	p.prove(phone)
	p.Submit(`button[name="kind"][value="webauthn"]`)
	p.Fill("#f-name", "Encore elle")
	p.Click(`[data-key="create"]`)
	p.Wait(`[data-key="create"]:not(:disabled)`)
	p.says("déjà inscrite")
	p.look("enrol-key-known")
	p.env.Clock.Advance(10 * time.Minute) // the proof is stale
	p.Open("/account/add")
	p.Open("/account/prove?method=key&next=/account/add")
	p.look("prove-key")
	p.Click(`[data-key="get"]`)
	p.Wait("#own")
	key.Unplug()
}

func TestPages_Reset(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	h.resetBy(p.Login)
	link, _ := h.ticket(p.Login)
	p.Open(link)
	p.look("ticket-link")
	p.sends("#f-identifier", p.Login)
	p.look("ticket-link-empty")
	p.sends("#f-identifier", p.Login, "#f-password", "pas le bon mot de passe")
	p.look("ticket-link-refused")
	p.give()
	p.look("ticket")
	p.sends()
	p.look("ticket-empty")
	p.sends("#f-ticket", "0000-0000")
	p.look("ticket-wrong")
	p.Open("/login/ticket")
	for range 3 {
		p.Submit(`form[action^="/login/ticket/renew"] button`)
		p.look("ticket-renewed")
	}
	if p.Count(`form[action^="/login/ticket/renew"] button`) > 0 {
		p.Submit(`form[action^="/login/ticket/renew"] button`)
	}
	p.look("ticket-no-more")
	h.ticket(p.Login)
	h.ticket(p.Login)
	last, short := h.ticket(p.Login)

	h.Clock.Advance(25 * time.Hour)
	p.Open(last)
	p.look("ticket-link-expired")
	p.give()
	p.sends("#f-ticket", short)
	p.look("ticket-expired")
	p.Open("/login/ticket")
	p.Submit(`form[action^="/login/ticket/renew"] button`)
	last, short = h.ticket(p.Login)
	p.Open("/login/ticket")
	p.sends("#f-ticket", short)
	p.look("enrol-choose-after-reset")
	p.phone("google", "Nouveau téléphone")
	p.later()
	p.signOut()
	p.Open(last)
	p.look("ticket-link-used")

	// An invitation left half-way: the password alone.
	marc := h.Person(t, "marc@garage.example", "sept marteaux et une enclume", BrowserOptions{})
	marc.accept(h.invite(marc.Login, "Marc Petit"))
	other := marc.Elsewhere(t)
	other.give()
	other.look("blocked")
}

func TestPages_Demo(t *testing.T) {
	t.Parallel()
	program := Serve(t, Options{Own: true, Args: []string{"serve", "--demo", "--listen", "localhost:0"}})
	p := &Person{Browser: NewBrowser(t, program.URL, BrowserOptions{}), env: &Env{Program: program, tb: t}, script: true}
	p.Open("/demo/mail")
	p.look("mailbox")
	p.Submit(`main a[href^="/demo/mail/"]`)
	p.look("mail-view")
}
