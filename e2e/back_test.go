package e2e_test

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// leaveAndBack leaves the present page, ends the session as end does, and presses Back. It fails the test if any of
// the old page is seen, also before it is loaded again.
func (p *Person) leaveAndBack(name string, end func()) {
	p.tb.Helper()
	p.Wait("main")
	p.evaluate(`sessionStorage.clear();
		addEventListener("pageshow", (e) => { if (e.persisted) sessionStorage.seen = document.body.offsetHeight; })`)
	end()
	p.evaluate("history.back()")
	p.Wait("#f-identifier")
	if seen := run(p.Browser, chromedp.Evaluate[string](`sessionStorage.seen || "0"`)); seen != "0" {
		p.tb.Errorf("%s: Back shows %s pixels of the page", name, seen)
	}
	if text := p.Text("body"); strings.Contains(text, "Téléphone") || strings.Contains(text, p.Login) {
		p.tb.Errorf("%s: after Back the page %s says %s", name, p.Path(), text)
	}
}

// forget deletes the cookies while another page is open, as the end of a session elsewhere would.
func (p *Person) forget() {
	p.tb.Helper()
	p.Open("/help")
	call(p.Browser, network.ClearBrowserCookies, cdp.Empty{})
}

func TestBack_ShowsNothingOfAUserWhoIsGone(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})

	p.signIn(m.Phone)
	p.leaveAndBack("the account after the sign-out", p.signOut)
	p.signIn(m.Phone)
	p.leaveAndBack("the account", p.forget)

	p.give()
	p.leaveAndBack("the second step", p.forget)

	p.signIn(m.Phone)
	p.Open("/account/add")
	p.enter(m.Phone.Next())
	p.Submit(`button[name="app"][value="okta"]`)
	p.leaveAndBack("the QR code of a new device", p.forget)

	p.signIn(m.Phone)
	p.Open("/account/recovery")
	p.enter(m.Phone.Next())
	p.Submit(mainButton)
	p.Wait("#codes")
	p.leaveAndBack("the recovery codes", p.forget)
}

func TestBack_SignOutLoadsOtherTabsAgain(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.signIn(m.Phone)
	// Another tab does what the sign-out form of this one does.
	p.evaluate(`document.querySelector('form[action="/logout"]').target = "other"`)
	p.Click(`form[action="/logout"] button`)
	p.Wait("#f-identifier")
}
