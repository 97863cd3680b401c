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

	accounts *authn.Service
	sessions *authn.SessionService
	signIn   *authn.SignInService
	enrol    *authn.EnrolService
	desk     *helpdesk.Desk
	sender   *mail.Sender
	caller   *webhook.Sender
	renderer *templates.Renderer
	files    *static.Files
	api      *api.API
	docs     func() (*apidocs.Document, error) // composed once, when it is first asked for: a start does not wait for it
	oidc     *oidc.Provider
}

// build wires everything but the pages and emails. It starts nothing and connects to nothing.
func build(c *config, o *opened, origin string, log *slog.Logger) (*house, error) {
	// Libraries log to the default logger, and may log what clients send (promise S4). Our own lines go to log.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	h := &house{config: c, origin: origin, log: log, opened: o}
	var err error
	if h.files, err = static.New(c.brand.accent); err != nil {
		return nil, fmt.Errorf("brand.accent: %w", err)
	}
	outbox := mail.NewOutbox(o.ring, host(origin))
	h.sender = &mail.Sender{Store: o.store, Outbox: outbox, Now: now, Log: log}
	hooks := webhook.NewEndpoints(o.ring)
	events := audit.NewLog(o.ring)
	events.Watch = hooks.Watch
	out := outbound.New(outbound.Config{Allowed: c.outbound})
	h.caller = &webhook.Sender{Store: o.store, Hooks: hooks, Events: events, Client: out, Compose: api.Notification, Now: now, Log: log}
	if h.accounts, err = h.service(outbox, events); err != nil {
		return nil, err
	}
	h.sessions = authn.NewSessionService(h.accounts, o.ring, stopwatch())
	h.signIn = authn.NewSignInService(h.accounts, h.sessions, o.ring)
	h.enrol = &authn.EnrolService{Accounts: h.accounts, Sessions: h.sessions, SignIn: h.signIn}
	h.sender.Died = h.accounts.OnDeadLetter
	h.desk = helpdesk.New(h.enrol, o.ring)
	h.desk.Outbound = out
	if h.oidc, err = oidc.New(oidc.Config{Store: o.store, Keyring: o.ring, Pepper: o.keys.Pepper, Accounts: h.accounts, Sessions: h.sessions, Issuer: origin,
		Now: now, Errors: log, ClientCredentials: c.oidc.clientCredentials, Deliver: delivery{out}, Fetch: delivery{out}.fetch, Check: delivery{out}.check}); err != nil {
		return nil, err
	}
	h.docs = sync.OnceValues(func() (*apidocs.Document, error) { return apidocs.New(origin) })
	h.api = api.New(api.Config{Desk: h.desk, OIDC: h.oidc, Ring: o.ring, PublicURL: origin, SignIn: c.apiAuthn, Now: now, Log: log, Docs: h.docs})
	return h, nil
}

// buildWithPages is build with the pages and emails. Only a running service shows them: a command on a closed folder does
// not wait until they are parsed.
func buildWithPages(c *config, o *opened, origin string, log *slog.Logger) (*house, error) {
	h, err := build(c, o, origin, log)
	if err != nil {
		return nil, err
	}
	brand := templates.Brand{Name: c.brand.name, URL: origin, Zone: zone(),
		Support: templates.Support{Email: c.support.email, Phone: c.support.phone}}
	if h.renderer, err = templates.New(brand, h.files.URL); err != nil {
		return nil, fmt.Errorf("reading pages and emails: %w", err)
	}
	h.sender.Renderer = letters{h.renderer}
	return h, nil
}

// service is authn with the factors of this house.
func (h *house) service(outbox *mail.Outbox, events audit.Log) (*authn.Service, error) {
	c, o := h.config, h.opened
	keys, err := webauthn.New(webauthn.Config{RPID: host(h.origin), RPDisplayName: c.brand.name, Origins: []string{h.origin},
		Attestation: c.webauthn.attestation, UserVerification: c.webauthn.userVerification})
	if err != nil {
		return nil, fmt.Errorf("setting up security keys for public_url %s: %w", h.origin, err)
	}
	policy := authn.PasswordPolicy{Min: c.password.min, MaxConcurrent: c.password.atOnce, Context: append([]string{c.brand.name}, c.password.words...)}
	if c.password.memory != 0 || c.password.passes != 0 {
		policy.Cost = authn.PasswordCost{Memory: 19456, Time: 2, Threads: 1} // OWASP's first choice; see BAR A4
		if c.password.memory != 0 {
			policy.Cost.Memory = uint32(c.password.memory)
		}
		if c.password.passes != 0 {
			policy.Cost.Time = uint32(c.password.passes)
		}
	}
	passwords, err := authn.NewHasher(o.keys.Pepper, policy)
	if err != nil {
		return nil, err
	}
	boundMemory(passwords)
	accounts := &authn.Service{
		Store: o.store, Pepper: o.keys.Pepper,
		Factors:  kinds(keys, o.keys.Pepper.MAC),
		Hasher:   passwords,
		Limiter:  throttle.NewLimiter(o.ring, o.keys.Pepper),
		Failures: throttle.NewFailureStore(o.ring, o.keys.Pepper),
		Log:      events, Outbox: outbox,
		Policy: authn.Policy{Issuer: c.brand.name, PublicURL: h.origin, DefaultLocale: c.defaultLocale, AllowCopies: c.allowCopies,
			SessionIdle: c.limits.sessionIdle, SessionMax: c.limits.sessionMax, Support: c.support.email},
		Now: now, Wake: h.kick,
	}
	accounts.Open(o.ring)
	return accounts, nil
}

// kick tells whoever sends that there may be work.
func (h *house) kick() {
	h.sender.Wake()
	h.caller.Wake()
	h.oidc.Wake()
}

// transport is the way to the mail server; nil when none is configured.
func (c *config) transport(origin string) (mail.Transport, error) {
	if c.smtp.host == "" {
		return nil, nil
	}
	password, err := c.smtpPassword()
	if err != nil {
		return nil, err
	}
	t, err := mail.NewSMTP(mail.SMTPConfig{Host: c.smtp.host, Port: c.smtp.port, TLS: c.smtp.tls, Username: c.smtp.username,
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
