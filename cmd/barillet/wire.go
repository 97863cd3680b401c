package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // emails use the time zone of the host, which may not have these files

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/counts"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/handover"
	"barillet/authn/helpdesk"
	"barillet/authn/password"
	"barillet/authn/session"
	"barillet/authn/storekeys"
	"barillet/cmd/barillet/backups"
	"barillet/cmd/barillet/certificate"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/cmd/barillet/doctor"
	"barillet/cmd/barillet/metrics"
	"barillet/cmd/barillet/passwords"
	"barillet/cmd/barillet/removal"
	"barillet/cmd/barillet/setuplink"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/internal/backup"
	"barillet/internal/mail"
	"barillet/internal/outbound"
	"barillet/internal/throttle"
	"barillet/internal/webhook"
	"barillet/oidc"
	"barillet/static"
	"barillet/templates"
	consolepages "barillet/templates/console"
	"barillet/web/api"
	"barillet/web/api/systemlog"
	"barillet/web/apidocs"
)

// app contains the parts of the service.
type app struct {
	config  *config.Config                // of the start
	live    atomic.Pointer[config.Config] // after reloads
	origin  string
	log     *slog.Logger
	dataDir *datadir.Dir

	accounts  *account.Service
	sessions  *session.Service
	signIn    *authn.Service
	enrol     *enrol.Service
	counts    *counts.Service
	directory *directory.Service
	handover  *handover.Service
	approvals *approval.Service
	tree      *tree.Tree
	removal   *removal.Clock  // of the retention policies
	witness   doctor.Witness  // of the check of the public URL
	setup     *setuplink.File // nil in a demonstration
	setupLink directory.SetupLink

	certificate *certificate.Source // nil without TLS
	sender      *mail.Sender
	webhooks    *webhook.Sender
	renderer    atomic.Pointer[templates.Renderer]
	out         *outbound.Client
	front       front // the handler of browsers and programs
	limiter     *connLimiter
	transport   *mail.Switch // nil without a mail server
	again       reloading
	files       *static.Files
	backups     *backup.Maker
	schedule    *backup.Schedule // nil without backup.directory
	api         *api.API
	docs        func() (*apidocs.Document, error) // unpacked at the first call, so that a start does not wait for it
	oidc        *oidc.Provider
	storeKeys   *storekeys.Service
	metrics     *metrics.Metrics // nil without metrics.listen
}

// newApp creates all parts but the pages and the renderer of emails. It starts no goroutine and makes no connection.
func newApp(c *config.Config, dir *datadir.Dir, origin string, log *slog.Logger) (*app, error) {
	// Libraries use the default logger and may log what clients send (promise S4). Barillet logs to log.
	slog.SetDefault(slog.New(slog.DiscardHandler))
	a := &app{config: c, origin: origin, log: log, dataDir: dir}
	a.live.Store(c)
	var err error
	if a.files, err = static.New(string(c.Brand.Accent)); err != nil {
		return nil, fmt.Errorf("brand.accent: %w", err)
	}
	dir.Ring.OnDamagedRecord(func(record string, err error) {
		log.Error("a record cannot be read and is left out: restore a backup", "record", record, "error", err)
	})
	outbox := mail.NewOutbox(dir.Ring, config.Host(origin))
	a.sender = &mail.Sender{Store: dir.Store, Outbox: outbox, Now: now, Log: log}
	hooks := webhook.NewEndpoints(dir.Ring)
	events := audit.NewLog(dir.Ring)
	events.Watch = hooks.Watch
	out := outbound.New(outbound.Config{Allowed: c.Outbound.Allow.Allowed})
	a.out = out
	a.webhooks = &webhook.Sender{Store: dir.Store, Hooks: hooks, Events: events, Client: out, Compose: systemlog.Notification, Now: now, Log: log}
	if a.accounts, err = a.newAccounts(outbox, events); err != nil {
		return nil, err
	}
	a.sessions = session.New(a.accounts, dir.Ring, stopwatch())
	last, err := a.lastEvent(context.Background())
	if err != nil {
		return nil, fmt.Errorf("reading the last audit event: %w", err)
	}
	a.removal = removal.New(now, a.sessions.Uptime, last)
	a.signIn = authn.New(a.accounts, a.sessions, dir.Ring)
	a.enrol = &enrol.Service{Accounts: a.accounts, Sessions: a.sessions, SignIn: a.signIn}
	a.sender.OnDeadLetter = a.accounts.OnDeadLetter
	admin := admin.New(a.signIn, dir.Ring)
	a.counts = counts.New(a.accounts, dir.Ring)
	a.counts.Log = log
	a.directory = directory.New(helpdesk.New(admin, a.signIn, dir.Ring), a.enrol, a.counts)
	a.approvals = approval.New(a.directory, dir.Ring)
	a.handover = handover.New(a.directory.HelpDesk, a.directory.Freeze, a.signIn, dir.Ring)
	a.directory.Admin.Outbound = out
	if a.tree, err = tree.New(tree.Config{Store: dir.Store, Keyring: dir.Ring, Pepper: dir.Keys.Pepper, Now: now, Log: log,
		Contradicted: a.auditContradiction, Numbered: a.counts.Note}); err != nil {
		return nil, err
	}
	a.directory.Admin.Tree = a.tree
	if a.oidc, err = oidc.New(oidc.Config{Store: dir.Store, Keyring: dir.Ring, Pepper: dir.Keys.Pepper, Accounts: a.accounts, Sessions: a.sessions, Issuer: origin,
		Now: now, Errors: log, ClientCredentials: c.OIDC.ClientCredentials, Deliver: outboundAdapter{out}, Fetch: outboundAdapter{out}.fetch, Check: outboundAdapter{out}.check}); err != nil {
		return nil, err
	}
	a.docs = sync.OnceValues(func() (*apidocs.Document, error) { return apidocs.New(origin) })
	if a.backups, err = backups.NewMaker(c, dir, a.storeKeys.Current, version(), now); err != nil {
		return nil, err
	}
	if a.schedule, err = backups.NewSchedule(context.Background(), c, dir, a.backups, a.directory.Admin, log); err != nil {
		return nil, err
	}
	a.api = api.New(api.Config{Directory: a.directory, Approvals: a.approvals, OIDC: a.oidc, Ring: dir.Ring, StoreKeys: a.storeKeys, PublicURL: origin, SignIn: c.API.Authn, Now: now, Log: log, Docs: a.docs, Backups: a.backups})
	return a, nil
}

// newAppWithPages returns newApp with the renderer of pages and emails. Only a running service uses it: a command in offline
// mode does not wait until the templates are parsed.
func newAppWithPages(c *config.Config, dir *datadir.Dir, origin string, log *slog.Logger) (*app, error) {
	a, err := newApp(c, dir, origin, log)
	if err != nil {
		return nil, err
	}
	renderer, err := a.newRenderer(c)
	if err != nil {
		return nil, err
	}
	a.renderer.Store(renderer)
	a.sender.Renderer = messageRenderer{&a.renderer}
	return a, nil
}

// newRenderer returns the renderer of pages and emails.
func (a *app) newRenderer(c *config.Config) (*templates.Renderer, error) {
	brand := templates.Brand{Name: c.Brand.Name, URL: a.origin, Zone: zone(),
		Support: templates.Support{Email: string(c.Support.Email), Phone: c.Support.Phone}}
	renderer, err := templates.New(brand, a.files.URL, consolepages.Files)
	if err != nil {
		return nil, fmt.Errorf("reading templates: %w", err)
	}
	return renderer, nil
}

// newAccounts returns the account service with all factors, and makes the one that rotates its keys.
func (a *app) newAccounts(outbox *mail.Outbox, events audit.Log) (*account.Service, error) {
	c, dir := a.config, a.dataDir
	keys, err := webauthn.New(webauthn.Config{RPID: config.Host(a.origin), RPDisplayName: c.Brand.Name, Origins: []string{a.origin},
		Attestation: c.WebAuthn.Attestation, UserVerification: c.WebAuthn.UserVerification})
	if err != nil {
		return nil, fmt.Errorf("configuring security keys for public_url %s: %w", a.origin, err)
	}
	policy := password.Policy{Min: c.Password.MinLength, MaxConcurrent: c.Password.AtOnce, Context: append([]string{c.Brand.Name}, c.Password.Words...),
		Cost: password.Cost{Memory: uint32(c.Password.MemoryKiB), Time: uint32(c.Password.Passes), Threads: 1}} // promise A4
	hasher, err := password.NewHasher(dir.Keys.Pepper, policy)
	if err != nil {
		return nil, err
	}
	boundMemory(hasher)
	hasher.Breached = passwords.Breached(c.Data, a.log)
	accounts := &account.Service{
		Store: dir.Store, Pepper: dir.Keys.Pepper,
		Factors:  kinds(keys, dir.Keys.Pepper.MAC),
		Hasher:   hasher,
		Limiter:  throttle.NewLimiter(dir.Ring, dir.Keys.Pepper),
		Failures: throttle.NewFailureStore(dir.Ring, dir.Keys.Pepper),
		Log:      events, Outbox: outbox,
		Policy: account.Policy{Issuer: c.Brand.Name, PublicURL: a.origin, DefaultLocale: c.DefaultLocale, Locales: templates.Languages(), AllowCopies: c.TOTP.AllowCopies,
			SessionIdle: c.Limits.SessionIdle, SessionMax: c.Limits.SessionMax, Support: func() string { return string(a.live.Load().Support.Email) }},
		Now: now, HasRoom: dir.Space.HasRoom,
	}
	accounts.Budgets.Refusals = &throttle.Refusals{}
	accounts.Limiter.Refusals = accounts.Budgets.Refusals
	accounts.Open(dir.Ring)
	a.storeKeys, err = storekeys.New(storekeys.Config{Accounts: accounts, Ring: dir.Ring, Keys: dir.Keys, Root: dir.Root, Log: a.log})
	return accounts, err
}

// transport returns the transport of the mail server, or nil without one.
func transport(c *config.Config, origin string) (mail.Transport, error) {
	if c.SMTP.Host == "" {
		return nil, nil
	}
	password, err := c.SMTPPassword()
	if err != nil {
		return nil, err
	}
	server := smtpConfig(c, origin)
	server.Password = password
	t, err := mail.NewSMTP(server)
	if err != nil {
		return nil, fmt.Errorf("[smtp]: %w", err)
	}
	return t, nil
}

// smtpConfig returns the connection to the mail server, without the password.
func smtpConfig(c *config.Config, origin string) mail.SMTPConfig {
	return mail.SMTPConfig{Host: c.SMTP.Host, Port: c.SMTP.Port, TLS: c.SMTP.TLS, Username: c.SMTP.Username, From: c.MailFrom(origin), HELO: config.Host(origin)}
}

// messageRenderer renders the emails of the outbox.
type messageRenderer struct {
	renderer *atomic.Pointer[templates.Renderer]
}

// Render implements mail.Renderer.
func (l messageRenderer) Render(template, lang string, data []byte) (subject, text, html string, err error) {
	m, err := templates.DecodeNotice(template, data)
	if err != nil {
		return "", "", "", err
	}
	return l.renderer.Load().Mail(lang, m)
}

// zone returns the time zone of the host with its name; the name of time.Local is "Local".
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
