package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/certificate"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/cmd/barillet/doctor"
	"barillet/cmd/barillet/setuplink"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/store"
	"barillet/templates"
	"barillet/web"
	"barillet/web/console"
	"barillet/web/forwardauth"
	"barillet/web/reply"
)

// drainTimeout is the time limit of active requests after the signal. The store is closed within two more seconds, see
// "Shutdown" in docs/operations.md.
const drainTimeout = 8 * time.Second

func (p *program) serveCommand() *cobra.Command {
	var flags config.Flags
	var demo bool
	c := &cobra.Command{
		Use: "serve", Short: "run the service",
		Long: "Runs the service until SIGTERM. Initializes a missing or empty data directory.\n\n" +
			"With --demo, runs a demonstration with sample users in a temporary directory, which only this host can reach.",
		Args: cli.ExactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			signal.Ignore(syscall.SIGPIPE) // the reader of the log can end; a write to it then fails, and the service goes on
			if demo {
				return p.serveDemo(c.Context(), flags)
			}
			conf, err := flags.Load(p.Environ)
			if err != nil {
				return err
			}
			return p.serve(c.Context(), conf, func() (*config.Config, error) { return flags.Load(p.Environ) })
		},
	}
	flags.Register(c, serveKeys...)
	c.Flags().BoolVar(&demo, "demo", false, "run a demonstration that only this host can reach")
	return c
}

// serve runs the service on the data directory of the configuration, which load reads again.
func (p *program) serve(ctx context.Context, c *config.Config, load func() (*config.Config, error)) error {
	log := p.logger(c.LogFormat)
	hangups := catchHangups()
	defer signal.Stop(hangups)
	if err := c.NeedData(); err != nil {
		return err
	}
	cert, err := newCertificate(c, log)
	if err != nil {
		return err
	}
	dir, err := datadir.Open(ctx, c, true, now, p.exitOnDamage)
	if err != nil {
		return err
	}
	if dir.Fresh {
		p.Note("created a store in %s; keep a copy of %s apart from the store and its backups", c.Data, c.KeyFile)
	}
	err = func() error {
		demo, err := store.IsDemo(ctx, dir.Store)
		switch {
		case err != nil:
			return err
		case demo:
			return cli.WithHint(fmt.Errorf("the store in %s is a demonstration: its passwords and tokens were printed", c.Data),
				"use another data directory")
		}
		return p.serveDataDir(ctx, c, dir, cert, log, nil, reloading{hangups, load})
	}()
	if closed := dir.Store.Close(); closed != nil {
		err = errors.Join(err, fmt.Errorf("closing store: %w", closed))
	}
	return err
}

// exitOnDamage ends the process, because the next results of a damaged store can be wrong, see "Damage and full disks" in
// docs/operations.md.
func (p *program) exitOnDamage(err error) {
	fmt.Fprintf(p.Stderr, "barillet: %v\n", err)
	os.Exit(exitFailed)
}

// serveDataDir listens, creates the app, and serves until ctx ends. It creates the users of the demo unless it is nil.
func (p *program) serveDataDir(ctx context.Context, c *config.Config, dir *datadir.Dir, cert *certificate.Source, log *slog.Logger, d *demo, again reloading) error {
	listener, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return cli.WithHint(fmt.Errorf("listening on %s: %w", string(c.Listen), err), "another program may use the port; set another one with --listen")
	}
	defer listener.Close()
	origin := c.Origin(strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	a, err := newAppWithPages(c, dir, origin, log)
	if err != nil {
		return err
	}
	a.certificate = cert
	var box *mail.MemoryTransport
	if d == nil {
		err = a.setTransport(c)
		p.warn(c)
	} else {
		box = &d.mailbox
		a.sender.Transport = box
		err = d.create(ctx, a)
	}
	if err != nil {
		return err
	}
	a.limiter, a.again = newConnLimiter(listener, c), again
	measured, err := a.measure(a.limiter)
	if err != nil {
		return err
	}
	if err := a.setPages(c, box); err != nil {
		return err
	}
	if d == nil {
		a.makeSetupLink(ctx)
	}
	socket, err := listenSocket(ctx, c.Data)
	if err != nil {
		return err
	}
	defer os.Remove(filepath.Join(c.Data, datadir.SocketName))
	defer socket.Close()
	servers, err := a.servers(ctx, socket, d)
	if err != nil {
		return err
	}
	return a.run(ctx, append(servers, measured...), func() {
		a.checkClock(ctx)
		a.auditLifecycle(ctx, audit.ServerStarted)
		p.Note("listening on %s", origin)
		if d != nil {
			d.print(p)
		}
		p.noteSetupLink(a)
	})
}

// makeSetupLink writes the setup link if there is no administrator. It only logs an error: the command line makes an administrator too.
func (a *app) makeSetupLink(ctx context.Context) {
	var err error
	if a.setup, a.setupLink, err = setuplink.New(ctx, a.directory, a.config.Data, now); err != nil {
		a.log.Error("making the setup link", "error", err)
	}
}

// runningInside returns what the checks of a service that runs read.
func (a *app) runningInside() *doctor.Inside {
	in := a.inside()
	in.Connections = func() int { return a.live.Load().Limits.Connections }
	return in
}

// noteSetupLink prints where the setup link is, and the link itself only at a terminal: other streams are kept as logs.
func (p *program) noteSetupLink(a *app) {
	if a.setupLink.URL.IsZero() {
		return
	}
	p.Note("no administrator yet: open the link in %s within an hour, or run user add with --role SUPER_ADMIN", a.setup.Path)
	if cli.Terminal(p.Stderr) {
		p.Note("%s", a.setupLink.URL.Reveal())
	}
}

// pages returns the handler of browsers and programs. box has the emails of a demonstration, or is nil.
func (a *app) pages(c *config.Config, renderer *templates.Renderer, box *mail.MemoryTransport) (http.Handler, error) {
	config := web.Config{Accounts: a.accounts, Sessions: a.sessions, Authn: a.signIn, Enrolment: a.enrol, HelpDesk: a.directory.HelpDesk, Directory: a.directory, Handover: a.handover, Renderer: renderer, Static: a.files, API: a.api, Docs: a.docs, OIDC: a.oidc, PublicURL: a.origin,
		TrustedProxies: c.TrustedProxies, DefaultLocale: c.DefaultLocale, HSTS: c.StrictTransportSecurity(), Now: now, Log: a.log, Demo: box, DamagedRecords: a.dataDir.Ring.DamagedRecords, Ready: a.readiness(), Witness: a.witness.Note,
		Observe: a.observe(), Console: &console.Config{Approvals: a.approvals, Outbox: a.sender.Outbox, Ring: a.dataDir.Ring}}
	var err error
	if len(c.ForwardAuth.Rules) > 0 {
		if config.ForwardAuth, err = forwardauth.New(forwardauth.Config{Sessions: a.sessions, Rules: c.ForwardAuth.Rules, PublicURL: a.origin, TrustedProxies: c.TrustedProxies}); err != nil {
			return nil, fmt.Errorf("forward_auth.rules: %w", err)
		}
	}
	pages, err := web.New(config)
	if err != nil {
		return nil, fmt.Errorf("creating pages: %w", err)
	}
	return pages, nil
}

// warn prints warnings about the configuration.
func (p *program) warn(c *config.Config) {
	for _, w := range c.Warnings {
		p.Note("warning: %s", w)
	}
	if c.Support.Email == "" {
		p.Note("warning: support.email is not set: no one is notified of help requests")
	}
	if c.SMTP.Host == "" {
		p.Note("warning: [smtp] is not set: emails wait in the outbox")
	}
	if c.PublicURL == "" {
		p.Note("warning: public_url is not set: links begin with http://localhost")
	}
	if listen := string(c.Metrics.Listen); listen != "" && !config.Loopback(listen) {
		p.Note("warning: metrics.listen is not a loopback address: who can connect to %s reads the metrics", listen)
	}
}

// localAPI returns the handler of the admin socket and of offline mode. It replaces the middleware of package web.
func (a *app) localAPI() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &reply.Request{ID: rand.Text(), Agent: "barillet command line", Lang: a.config.DefaultLocale, Log: a.log}
		a.api.ServeHTTP(w, r.WithContext(reply.With(r.Context(), q)))
	})
}

// service is an HTTP server and its listener.
type service struct {
	server   *http.Server
	listener net.Listener
}

// serve serves with TLS if the server has a configuration of it.
func (s service) serve() error {
	if s.server.TLSConfig != nil {
		return s.server.ServeTLS(s.listener, "", "")
	}
	return s.server.Serve(s.listener)
}

// run serves until ctx ends or a server fails. It then closes the listeners, waits for active requests, stops the workers, and
// stores the times that are in memory. The caller closes the store.
func (a *app) run(ctx context.Context, services []service, ready func()) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers, serving sync.WaitGroup
	workers.Go(func() { a.runWorkers(working) })
	failed := make(chan error, len(services))
	for _, s := range services {
		serving.Go(func() {
			if err := s.serve(); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving on %s: %w", s.listener.Addr(), err)
			}
		})
	}
	ready()
	var err error
	select {
	case <-ctx.Done():
		a.log.Info("stopping")
	case err = <-failed:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	var draining sync.WaitGroup
	for _, s := range services {
		draining.Go(func() {
			if s.server.Shutdown(drain) != nil {
				a.log.Warn("cut off requests that did not end in time")
				s.server.Close()
			}
		})
	}
	draining.Wait()
	serving.Wait()
	stopWork()
	workers.Wait()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	a.auditLifecycle(last, audit.ServerStopped)
	if kept := errors.Join(a.flushTimes(last), a.accounts.FlushRefusals(last, true)); kept != nil {
		a.log.Error("storing last use and folded refusals", "error", kept)
	}
	if err := a.tree.Advance(last); err != nil {
		a.log.Error("signing the last head of the audit log", "error", err)
	}
	return err
}

// flushTimes stores the times at which sessions and tokens were last used.
func (a *app) flushTimes(ctx context.Context) error {
	return errors.Join(a.sessions.FlushLastSeen(ctx), a.directory.Admin.FlushLastUsed(ctx))
}

// auditLifecycle audits the start or the end of the service. It only logs an error: with a full disk, signed-in users must
// still reach their pages (promise D7).
func (a *app) auditLifecycle(ctx context.Context, action string) {
	if err := a.auditSystem(ctx, action, audit.Success, map[string]string{"version": version()}); err != nil {
		a.log.Error("writing audit event", "action", action, "error", err)
	}
}

// logger returns a logger that writes text or JSON to stderr.
func (p *program) logger(format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(p.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(p.Stderr, nil))
}
