package e2e_test

import (
	"crypto/x509"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// Env is a program with a mail server and an administrator's token. It records every secret and searches the log for
// them at the end of the test.
type Env struct {
	*Program
	Mail  *MailServer
	Admin *API

	tb      testing.TB
	trusts  *x509.CertPool // of the service, for its clients; nil: those of the system
	french  bool
	mu      sync.Mutex
	secrets map[string]string
	codes   map[string]bool
}

// support is where help requests go.
const support = "assistance@garage.example"

// EnvOptions changes the defaults of an Env.
type EnvOptions struct {
	Locale string   // default_locale; empty: fr
	TLS    bool     // mail goes by STARTTLS
	Config string   // further lines of the configuration, before any section
	Args   []string // further arguments of serve
	Data   string   // the data directory; empty: a new one
}

// Open starts an Env.
func Open(tb testing.TB, o EnvOptions) *Env {
	tb.Helper()
	h := &Env{tb: tb, secrets: map[string]string{}, codes: map[string]bool{}}
	h.Mail = StartMail(tb, MailOptions{STARTTLS: o.TLS})
	if o.Locale == "" {
		o.Locale = "fr"
	}
	h.french = o.Locale == "fr"
	tls, env := "none", []string(nil)
	if o.TLS {
		tls, env = "starttls", []string{"SSL_CERT_FILE=" + h.Mail.CertFile}
	}
	config := fmt.Sprintf("default_locale = %q\n%s\n[support]\nemail = %q\n[smtp]\nhost = %q\nport = %d\ntls = %q\nfrom = %q\n",
		o.Locale, o.Config, support, h.Mail.Host, h.Mail.Port, tls, "barillet@garage.example")
	h.Program = Serve(tb, Options{Config: config, Args: o.Args, Env: env, Data: o.Data})
	h.tb.Cleanup(h.noLeaks)
	token := h.Secret("API token", h.Run("token", "create", "--name", "test", "--role", "SUPER_ADMIN").OK(tb))
	h.Admin = h.API(token)
	return h
}

// Secret remembers a secret under a name and gives it.
func (h *Env) Secret(name, secret string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	for n := 2; ; n++ {
		if old, taken := h.secrets[name]; !taken || old == secret {
			break
		}
		name = fmt.Sprintf("%s (%d)", strings.TrimRight(name, " ()0123456789"), n)
	}
	h.secrets[name] = secret
	return secret
}

// code remembers a six-digit code.
func (h *Env) code(code string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.codes[code] = true
	return code
}

// noLeaks fails the test for every secret in the log. Six digits also occur by chance within longer numbers:
// a code counts where it stands alone.
func (h *Env) noLeaks() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.Leaks(h.secrets)
	for _, alone := range regexp.MustCompile(`[0-9A-Za-z.:]+`).FindAllString(h.Log(), -1) {
		if h.codes[alone] {
			h.tb.Errorf("the log holds the six-digit code %s", alone)
		}
	}
}

// invite makes a person with a mailed invitation and gives its link.
func (h *Env) invite(login, name string) string {
	h.tb.Helper()
	h.Run("user", "add", login, "--name", name, "--invite").OK(h.tb)
	mail := h.Mail.Wait(login, "nvitation")
	link := mail.Link(h.tb, "/invite/")
	h.Secret("invitation of "+login, token(link))
	return link
}

// invitation makes a person and gives the link of their invitation without a mail.
func (h *Env) invitation(login, name string) string {
	h.tb.Helper()
	link := h.Run("user", "add", login, "--name", name, "--invite", "--no-mail").OK(h.tb)
	h.Secret("invitation of "+login, token(link))
	return link
}

// token is the secret part at the end of a link.
func token(link string) string { return link[strings.LastIndexByte(link, '/')+1:] }

// ticket takes the reset mail of a person: its link and its short code.
func (h *Env) ticket(login string) (link, code string) {
	h.tb.Helper()
	subject := "your devices were reset"
	if h.french {
		subject = "vos appareils ont été réinitialisés"
	}
	mail := h.Mail.Wait(login, subject)
	link = mail.Link(h.tb, "/ticket/")
	h.Secret("ticket link of "+login, token(link))
	return link, h.Secret("ticket code of "+login, mail.Find(h.tb, `(?m)^ +([0-9A-Z]{4}-[0-9A-Z]{4})$`))
}

// Phone is an authenticator app with one account in it.
type Phone struct {
	env    *Env
	Secret string // base32
}

// Code returns the code that the phone shows now.
func (p *Phone) Code() string {
	p.env.tb.Helper()
	return p.env.code(TOTP(p.env.tb, p.Secret, p.env.Clock.Now()))
}

// Next moves the program's clock to the next step and returns its code.
func (p *Phone) Next() string {
	p.env.tb.Helper()
	p.env.Clock.NextStep()
	return p.Code()
}

// Wrong returns a code that the phone does not show within an hour of now.
func (p *Phone) Wrong() string {
	p.env.tb.Helper()
	shown := map[string]bool{}
	for step := range 240 {
		shown[TOTP(p.env.tb, p.Secret, p.env.Clock.Now().Add(-time.Hour+time.Duration(step)*30*time.Second))] = true
	}
	for n := 100000; ; n++ {
		if code := fmt.Sprint(n); !shown[code] {
			return code
		}
	}
}
