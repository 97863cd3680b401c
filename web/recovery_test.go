package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
)

// recoveryCodes reads the recovery codes on a page, and the list that they belong to.
func (p page) recoveryCodes() (codes []string, list string) {
	for _, found := range regexp.MustCompile(`<code>([^<]+)</code>`).FindAllStringSubmatch(p.body, -1) {
		codes = append(codes, found[1])
	}
	if found := regexp.MustCompile(`name="list" value="([^"]*)"`).FindStringSubmatch(p.body); found != nil {
		list = found[1]
	}
	return codes, list
}

// savesCodes presses Finish on the page of recovery codes.
func (b *browser) savesCodes() []string {
	b.t.Helper()
	codes, list := b.shows("/enrol/recovery").recoveryCodes()
	b.goes("/account?done=codes_kept", "/enrol/recovery", "kept", "yes", "list", list)
	return codes
}

// signsInBy reports whether a recovery code signs amelie in, in a new browser.
func (p *place) signsInBy(t *testing.T, code string) bool {
	t.Helper()
	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	return b.post("/login/factor/recovery", "code", code).StatusCode == http.StatusSeeOther
}

func TestRecovery_PageOfTheFirstCodesIsClosed(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/recovery", phone)
	b.goes("/enrol/recovery", "/account/recovery")
	shown := b.shows("/enrol/recovery")
	codes, _ := shown.recoveryCodes()
	if !strings.Contains(shown.body, "These codes work from now on.") || strings.Contains(shown.body, "old codes") {
		t.Error("the page does not say that the codes work")
	}
	p.Clock.Advance(account.EnrolmentTTL)
	if got := b.get("/enrol/recovery").next(); got != "/account?done=codes_hidden" {
		t.Errorf("the page is opened again: got %q", got)
	}
	if got := b.shows("/account?done=codes_hidden").body; !strings.Contains(got, "but they work") || !strings.Contains(got, "10 recovery codes left") {
		t.Error("the account does not say that the codes work")
	}
	if got := b.post("/enrol/recovery", "kept", "yes").next(); got != "/account?done=codes_hidden" {
		t.Errorf("Finish is pressed late: got %q", got)
	}
	if !p.signsInBy(t, codes[0]) {
		t.Error("a code that was shown does not work")
	}
}

func TestRecovery_PageOfNewCodesIsClosed(t *testing.T) {
	p, b, phone := member(t)
	b.proves("/account/recovery", phone)
	b.goes("/enrol/recovery", "/account/recovery")
	old, _ := b.shows("/enrol/recovery").recoveryCodes()
	b.savesCodes()
	p.Clock.Advance(24 * 24 * time.Hour)
	b.signIn(amelie, phone)
	if got := b.shows("/account/recovery").body; !strings.Contains(got, "at most for 24 hours") || strings.Contains(got, "stops working") {
		t.Error("the page does not say how long the old codes work")
	}
	b.goes("/enrol/recovery", "/account/recovery")
	until := p.Clock.Now().Add(24 * time.Hour).Format("2 January 2006")
	shown := b.shows("/enrol/recovery")
	fresh, _ := shown.recoveryCodes()
	for name, body := range map[string]string{"the page of the codes": shown.body, "the account": b.shows("/account").body} {
		if !strings.Contains(body, until) {
			t.Errorf("%s does not say until when the old codes work, %s", name, until)
		}
	}
	if got := b.shows("/account").body; strings.Count(got, "10 codes left of the list shown on") != 2 {
		t.Error("the account does not show both lists")
	}
	if got := b.shows("/account/recovery").body; !strings.Contains(got, "stops working when you continue") {
		t.Error("the page does not say that a third list ends the second")
	}
	if !p.signsInBy(t, old[0]) {
		t.Error("an old code does not work")
	}
	if !p.signsInBy(t, fresh[0]) || p.signsInBy(t, old[1]) {
		t.Error("a new code does not work, or an old one works after it")
	}
}

func TestRecovery_FinishInATabWithReplacedCodes(t *testing.T) {
	_, b, phone := member(t)
	b.proves("/account/recovery", phone)
	b.goes("/enrol/recovery", "/account/recovery")
	b.savesCodes()
	b.goes("/enrol/recovery", "/account/recovery")
	_, first := b.shows("/enrol/recovery").recoveryCodes()
	b.goes("/enrol/recovery", "/account/recovery")
	if got := b.post("/enrol/recovery", "kept", "yes", "list", first); got.next() != "/account?again=codes_replaced" {
		t.Errorf("got %d to %q", got.StatusCode, got.next())
	}
	if got := b.shows("/account?again=codes_replaced").body; !strings.Contains(got, "which do not work") {
		t.Error("the account does not say that the codes are replaced")
	}
	b.savesCodes()
}
