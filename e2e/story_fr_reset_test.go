package e2e_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// receipt is what a reset answers.
type receipt struct {
	Login         string
	Cleared       cleared
	SessionsEnded int
	Mailed        bool
	MailedTo      []string
	Repeated      bool
	Ticket        struct{ ExpiresAt, URL, Code string }
}

// cleared is what a reset removed.
type cleared struct {
	Devices []struct {
		FactorType string
		Count      int
	}
	Copies, RecoveryCodes int
}

// count returns the number of removed devices of a factor type.
func (c *cleared) count(factorType string) int {
	for _, d := range c.Devices {
		if d.FactorType == factorType {
			return d.Count
		}
	}
	return 0
}

func (s *story) reset(t *testing.T) {
	s.amelie.Open("/account")
	s.amelie.home()
	s.answered = s.request(s.reference).ID
	answer := s.Admin.Call("POST", "/users/"+s.amelie.Login+"/lifecycle/reset_factors", map[string]any{
		"reason": "pièce d’identité vue", "helpRequestId": s.answered,
		"identityCheck": map[string]any{"method": "photo_document"},
	}).Want(200)
	for _, secret := range []string{s.phone.Secret, s.recovery[0], "otpauth", "/ticket/"} {
		if strings.Contains(string(answer.Body), secret) {
			t.Errorf("the receipt holds a secret:\n%s", answer.Body)
		}
	}
	var got receipt
	answer.Into(&got)
	if c := got.Cleared; c.count("token:software:totp") != 1 || c.Copies != 1 || c.count("webauthn") != 1 || c.RecoveryCodes != 10 || got.SessionsEnded != 1 {
		t.Errorf("got %+v and %d sessions cleared, want one phone, one copy, one key, ten codes, one session", c, got.SessionsEnded)
	}
	if !got.Mailed || len(got.MailedTo) != 1 || got.Repeated || got.Ticket.ExpiresAt == "" || got.Ticket.Code+got.Ticket.URL != "" {
		t.Errorf("got the receipt %+v, want a mailed ticket and nothing to enrol with", got)
	}
	s.amelie.outside()
	s.link, s.short = s.ticket(s.amelie.Login)

	var done helpRequest
	s.Admin.Call("GET", "/help-requests/"+s.answered, nil).Want(200).Into(&done)
	if done.Status != "resolved" {
		t.Errorf("got the request %s, want it resolved by the reset", done.Status)
	}
}

// fetch gets a page as a mail scanner does: without cookies, without following what it finds.
func (h *Env) fetch(link string) (status int, body string) {
	h.tb.Helper()
	response, err := http.Get(link)
	if err != nil {
		h.tb.Fatalf("fetching %s: %v", link, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.tb.Fatalf("fetching %s: %v", link, err)
	}
	return response.StatusCode, string(text)
}

func (s *story) ticketElsewhere(t *testing.T) {
	s.stolen = s.amelie.Elsewhere(t)
	s.stolen.give()
	s.stolen.at("/login/ticket")
	for range 3 {
		if status, _ := s.fetch(s.link); status != http.StatusOK {
			t.Errorf("got status %d for the ticket's link, want 200", status)
		}
	}
	s.amelie.Open(s.link)
	s.amelie.Wait("#f-identifier") // a form; nothing has happened
	for _, path := range []string{"/enrol", "/enrol/phone", "/enrol/key", "/enrol/recovery", "/account", "/login/factor"} {
		s.stolen.Open(path)
		if s.stolen.Count(".qr") > 0 || s.stolen.Count("#codes") > 0 || s.stolen.Count("#key-options") > 0 {
			t.Errorf("the password alone is shown a secret at %s", path)
		}
	}
	s.stolen.Open("/login/ticket")
	s.stolen.Fill("#f-ticket", "0000-0000")
	s.stolen.Submit(mainButton)
	s.stolen.at("/login/ticket")
	s.stolen.says("Ce code court ne convient pas")
}

func (s *story) enrolsAnew(t *testing.T) {
	// The page still shows the six-digit field. Any code leads to the ticket page.
	s.waiting.enter(s.phone.Next())
	s.waiting.at("/login/ticket")
	s.waiting.says("Vos appareils viennent d’être réinitialisés")
	s.waiting.Fill("#f-ticket", strings.ToLower(strings.ReplaceAll(s.short, "-", " ")))
	s.waiting.Submit(mainButton)
	s.waiting.at("/enrol")
	fresh := s.waiting.phone("okta", "Nouveau téléphone")
	kept := s.waiting.later()
	s.Mail.Wait(s.amelie.Login, "nouveaux codes de secours")
	s.Mail.Wait(s.amelie.Login, "un appareil a été ajouté")
	s.waiting.signOut()
	s.waiting.signIn(fresh)
	if fresh.Secret == s.phone.Secret {
		t.Error("the new phone got the old key")
	}
	s.phone, fresh = fresh, s.phone
	s.tablet = fresh // the old phone, for the last step
	s.recovery = append(s.recovery[:1], kept...)
}

func (s *story) lostIsLost(t *testing.T) {
	// The sign-in transaction of the other browser ended with the reset.
	s.stolen.Open("/login/ticket")
	s.stolen.at("/login")

	s.stolen.refused(s.tablet.Next(), "Ce code n’est pas le bon")

	s.stolen.give()
	s.stolen.Open("/login/recovery")
	s.stolen.enter(s.recovery[0])
	s.stolen.says("Ce code de secours ne convient pas")
	s.stolen.outside()

	s.yubikey.Carry(s.stolen.Browser)
	s.stolen.give()
	s.stolen.prompt()
	s.stolen.Open("/login/factor?method=key")
	if s.stolen.Count(`[data-key="get"]`) > 0 {
		t.Error("a YubiKey is asked for although the reset took it away")
	}
	s.stolen.outside()

	s.stolen.Open(s.link)
	if s.stolen.Count("#f-password") > 0 {
		t.Error("a spent ticket asks for the password again")
	}
	s.stolen.outside()

	s.waiting.Open("/account")
	s.waiting.home()
	// Support receives a notification of every reset. No other email is left.
	s.Mail.Wait(support, "Amélie Roux")
	for _, mail := range s.Mail.Untaken() {
		t.Errorf("a mail that nobody expected: to %s: %s", strings.Join(mail.To, ", "), mail.Subject)
	}
}
