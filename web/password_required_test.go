package web_test

import (
	"net/http"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/secret"
)

func TestPasswordRequired_PrecedesEveryPage(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeTemporary })
	for _, kind := range []string{"and closes it", "and chooses"} {
		b := p.browser(t)
		const next = "?next=%2Faccount%2Fadd"
		b.goes("/login/factor"+next, "/login?next=/account/add", "identifier", amelie, "password", authntest.Password, "next", "/account/add")
		b.goes("/login/password"+next, "/login/factor"+next, "code", string(phone.Next()))
		if b.cookie("__Host-barillet") != "" {
			t.Error("there is a session before the choice")
		}
		if got := b.shows("/login/password"); !strings.Contains(got.body, "password was temporary") || !strings.Contains(got.body, amelie) {
			t.Error("the page does not say why, or for whom")
		}
		for _, path := range []string{"/login/factor", "/login/recovery", "/enrol", "/login/ticket"} {
			if got := b.get(path); got.StatusCode != http.StatusSeeOther || got.next() != "/login/password" {
				t.Errorf("GET %s: got %d to %q, want the page of the step", path, got.StatusCode, got.next())
			}
		}
		if got := b.get("/account"); got.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got.next(), "/login?next=") {
			t.Errorf("the account: got %d to %q", got.StatusCode, got.next())
		}
		if kind == "and closes it" {
			continue
		}
		for chosen, want := range map[string]string{"": "at least 8", authntest.Password: "current password", "password123": "common"} {
			if got := b.post("/login/password", "password", chosen); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, want) {
				t.Errorf("%q: got %d %q", chosen, got.StatusCode, problemIn(got.body))
			}
		}
		b.goes("/account/add", "/login/password"+next, "password", "clef de treize et marteau")
		if b.cookie("__Host-barillet-login") != "" || b.cookie("__Host-barillet") == "" {
			t.Error("afterwards the browser should hold a session and no login")
		}
		b.shows("/account")
	}
}

func TestPasswordRequired_FirstDeviceLeadsToAdvice(t *testing.T) {
	p := open(t, nil)
	u, _, _ := p.Member(amelie, nil)
	p.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExpired })
	code, err := p.ticket(u.ID)
	if err != nil {
		t.Fatal(err)
	}
	b := p.browser(t)
	b.goes("/login/ticket", "/login", "identifier", amelie, "password", authntest.Password)
	b.goes("/enrol", "/login/ticket", "ticket", code.Reveal())
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	phone := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone").body)}
	b.goes("/login/password", "/enrol/phone", "name", "Nouveau", "code", string(phone.Code()))
	b.shows("/login/password")
	b.goes("/enrol/second", "/login/password", "password", "clef de treize et marteau")
	b.shows("/enrol/second")
	b.goes("/enrol/recovery", "/enrol/later")
}

// A recovery code is no device: one is enrolled within the login, before the choice and before there is a session.
func TestPasswordRequired_RecoveryCodeLeadsToEnrolment(t *testing.T) {
	p := open(t, nil)
	u, phone, _ := p.Member(amelie, nil)
	in := p.browser(t)
	in.signIn(amelie, phone)
	in.proves("/account/recovery", phone)
	in.goes("/enrol/recovery", "/account/recovery")
	code, _, _ := strings.Cut(strings.SplitN(in.shows("/enrol/recovery").body, "<code>", 2)[1], "<")
	in.savesCodes()
	p.Change(u.ID, func(u *account.User) { u.Password.MustChange = account.ChangeExpired })

	b := p.browser(t)
	b.goes("/login/factor", "/login", "identifier", amelie, "password", authntest.Password)
	b.goes("/enrol", "/login/factor/recovery", "code", code)
	if b.cookie("__Host-barillet") != "" {
		t.Error("paper and a password that is due opened a session")
	}
	if got := b.get("/login/password"); got.next() != "/enrol" {
		t.Errorf("the choice by paper alone: got %d to %q", got.StatusCode, got.next())
	}
	b.shows("/enrol")
	b.goes("/enrol/phone", "/enrol/begin", "kind", "totp", "app", "okta")
	next := &authntest.Phone{Env: p.Env, Secret: secretIn(t, b.shows("/enrol/phone").body)}
	b.goes("/login/password", "/enrol/phone", "name", "Nouveau", "code", string(next.Code()))
	b.goes("/enrol/second", "/login/password", "password", "clef de treize et marteau")
	b.shows("/account")
}

// ticket resets a user and returns the ticket.
func (p *place) ticket(id account.UserID) (secret.Value, error) {
	return account.Update(p.T.Context(), p.Accounts, p.Accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (secret.Value, error) {
		u, err := tx.User(id)
		if err != nil {
			return secret.Value{}, err
		}
		if _, err := tx.ResetDevices(&u); err != nil {
			return secret.Value{}, err
		}
		_, code, _, err := p.Authn.IssueTicket(tx, &u, account.ProvenanceEmail, account.TicketTTL)
		if err != nil {
			return secret.Value{}, err
		}
		return code, tx.Save(&u)
	})
}
