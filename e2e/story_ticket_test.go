package e2e_test

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// handed resets a user and returns the code that the operator reads out.
func (h *Env) handed(login string) string {
	h.tb.Helper()
	said := h.Run("factors", "reset", login, "--reason", "devant moi au comptoir", "--show-code").OK(h.tb)
	codes := regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b`).FindAllString(said, -1)
	if len(codes) != 1 {
		h.tb.Fatalf("got %d codes, want one; it said:\n%s", len(codes), said)
	}
	return h.Secret("handed code of "+login, codes[0])
}

func TestStory_TicketShownOnScreen(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	member := h.Member(t, "amelie@garage.example")
	amelie := h.Person(t, member.Login, member.Password, BrowserOptions{})

	stale := h.handed(member.Login)
	if member.signedIn() {
		t.Error("a session outlives the reset")
	}
	for _, to := range []string{member.Login, support} {
		mail := h.Mail.Wait(to, "un code de réinscription a été remis")
		if strings.Contains(mail.Text, stale) || strings.Contains(mail.Text, "/ticket/") {
			t.Errorf("the mail to %s holds what was handed over:\n%s", to, mail.Text)
		}
	}
	h.Clock.Advance(11 * time.Minute) // it is valid for ten minutes (protocol rule 9)
	amelie.give()
	amelie.Open("/login/ticket")
	amelie.Fill("#f-ticket", stale)
	amelie.Submit(mainButton)
	amelie.says("a expiré")
	amelie.noDevice()

	amelie.Open("/login/ticket")
	amelie.Fill("#f-ticket", h.handed(member.Login))
	amelie.Submit(mainButton)
	amelie.at("/enrol")
	fresh := amelie.phone("okta", "Téléphone prêté")
	amelie.later()
	amelie.signOut()
	amelie.signIn(fresh)
}

func TestTicket_NotShownToAPIToken(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	member := h.Member(t, "amelie@garage.example")
	for _, body := range []map[string]any{
		{"reason": "x", "showCode": true},
		{"reason": "x", "sendEmail": false},
	} {
		answer := h.Admin.Call("POST", "/users/"+member.Login+"/lifecycle/reset_factors", body)
		if answer.Status < 400 || answer.Status >= 500 {
			t.Errorf("%v: got status %d, want a refusal:\n%s", body, answer.Status, answer.Body)
		}
	}
	if !member.signedIn() {
		t.Error("a refused reset ended the session")
	}
}
