package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/notice"
)

func TestTicket_IsRequestedAfterAResetDuringSignIn(t *testing.T) {
	p := open(t, nil)
	u, old, _ := p.Member(amelie, nil)
	waiting := p.browser(t)
	waiting.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	p.reset(u.ID)
	mail := mailed[notice.DevicesReset](t, p, amelie)
	link := strings.TrimPrefix(mail.Link, p.url)

	if got := waiting.shows(waiting.get("/login/factor").next()); !strings.Contains(got.body, "have just been reset") {
		t.Error("the waiting browser does not show the reset")
	}
	waiting.goes("/login/ticket", "/login/factor", "code", string(old.Next()))
	scanner := p.browser(t)
	for range 3 {
		scanner.shows(link) // a mail scanner follows it
	}
	thief := p.browser(t)
	thief.goes("/login/ticket", "/login", "identifier", amelie, "password", authntest.Password)
	if got := thief.get("/enrol"); got.next() != "/login/ticket" {
		t.Errorf("the password alone at the enrolment: got %d to %q, want the ticket's page", got.StatusCode, got.next())
	}
	if got := waiting.post("/login/ticket", "ticket", "0000-0000"); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a wrong ticket: got %d, want 401", got.StatusCode)
	}
	if got := waiting.post("/login/ticket", "ticket", ""); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no ticket: got %d, want 422", got.StatusCode)
	}
	waiting.goes("/enrol", "/login/ticket", "ticket", strings.ToLower(strings.ReplaceAll(mail.Code, "-", " ")))
	waiting.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "other")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, waiting.shows("/enrol/phone").body)}
	waiting.goes("/enrol/second", "/enrol/phone", "name", "New phone", "code", string(phone.Code()))

	if got := scanner.get(link); got.StatusCode != http.StatusNotFound || !strings.Contains(got.body, "was already used") {
		t.Errorf("the link afterwards: got %d, want 404 that says it was used", got.StatusCode)
	}
	if got := thief.get("/login/ticket"); got.next() != "/login/factor" {
		t.Errorf("the other login: got %q, want to be asked for the new phone", got.next())
	}
	again := p.browser(t)
	again.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	if got := again.post("/login/factor", "code", string(old.Next())); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("a code of the old phone: got %d, want 401", got.StatusCode)
	}
	again.goes("/account", "/login/factor", "code", string(phone.Next()))
}

func TestTicket_LinkAndPasswordLeadToEnrolment(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	p.reset(u.ID)
	link := strings.TrimPrefix(mailed[notice.DevicesReset](t, p, amelie).Link, p.url)
	b := p.browser(t)
	b.shows(link)
	if got := b.post(link, "identifier", amelie, "password", "not the password"); got.StatusCode != http.StatusUnauthorized || !strings.Contains(got.body, link) {
		t.Errorf("a wrong password: got %d, want 401 and the form again", got.StatusCode)
	}
	b.goes("/enrol", link, "identifier", amelie, "password", authntest.Password)
	b.shows("/enrol")
}

func TestTicket_ExpiredOffersAnother(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	p.reset(u.ID)
	mail := mailed[notice.DevicesReset](t, p, amelie)
	p.Clock.Advance(25 * time.Hour)
	b := p.browser(t)
	if got := b.get(strings.TrimPrefix(mail.Link, p.url)); got.StatusCode != http.StatusGone {
		t.Errorf("the old link: got %d, want 410", got.StatusCode)
	}
	b.goes("/login/ticket", "/login", "identifier", amelie, "password", authntest.Password)
	if got := b.post("/login/ticket", "ticket", mail.Code); got.StatusCode != http.StatusGone || !strings.Contains(got.body, "/login/ticket/renew") {
		t.Errorf("the old code: got %d, want 410 and the offer of another", got.StatusCode)
	}
	for range 3 {
		b.goes("/login/ticket?done=ticket_sent", "/login/ticket/renew")
		b.shows("/login/ticket?done=ticket_sent")
	}
	b.goes("/login/ticket?again=ticket_no_more", "/login/ticket/renew")
	b.goes("/enrol", "/login/ticket", "ticket", mailed[notice.DevicesReset](t, p, amelie).Code)
}

func TestTicket_MailboxAloneIsNotEnough(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail })
	p.reset(u.ID)
	b := p.browser(t)
	b.goes("/login/ticket", "/login", "identifier", amelie, "password", authntest.Password)
	got := b.post("/login/ticket", "ticket", mailed[notice.DevicesReset](t, p, amelie).Code)
	if got.StatusCode != http.StatusForbidden || !strings.Contains(got.body, "from the same source") {
		t.Errorf("both halves by mail: got %d, want 403 that names the other way", got.StatusCode)
	}
	if got := b.get("/enrol"); got.next() != "/login/ticket" {
		t.Errorf("the enrolment: got %q, want the ticket's page", got.next())
	}
}

func TestBlocked_ShowsHelpAndNoSecret(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Devices = nil })
	b := p.browser(t)
	b.goes("/login/blocked", "/login", "identifier", amelie, "password", authntest.Password)
	if got := b.shows("/login/blocked"); !strings.Contains(got.body, "/help/request?topic=cannot_log_in") {
		t.Error("the page does not lead to help")
	}
	for _, path := range []string{"/enrol", "/enrol/phone", "/login/factor", "/login/recovery", "/login/ticket"} {
		if got := b.get(path); got.StatusCode != http.StatusSeeOther || got.next() != "/login/blocked" {
			t.Errorf("GET %s: got %d to %q, want the help page", path, got.StatusCode, got.next())
		}
	}
	if got := b.post("/enrol/begin", "kind", "totp", "app", "okta"); got.next() != "/login/blocked" {
		t.Errorf("beginning to enrol: got %d to %q, want the help page", got.StatusCode, got.next())
	}
	if got := b.shows("/help/request"); !strings.Contains(got.body, amelie) {
		t.Error("the help form does not know who proved the password")
	}
}

func TestPasswordLink_TakesEffectAfterTheSecondFactor(t *testing.T) {
	p := open(t, nil)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.goes("/forgot/sent", "/forgot", "identifier", amelie)
	b.shows("/forgot/sent")
	link := strings.TrimPrefix(mailed[notice.PasswordLink](t, p, amelie).Link, p.url)
	b.shows(link)
	const chosen = "un autre mot pour la forge"
	if got := b.post(link, "password", amelie); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("the address as a password: got %d, want 422", got.StatusCode)
	}
	b.goes("/login/factor?done=password_set", link, "password", chosen)
	other := p.browser(t)
	if got := other.post("/login", "identifier", amelie, "password", chosen); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("the new password before the second step: got %d, want 401", got.StatusCode)
	}
	b.goes("/account", "/login/factor", "code", string(phone.Next()))
	other.goes("/login/factor", "/login", "identifier", amelie, "password", chosen)
	if got := b.get(link); got.StatusCode != http.StatusNotFound {
		t.Errorf("the link afterwards: got %d, want 404", got.StatusCode)
	}
}
