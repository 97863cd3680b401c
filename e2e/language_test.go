package e2e_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The language switch keeps what was typed, with and without JavaScript, and Enter in a field still sends the form.
func TestLanguage_SwitchKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	for _, noScript := range []bool{false, true} {
		p := h.Person(t, m.Login, m.Password, BrowserOptions{NoScript: noScript})
		p.Open("/login?next=%2Faccount%2Fadd")
		p.Fill("#f-identifier", p.Login)
		p.Fill("#f-password", p.Password)
		p.Submit(`button[name="lang"]`)
		if lang, id, password := p.Attribute("html", "lang"), p.Value("#f-identifier"), p.Value("#f-password"); lang != "en" || id != p.Login || password != "" {
			t.Errorf("without script %t: got a page in %s with %q and the password %q, want en, the login, and no password", noScript, lang, id, password)
		}
		p.Submit(`button[name="lang"]`)
		p.Fill("#f-password", p.Password)
		p.leave(chromedp.Steps(chromedp.Focus(chromedp.CSS("#f-password")), chromedp.KeyEvent(kb.Enter)))
		p.at("/login/factor")
		p.enter(m.Phone.Next())
		p.at("/account/prove")
	}
}
