package e2e_test

import (
	"strings"
	"testing"
	"time"
)

const pit = "Garage Lumière"

// mechanic makes a member of the garage with a phone.
func (h *Env) mechanic(t *testing.T, login, name string) *Member {
	t.Helper()
	m := &Member{Visitor: h.Visitor(t), Login: login, Password: h.Secret("password of "+login, "sept marteaux et une enclume")}
	link := h.Run("user", "add", login, "--name", name, "--group", pit, "--invite", "--no-mail").OK(t)
	h.Secret("invitation of "+login, token(link))
	m.join(h, link)
	return m
}

// hands returns the user of a member at a browser, signed in, whose movements are counted from now on.
func (m *Member) hands(t *testing.T, h *Env, count *hand) *handler {
	t.Helper()
	p := &handler{h.Person(t, m.Login, m.Password, BrowserOptions{}), count, m.Phone}
	p.signIn(m.Phone)
	return p
}

// A phone fell into the pit. The manager and a colleague are present, and nobody needs a shell.
func TestStory_PhoneInThePit(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	h.Run("group", "add", pit).OK(t)
	lost := h.mechanic(t, "amelie@garage.example", "Amélie Roux")
	paul := h.mechanic(t, "paul@garage.example", "Paul Petit")
	boss := h.Member(t, "chef@garage.example")
	h.Run("user", "role", "add", boss.Login, "HELP_DESK_ADMIN", "--group", pit).OK(t)
	h.Clock.Advance(80 * time.Hour)

	count := &hand{}
	amelie := &handler{h.Person(t, lost.Login, lost.Password, BrowserOptions{}), count, nil}
	manager, witness := boss.hands(t, h, count), paul.hands(t, h, count)
	manager.Open("/console")
	amelie.give()
	*count = hand{}

	amelie.at("/login/factor")
	amelie.reads()
	amelie.taps(`form[action^="/login/together"] button`)
	digits := amelie.Text(".digits")
	amelie.look("pit-digits")

	manager.begins(t, "Amélie")
	witness.confirms(t, digits)
	code := manager.shows(t)

	amelie.copies("#f-ticket", code)
	amelie.at("/enrol")
	amelie.taps(`button[name="app"][value="okta"]`)
	amelie.at("/enrol/phone")
	amelie.phone = amelie.scan()
	count.scans++
	amelie.types(amelie.phone.Next())
	amelie.at("/enrol/second")
	amelie.taps(`form[action="/enrol/later"] button`)
	amelie.keepCodes()
	count.taps += 2
	amelie.reads()
	count.within(t, 170*time.Second)

	amelie.says("Amélie Roux")
	amelie.signOut()
	amelie.refused(lost.Phone.Next(), "n’est pas le bon")
	amelie.signIn(amelie.phone)
	witness.Open("/account")
	if witness.Count(`a[href^="/account/witness/"]`) > 0 {
		t.Error("the witness is still asked after the end")
	}
	for _, to := range []string{lost.Login, support} {
		if mail := h.Mail.Wait(to, "un code de réinscription a été remis"); strings.Contains(mail.Text, code) {
			t.Errorf("the mail to %s holds the code:\n%s", to, mail.Text)
		}
	}
}

// begins finds the user and asks the witness.
func (p *handler) begins(t *testing.T, name string) {
	t.Helper()
	p.at("/console")
	p.reads()
	p.writes("[type=search]", name)
	p.Wait(`#people tbody tr:only-child`)
	p.taps(`#people [data-row]`)
	p.taps(`a[data-key="h"]`)
	p.proves()
	if got := p.Count(`input[name="witness"]:not(:disabled, [value="other"])`); got != 1 {
		t.Errorf("got %d colleagues who can be the witness, want 1", got)
	}
	p.ticks(`input[name="witness"]:not(:disabled, [value="other"])`)
	p.writes("#f-reason", "téléphone dans la fosse")
	p.taps(mainButton)
	p.at("/console/hand-overs")
}

// confirms follows the banner, and types the digits and a code of the witness.
func (p *handler) confirms(t *testing.T, digits string) {
	t.Helper()
	p.Open("/account")
	p.hand.taps++
	p.reads()
	p.look("pit-banner")
	p.taps(`.banner a.main`)
	p.at("/account/witness")
	p.look("pit-witness")
	p.Fill("#f-digits", digits)
	p.hand.codes++
	p.types(p.phone.Next())
	p.at("/account?done=witness_yes")
}

// shows waits until the page says that the witness confirmed, and returns the code.
func (p *handler) shows(t *testing.T) string {
	t.Helper()
	p.Wait(`form[action$="/code"] button`)
	p.reads()
	p.taps(`form[action$="/code"] button`)
	if strings.HasPrefix(p.Path(), "/account/prove") {
		p.proves()
		p.taps(mainButton)
	}
	return p.env.Secret("code on screen", p.Text(".handed"))
}
