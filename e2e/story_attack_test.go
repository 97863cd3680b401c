package e2e_test

import (
	"slices"
	"strings"
	"testing"
)

// noDevice fails the test if this browser can enrol a device or shows a secret.
func (p *Person) noDevice() {
	p.tb.Helper()
	for _, path := range []string{"/enrol", "/enrol/phone", "/enrol/key", "/enrol/second", "/enrol/recovery", "/account", "/account/add", "/account/recovery"} {
		p.Open(path)
		if p.Count(".qr") > 0 || p.Count("#codes") > 0 || p.Count("#key-options") > 0 || p.Count(`form[action="/enrol/begin"]`) > 0 {
			p.tb.Errorf("somebody who must not enrols at %s", path)
		}
	}
}

// phones are the devices of a person, as the API lists them.
func (h *Env) phones(login string) int {
	h.tb.Helper()
	var devices []map[string]any
	h.Admin.Call("GET", "/users/"+login+"/factors", nil).Want(200).Into(&devices)
	return len(devices)
}

// resetBy resets as an operator does who was taken in.
func (h *Env) resetBy(login string) {
	h.tb.Helper()
	h.Admin.Call("POST", "/users/"+login+"/lifecycle/reset_factors", map[string]any{"reason": "téléphone perdu, demandé par e-mail"}).Want(200)
}

func TestAttack_MailboxAloneIsNotEnough(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	victim := h.Member(t, "amelie@garage.example")
	thief := h.Person(t, victim.Login, "un mot de passe choisi par le voleur", BrowserOptions{})

	// Forgotten password first: the link chooses a password, which counts after a device only.
	forgot := func() {
		thief.Open("/forgot")
		thief.Fill("#f-identifier", victim.Login)
		thief.Submit(mainButton)
		thief.at("/forgot/sent")
	}
	link := func() string {
		link := h.Mail.Wait(victim.Login, "choisir un nouveau mot de passe").Link(t, "/password/")
		h.Secret("password link", token(link))
		return link
	}
	forgot()
	first := link()
	forgot()
	second := link()
	thief.Open(first)
	thief.Fill("#f-password", thief.Password)
	thief.Submit(mainButton)
	thief.at("/login/factor")
	if thief.Count(`a[href^="/login/recovery"]`) > 0 {
		t.Error("a login that began with a mailed link offers recovery codes, which need the password")
	}
	thief.noDevice()

	// Then support is talked into a reset. The login above bore a new password: it ends.
	thief.ask("phone_lost", "C’est bien moi, je le jure.")
	h.Mail.Wait(support, "demande")
	h.resetBy(victim.Login)
	ticket, short := h.ticket(victim.Login)
	thief.Open("/login/ticket")
	if thief.Count("#f-ticket") > 0 {
		t.Error("a login with a password chosen by mail asks for a ticket that came by mail")
	}
	thief.noDevice()
	thief.Open(second)
	if thief.Count("#f-password") > 0 {
		t.Error("a password link from before the reset still chooses a password")
	}
	thief.Open(ticket)
	thief.Fill("#f-identifier", victim.Login)
	thief.Fill("#f-password", thief.Password)
	thief.Submit(mainButton)
	thief.says("le mot de passe ne convient pas")
	thief.noDevice()

	// While there is no device no password link is sent; the answer is the same, and support hears of it.
	before := len(h.Mail.All())
	forgot()
	thief.says(thief.Text("h1"))
	h.Mail.Wait(support, "demande")
	if slices.ContainsFunc(h.Mail.All()[before:], func(m Mail) bool { return strings.Contains(m.Text, "/password/") }) {
		t.Error("a password link was mailed to somebody without a device")
	}
	if got := h.phones(victim.Login); got != 0 {
		t.Errorf("got %d devices, want none", got)
	}

	// She herself has both halves.
	v := h.Visitor(t)
	victim.give(v).want(t, "/login/ticket")
	v.Post("/login/ticket", "ticket", short).want(t, "/enrol")
}

func TestAttack_PasswordAloneIsNotEnough(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	victim := h.Member(t, "amelie@garage.example")
	thief := h.Person(t, victim.Login, victim.Password, BrowserOptions{})

	thief.give()
	thief.prompt()
	thief.noDevice()
	thief.Open("/login/factor?method=code")
	thief.enter(victim.Phone.Wrong())
	thief.says("Ce code n’est pas le bon")

	h.resetBy(victim.Login)
	link, short := h.ticket(victim.Login)
	thief.Open("/login/factor")
	thief.at("/login/ticket")
	thief.noDevice()
	for _, guess := range []string{"0000-0000", "otpauth:", strings.Repeat("Z", 200)} {
		thief.Open("/login/ticket")
		thief.Fill("#f-ticket", guess)
		thief.Submit(mainButton)
		thief.says("Ce code court ne convient pas")
	}
	// A further ticket can be asked for; it goes to the mailbox, which the thief does not have.
	thief.Open("/login/ticket")
	thief.Submit(`form[action^="/login/ticket/renew"] button`)
	_, renewed := h.ticket(victim.Login)
	if thief.Count("main") == 0 || strings.Contains(thief.Text("body"), renewed) || strings.Contains(thief.Text("body"), short) {
		t.Error("the page tells the code that it mailed")
	}
	thief.noDevice()
	if got := h.phones(victim.Login); got != 0 {
		t.Errorf("got %d devices, want none", got)
	}

	// She opens the link in her own browser meanwhile: the thief's login moves on nowhere.
	v := h.Visitor(t)
	v.Post(link, "identifier", victim.Login, "password", victim.Password).want(t, "/enrol")
	thief.noDevice()
	victim.Visitor = v
	victim.enrol(h)
	thief.noDevice()
	if got := h.phones(victim.Login); got == 0 {
		t.Error("got no device, want hers")
	}
}

func TestAttack_InvitationPasswordAloneIsNotEnough(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	marc := h.Person(t, "marc@garage.example", "sept marteaux et une enclume", BrowserOptions{})
	link := h.invite(marc.Login, "Marc Petit")
	marc.accept(link)

	// He leaves it there. The password alone is stopped by a page that helps, and that has no secret.
	thief := marc.Elsewhere(t)
	thief.give()
	thief.at("/login/blocked")
	thief.noDevice()
	// There is nothing to reset: who never had a device has the invitation.
	answer := h.Admin.Call("POST", "/users/"+marc.Login+"/lifecycle/reset_factors", map[string]any{"reason": "x"})
	if answer.Status < 400 || answer.Status >= 500 {
		t.Errorf("got status %d for a reset of somebody who never had a device, want a refusal", answer.Status)
	}
	thief.noDevice()

	marc.accept(link)
	marc.phone("okta", "Téléphone")
	marc.later()
	marc.Open(link)
	if marc.Count("#f-password") > 0 {
		t.Error("a used invitation asks for a password again")
	}
}
