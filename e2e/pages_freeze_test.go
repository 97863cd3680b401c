package e2e_test

import "testing"

// The pages on which a user blocks a lost device: from the account, at the second step, and from an email.
func TestPages_Freeze(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.signIn(m.Phone)
	p.Plug()
	p.addKey(m.Phone, "Clé bleue")
	link := h.Mail.Wait(p.Login, "un appareil a été ajouté").Link(t, "/freeze/")
	h.Secret("link that blocks all devices", token(link))
	p.Open(link)
	p.look("freeze-link")

	p.Open("/account/freeze")
	p.look("freeze")
	p.Click(`form[action^="/account/freeze"] li:last-child button`)
	p.home()
	p.look("account-frozen")
	p.Submit(`a[href$="/unfreeze"]`)
	p.look("unfreeze-without-a-device")
	p.Open("/account")
	p.signOut()

	p.give()
	p.at("/login/factor")
	p.Submit(`a[href^="/login/freeze"]`)
	p.at("/login/freeze")
	p.look("freeze-sign-in")
	p.Submit(`main a[href^="/help/request"]`)
	p.sends("#f-email", "pas une adresse")
	p.look("help-request-freeze")
	p.Submit(`a[href^="/login/freeze"]`)
	p.Submit(`main a[href^="/login/factor"]`)
	p.at("/login/factor")

	p.Open(link)
	p.Submit(mainButton)
	p.at("/freeze/done")
	p.look("frozen")
	p.Open(link)
	p.look("freeze-link-gone")
	p.give()
	p.at("/login/blocked")
	p.look("blocked-frozen")
}
