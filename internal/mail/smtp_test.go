package mail_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"barillet/internal/mail"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func envelope() mail.Envelope {
	return mail.Envelope{
		MessageID: "abc123@login.test", To: "ines@garage.test", Date: start, Lang: "fr",
		Subject: "Votre téléphone", Text: "Bonjour Inès,\nà bientôt", HTML: "<p>Bonjour Inès</p>",
	}
}

func TestSend_WorksInEachTLSMode(t *testing.T) {
	for _, mode := range []string{"none", "starttls", "implicit"} {
		t.Run(mode, func(t *testing.T) {
			s := listen(t, mode)
			if err := s.transport(t, mode).Send(t.Context(), envelope()); err != nil {
				t.Fatal(err)
			}
			got := s.taken()
			if len(got) != 1 {
				t.Fatalf("got %d messages, want 1", len(got))
			}
			for name, want := range map[string]string{
				"Message-ID": "<abc123@login.test>", "Auto-Submitted": "auto-generated", "Date": "Mon, 02 Mar 2026 08:00:00 +0000",
				"To": "<ines@garage.test>", "From": `"Barillet" <no-reply@login.test>`, "X-Mailer": "", "User-Agent": "", "Content-Language": "fr",
			} {
				if value := header(got[0], name); value != want {
					t.Errorf("%s: got %q, want %q", name, value, want)
				}
			}
			for _, want := range []string{"multipart/alternative", "text/plain; charset=UTF-8", "text/html; charset=UTF-8"} {
				if !strings.Contains(got[0], want) {
					t.Errorf("the message has no %s", want)
				}
			}
			if strings.Contains(got[0], "go-mail") {
				t.Errorf("the message contains the name of the library:\n%s", got[0])
			}
		})
	}
}

func TestSend_RequiresTLS(t *testing.T) {
	s := listen(t, "none")
	err := s.transport(t, "starttls").Send(t.Context(), envelope())
	if !errors.Is(err, mail.ErrUnreachable) || len(s.taken()) != 0 {
		t.Errorf("got %v, %d messages, want ErrUnreachable and none", err, len(s.taken()))
	}
	s = listen(t, "starttls")
	s.roots = nil // the certificate is not valid for the roots of the system
	if err := s.transport(t, "starttls").Send(t.Context(), envelope()); !errors.Is(err, mail.ErrUnreachable) {
		t.Errorf("untrusted certificate: got %v, want ErrUnreachable", err)
	}
}

func TestSend_Authenticates(t *testing.T) {
	for _, mode := range []string{"starttls", "implicit"} {
		for password, want := range map[string]error{"right": nil, "wrong": mail.ErrUnreachable} {
			s := listen(t, mode)
			transport, err := mail.NewSMTP(mail.SMTPConfig{Host: "127.0.0.1", Port: s.addr.Port, TLS: mode, From: "a@login.test", Username: "robot", Password: password, Roots: s.roots})
			if err != nil {
				t.Fatal(err)
			}
			if err := transport.Send(t.Context(), envelope()); !errors.Is(err, want) || err != nil && strings.Contains(err.Error(), password) {
				t.Errorf("%s, %s: got %v, want %v, without the password", mode, password, err, want)
			}
			if want == nil && s.username != "robot" {
				t.Errorf("%s: got user name %q, want robot", mode, s.username)
			}
		}
	}
}

func TestSend_ClassifiesFailures(t *testing.T) {
	for _, test := range []struct {
		name                 string
		rcpt, data           error
		unreachable, refused bool
	}{
		{"permanent rejection of the recipient", code(550, "no such user"), nil, false, true},
		{"temporary rejection of the recipient", code(451, "later"), nil, false, false},
		{"permanent rejection of the data", nil, code(554, "spam"), false, true},
		{"temporary rejection of the data", nil, code(452, "disk"), false, false},
		{"the service closes", code(421, "closing"), nil, true, false},
		{"the connection drops after the data", nil, errDrop, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := listen(t, "none")
			s.rcpt = func(string) error { return test.rcpt }
			s.answer = func(string, string) error { return test.data }
			err := s.transport(t, "none").Send(t.Context(), envelope())
			if err == nil || errors.Is(err, mail.ErrUnreachable) != test.unreachable || errors.Is(err, mail.ErrRefused) != test.refused {
				t.Errorf("got %v, want unreachable %v, refused %v", err, test.unreachable, test.refused)
			}
		})
	}
}

func TestSend_EndsWithItsContext(t *testing.T) {
	s := listen(t, "none")
	s.stall = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.transport(t, "none").Send(ctx, envelope()) }()
	<-s.stalled
	cancel()
	if err := <-done; !errors.Is(err, mail.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

func TestSend_RejectsHeaderInjection(t *testing.T) {
	s := listen(t, "none")
	e := envelope()
	e.Subject = "Bonjour\r\nBcc: spy@evil.test\r\n\r\nbody"
	if err := s.transport(t, "none").Send(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if got := s.taken()[0]; header(got, "Bcc") != "" || !strings.Contains(header(got, "Subject"), "Bcc: spy@evil.test body") {
		t.Errorf("the subject became a header:\n%s", got)
	}
	e.To = "ines@garage.test>\r\nRCPT TO:<spy@evil.test"
	if err := s.transport(t, "none").Send(t.Context(), e); !errors.Is(err, mail.ErrRefused) {
		t.Errorf("got %v for an address with a line break, want ErrRefused", err)
	}
}

func TestNewSMTP_RejectsInvalidConfiguration(t *testing.T) {
	good := mail.SMTPConfig{Host: "mail.test", From: "a@login.test"}
	if _, err := mail.NewSMTP(good); err != nil {
		t.Errorf("minimal configuration: %v", err)
	}
	for name, change := range map[string]func(*mail.SMTPConfig){
		"no host":                     func(c *mail.SMTPConfig) { c.Host = "" },
		"a host with a path":          func(c *mail.SMTPConfig) { c.Host = "mail.test/x" },
		"an unknown TLS mode":         func(c *mail.SMTPConfig) { c.TLS = "maybe" },
		"no sender":                   func(c *mail.SMTPConfig) { c.From = "" },
		"a sender without an address": func(c *mail.SMTPConfig) { c.From = "the robot" },
		"port 70000":                  func(c *mail.SMTPConfig) { c.Port = 70000 },
	} {
		c := good
		change(&c)
		if _, err := mail.NewSMTP(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
