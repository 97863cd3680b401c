package web_test

import (
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/internal/notice"
)

// A user who lost phone and password both gets no email from /forgot. The answer is the same for all, promises no
// email, and leads to help.
func TestForgot_PhoneLostTooLeadsToHelp(t *testing.T) {
	p := open(t, nil)
	p.Member(bruno, nil)
	u, _, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Devices = nil })
	var pages []string
	for _, login := range []string{amelie, bruno, "nobody.knows@garage.example"} {
		b := p.browser(t)
		if got := b.shows("/forgot"); !strings.Contains(got.body, `href="/help/request?topic=phone_lost"`) || !strings.Contains(got.body, "If a phone or YubiKey that works is enrolled") {
			t.Error("the page promises a link to a user without a device, or does not lead to help")
		}
		b.goes("/forgot/sent", "/forgot", "identifier", login)
		pages = append(pages, b.shows("/forgot/sent").body)
	}
	if pages[0] != pages[1] || pages[0] != pages[2] {
		t.Error("the answers differ")
	}
	for _, want := range []string{"only if a phone or YubiKey that works is enrolled", "say that you have also forgotten your password", `href="/help/request?topic=phone_lost"`} {
		if !strings.Contains(pages[0], want) {
			t.Errorf("the answer lacks %q", want)
		}
	}
	if strings.Contains(pages[0], "Check your email") {
		t.Error("the answer sends a user to an email that does not come")
	}
	for _, m := range p.Mails() {
		if _, ok := m.What.(notice.PasswordLink); ok && m.To == amelie {
			t.Error("a link was sent to a user without a device")
		}
	}
}
