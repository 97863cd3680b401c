package doctor

import (
	"context"
	"crypto/x509"
	"net"
	"net/netip"
	"time"

	"barillet/internal/mail"
)

// Setup says what is configured, and what the command line asks for.
type Setup struct {
	ConfigFile string   // empty: none
	Invalid    error    // why the configuration cannot be loaded; nothing else is then checked
	Hint       string   // of Invalid
	Warnings   []string // of the configuration

	Data, Store, Key string // the data directory, and the files in it
	PublicURL        string // empty: not set
	TrustedProxies   []netip.Prefix
	Support          string // address of the support; empty: not set
	Mail             *mail.SMTPConfig
	PasswordFile     string // of the mail server; empty: none

	NTP  string // NTP server, with or without a port; empty: do not ask one
	Send string // address for a test mail; empty: none

	Roots *x509.CertPool // for the public URL; nil: those of the system
	Now   func() time.Time
	// Dial connects to the admin socket. Its error wraps fs.ErrNotExist or unix.ECONNREFUSED if no service runs.
	Dial func(ctx context.Context) (net.Conn, error)
	// Open opens the store of a service that does not run. close ends it. hint says how to mend err; it may be empty.
	Open func(ctx context.Context) (inside *Inside, close func() error, err error)
	// HintOf returns the hint of an error of Open, or an empty text.
	HintOf func(err error) string
}

func (s *Setup) checkConfig(r *Report) {
	if s.Invalid != nil {
		remedy := s.Hint
		if remedy == "" {
			remedy = "correct it; `barillet config example` prints every key with its meaning"
		}
		r.fail("config.valid", remedy, "%v", s.Invalid)
		return
	}
	if s.ConfigFile == "" {
		r.ok("config.valid", "no file; the environment and the flags are valid")
	} else {
		r.ok("config.valid", "%s is valid", s.ConfigFile)
	}
	for _, w := range s.Warnings {
		r.warn("config.unknown", "correct the name, or remove the variable", "%s", w)
	}
	if len(s.Warnings) == 0 {
		r.ok("config.unknown", "no unknown variable")
	}
	if s.Support == "" {
		r.warn("config.support", "set support.email in the configuration file", "support.email is not set: no one is notified of help requests")
	} else {
		r.ok("config.support", "support.email is %s", s.Support)
	}
	if s.Mail == nil {
		r.warn("config.smtp", "set smtp.host, and the other keys of [smtp], in the configuration file", "[smtp] is not set: emails wait in the outbox")
	} else {
		r.ok("config.smtp", "smtp.host is %s", s.Mail.Host)
	}
	if s.PublicURL == "" {
		r.warn("config.url", "set public_url in the configuration file", "public_url is not set: links begin with http://localhost")
	} else {
		r.ok("config.url", "public_url is %s", s.PublicURL)
	}
}
