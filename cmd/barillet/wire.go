package main

import (
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // times in mails are told in the zone of the machine, also where it has no such files

	"barillet/authn"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/outbound"
	"barillet/internal/throttle"
	"barillet/internal/webhook"
	"barillet/oidc"
	"barillet/static"
	"barillet/templates"
	"barillet/web/api"
	"barillet/web/apidocs"
)

// house is everything wired together.
type house struct {
	config *config
	origin string
	log    *slog.Logger
	opened *opened

	people   *authn.Service
	desk     *helpdesk.Desk
	sender   *mail.Sender
	caller   *webhook.Sender
	renderer *templates.Renderer
	files    *static.Files
	api      *api.API
	docs     func() (*apidocs.Document, error) // composed once, when it is first asked for: a start does not wait for it
	oidc     *oidc.Provider
}

// build wires everything but the pages. It starts nothing and connects to nothing.
func build(c *config, o *opened, origin string, log *slog.Logger) (*house, error) {
	// The OpenID library logs by itself, and only here: what clients send, return addresses with their state included
	// (BAR S4). All our own lines go to log, which is handed on.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	h := &house{config: c, origin: origin, log: log, opened: o}
	var err error
	if h.files, err = static.New(string(c.Brand.Accent)); err != nil {
		return nil, fmt.Errorf("brand.accent: %w", err)
	}
	brand := templates.Brand{Name: c.Brand.Name, URL: origin, Zone: zone(),
		Support: templates.Support{Email: string(c.Support.Email), Phone: c.Support.Phone}}
	if h.renderer, err = templates.New(brand, h.files.URL); err != nil {
		return nil, fmt.Errorf("reading pages and mails: %w", err)
	}
	outbox := mail.NewOutbox(o.ring, host(origin))
	h.sender = &mail.Sender{Store: o.store, Outbox: outbox, Renderer: letters{h.renderer}, Now: now, Log: log}
	hooks := webhook.NewHooks(o.ring)
	events := audit.NewLog(o.ring)
	events.Watch = hooks.Watch
	out := outbound.New(outbound.Config{Allowed: c.Outbound.Allow.Allowed})
	h.caller = &webhook.Sender{Store: o.store, Hooks: hooks, Events: events, Client: out, Compose: api.Notification, Now: now, Log: log}
	if h.people, err = h.service(outbox, events); err != nil {
		return nil, err
	}
	h.sender.Died = h.people.MailDied
	h.desk = helpdesk.New(h.people, o.ring)
	h.desk.Outbound = out
	if h.oidc, err = oidc.New(oidc.Config{Store: o.store, Ring: o.ring, Pepper: o.keys.Pepper, People: h.people, Log: h.people.Log, Issuer: origin,
		Now: now, Errors: log, ClientCredentials: c.OIDC.ClientCredentials, Deliver: delivery{out}, Fetch: delivery{out}.fetch, Check: delivery{out}.check}); err != nil {
		return nil, err
	}
	h.docs = sync.OnceValues(func() (*apidocs.Document, error) { return apidocs.New(origin) })
	h.api = api.New(api.Config{Desk: h.desk, OIDC: h.oidc, Ring: o.ring, PublicURL: origin, SignIn: c.API.Authn, Now: now, Log: log, Docs: h.docs})
	return h, nil
}

// service is authn with the factors of this house.
func (h *house) service(outbox *mail.Outbox, events audit.Log) (*authn.Service, error) {
	c, o := h.config, h.opened
	keys, err := webauthn.New(webauthn.Config{RPID: host(h.origin), RPDisplayName: c.Brand.Name, Origins: []string{h.origin},
		Attestation: c.WebAuthn.Attestation, UserVerification: c.WebAuthn.UserVerification})
	if err != nil {
		return nil, fmt.Errorf("setting up security keys for public_url %s: %w", h.origin, err)
	}
	policy := authn.PasswordPolicy{Min: c.Password.MinLength, Slots: c.Password.AtOnce, Context: append([]string{c.Brand.Name}, c.Password.Words...),
		Cost: authn.PasswordCost{Memory: uint32(c.Password.MemoryKiB), Time: uint32(c.Password.Passes), Threads: 1}} // promise A4
	passwords, err := authn.NewPasswords(o.keys.Pepper, policy)
	if err != nil {
		return nil, err
	}
	boundMemory(passwords)
	people := &authn.Service{
		Store: o.store, Pepper: o.keys.Pepper,
		Factors:   []factors.Factor{totp.TOTP{}, keys, recovery.Recovery{MAC: o.keys.Pepper.MAC}},
		Passwords: passwords,
		Limiter:   throttle.NewLimiter(o.ring, o.keys.Pepper),
		Guesses:   throttle.NewGuesses(o.ring, o.keys.Pepper),
		Log:       events, Outbox: outbox,
		Policy: authn.Policy{Issuer: c.Brand.Name, PublicURL: h.origin, DefaultLocale: c.DefaultLocale, AllowCopies: c.TOTP.AllowCopies,
			SessionIdle: c.Limits.SessionIdle, SessionMax: c.Limits.SessionMax, Support: string(c.Support.Email)},
		Now: now, Ran: stopwatch(), Kick: h.kick,
	}
	people.Open(o.ring)
	return people, nil
}

// kick tells whoever sends that there may be work.
func (h *house) kick() {
	h.sender.Kick()
	h.caller.Kick()
	h.oidc.Kick()
}

// transport is the way to the mail server; nil when none is configured.
func (c *config) transport(origin string) (mail.Transport, error) {
	if c.SMTP.Host == "" {
		return nil, nil
	}
	password, err := c.smtpPassword()
	if err != nil {
		return nil, err
	}
	t, err := mail.NewSMTP(mail.SMTPConfig{Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: c.SMTP.TLS, Username: c.SMTP.Username,
		Password: password, From: c.mailFrom(origin), HELO: host(origin)})
	if err != nil {
		return nil, fmt.Errorf("[smtp]: %w", err)
	}
	return t, nil
}

// letters puts what is in the outbox into words.
type letters struct{ renderer *templates.Renderer }

// Render implements mail.Renderer.
func (l letters) Render(template, lang string, data []byte) (subject, text, html string, err error) {
	m, err := templates.DecodeMail(template, data)
	if err != nil {
		return "", "", "", err
	}
	return l.renderer.Mail(lang, m)
}

// zone is the machine's time zone under its own name: time.Local calls itself "Local", which tells nobody
// anything.
func zone() *time.Location {
	name := os.Getenv("TZ")
	if name == "" {
		if target, err := os.Readlink("/etc/localtime"); err == nil {
			_, name, _ = strings.Cut(target, "zoneinfo/")
		}
	}
	if loc, err := time.LoadLocation(name); err == nil { // of "": UTC
		return loc
	}
	return time.UTC
}
