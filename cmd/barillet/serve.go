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
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/store"
	"barillet/web"
	"barillet/web/gate"
	"barillet/web/reply"
)

// drainTimeout is how long requests under way may take after the signal; the store is closed within the rest of
// the ten seconds (BAR 3, SIGTERM).
const drainTimeout = 8 * time.Second

func (p *program) serveCommand() *cobra.Command {
	var where settingFlags
	var demo bool
	c := &cobra.Command{
		Use: "serve", Short: "run the service",
		Long: "Runs the service on a data folder, until SIGTERM. A missing or empty folder is initialised.\n\n" +
			"With --demo: a sample garage with its people, in a temporary folder, for this machine alone.",
		Args: cli.ExactArgs(),
		RunE: func(c *cobra.Command, _ []string) error {
			if demo {
				return p.serveDemo(c.Context(), where)
			}
			conf, err := where.load(p)
			if err != nil {
				return err
			}
			return p.serve(c.Context(), conf)
		},
	}
	where.register(c, "listen", "public_url", "key_file", "default_locale", "log_format")
	c.Flags().BoolVar(&demo, "demo", false, "serve a sample garage to this machine alone")
	return c
}

// serve runs the service on the data folder of the configuration.
func (p *program) serve(ctx context.Context, c *config) error {
	log := p.logger(c.LogFormat)
	if err := c.needData(); err != nil {
		return err
	}
	dir, err := openDataDir(ctx, c, true, p.exitOnDamage)
	if err != nil {
		return err
	}
	if dir.fresh {
		p.Note("made a new store in %s; keep a copy of %s apart from it and its backups", c.Data, c.KeyFile)
	}
	err = func() error {
		demo, err := store.IsDemo(ctx, dir.store)
		switch {
		case err != nil:
			return err
		case demo:
			return cli.WithHint(fmt.Errorf("the store in %s is that of a demonstration, whose passwords and tokens were printed", c.Data),
				"name another folder")
		}
		return p.serveDataDir(ctx, c, dir, log, nil)
	}()
	if closed := dir.store.Close(); closed != nil {
		err = errors.Join(err, fmt.Errorf("closing the store: %w", closed))
	}
	return err
}

// exitOnDamage ends the process: what a damaged store would answer next is anybody's guess (BAR 3).
func (p *program) exitOnDamage(err error) {
	fmt.Fprintf(p.Stderr, "barillet: %v\n", err)
	os.Exit(exitFailed)
}

// serveDataDir listens, wires the house, and serves until ctx ends. A demonstration comes with its stage.
func (p *program) serveDataDir(ctx context.Context, c *config, dir *dataDir, log *slog.Logger, d *demo) error {
	listener, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return cli.WithHint(fmt.Errorf("listening at %s: %w", string(c.Listen), err), "another program may have the port; --listen names another")
	}
	defer listener.Close()
	origin := c.origin(strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	a, err := newApp(c, dir, origin, log)
	if err != nil {
		return err
	}
	var box *mail.Box
	if d == nil {
		a.sender.Transport, err = c.transport(origin)
		p.warn(c)
	} else {
		box = &d.mailbox
		a.sender.Transport = box
		err = d.create(ctx, a)
	}
	if err != nil {
		return err
	}
	doors := web.Config{People: a.users, Desk: a.desk, Renderer: a.renderer, Static: a.files, API: a.api, Docs: a.docs, OIDC: a.oidc, PublicURL: origin,
		TrustedProxies: c.TrustedProxies, DefaultLocale: c.DefaultLocale, Now: now, Log: log, Demo: box}
	if len(c.ForwardAuth.Rules) > 0 {
		if doors.Gate, err = gate.New(gate.Config{People: a.users, Rules: c.ForwardAuth.Rules, PublicURL: origin, Trusted: c.TrustedProxies}); err != nil {
			return fmt.Errorf("forward_auth.rules: %w", err)
		}
	}
	pages, err := web.New(doors)
	if err != nil {
		return fmt.Errorf("building the pages: %w", err)
	}
	socket, err := listenSocket(ctx, c.Data)
	if err != nil {
		return err
	}
	defer os.Remove(filepath.Join(c.Data, socketName))
	defer socket.Close()
	servers := []service{
		{newServer(pages, log), newConnLimiter(listener, c)},
		{socketServer(a.localAPI(), log), socket},
	}
	if d != nil {
		another, err := d.sampleServer(ctx, a)
		if err != nil {
			return err
		}
		servers = append(servers, another)
	}
	return a.run(ctx, servers, func() {
		a.checkClock(ctx)
		a.auditLifecycle(ctx, audit.ServerStarted)
		p.Note("listening on %s", origin)
		if d != nil {
			d.print(p)
		}
	})
}

// warn tells what will not work, and goes on.
func (p *program) warn(c *config) {
	for _, w := range c.warnings {
		p.Note("warning: %s", w)
	}
	if c.Support.Email == "" {
		p.Note("warning: support.email is not set: help requests are stored, and nobody is told of them")
	}
	if c.SMTP.Host == "" {
		p.Note("warning: [smtp] is not set: mail waits in the outbox")
	}
	if c.PublicURL == "" {
		p.Note("warning: public_url is not set: links lead to http://localhost, for trying things out")
	}
}

// localAPI is the API as the socket and the closed folder reach it: past the middleware of web, so it gets
// its request id here.
func (a *app) localAPI() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &reply.Request{ID: rand.Text(), Agent: "barillet command line", Lang: a.config.DefaultLocale, Log: a.log}
		a.api.ServeHTTP(w, r.WithContext(reply.With(r.Context(), q)))
	})
}

// service is one server at one listener.
type service struct {
	server   *http.Server
	listener net.Listener
}

// run serves until ctx ends or a server fails, then lets go in order: no new connections, requests under way,
// workers, what is kept in memory. The store is closed by whoever opened it.
func (a *app) run(ctx context.Context, services []service, ready func()) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers, serving sync.WaitGroup
	workers.Go(func() { a.runWorkers(working) })
	failed := make(chan error, len(services))
	for _, s := range services {
		serving.Go(func() {
			if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("serving at %s: %w", s.listener.Addr(), err)
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
				a.log.Warn("requests were cut off, for they took too long to end")
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
	if kept := a.flushTimes(last); kept != nil {
		a.log.Error("storing what was kept in memory", "error", kept)
	}
	return err
}

// flushTimes stores when sessions and tokens were last used.
func (a *app) flushTimes(ctx context.Context) error {
	return errors.Join(a.users.StoreSeen(ctx), a.desk.StoreUsed(ctx))
}

// auditLifecycle writes the start or the end of the service into the audit log. It can do without: a full disk must
// not keep people who are signed in from their pages (BAR D7).
func (a *app) auditLifecycle(ctx context.Context, action string) {
	if err := a.auditSystem(ctx, action, audit.Success, map[string]string{"version": version()}); err != nil {
		a.log.Error("writing an audit event", "action", action, "error", err)
	}
}

// logger writes to stderr, as text or as JSON.
func (p *program) logger(format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(p.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(p.Stderr, nil))
}
