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

// drainFor is how long requests under way may take after the signal; the store is closed within the rest of
// the ten seconds (BAR 3, SIGTERM).
const drainFor = 8 * time.Second

func (p *program) serveCommand() *cobra.Command {
	var where settingFlags
	var demo bool
	c := &cobra.Command{
		Use: "serve", Short: "run the service",
		Long: "Runs the service on a data folder, until SIGTERM. A missing or empty folder is initialised.\n\n" +
			"With --demo: a sample garage with its people, in a temporary folder, for this machine alone.",
		Args: cli.Exactly(),
		RunE: func(c *cobra.Command, _ []string) error {
			if demo {
				return p.demo(c.Context(), where)
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
	o, err := openFolder(ctx, c, true, p.damaged)
	if err != nil {
		return err
	}
	if o.fresh {
		p.Note("made a new store in %s; keep a copy of %s apart from it and its backups", c.Data, c.KeyFile)
	}
	err = func() error {
		demo, err := store.IsDemo(ctx, o.store)
		switch {
		case err != nil:
			return err
		case demo:
			return cli.WithHint(fmt.Errorf("the store in %s is that of a demonstration, whose passwords and tokens were printed", c.Data),
				"name another folder")
		}
		return p.open(ctx, c, o, log, nil)
	}()
	if closed := o.store.Close(); closed != nil {
		err = errors.Join(err, fmt.Errorf("closing the store: %w", closed))
	}
	return err
}

// damaged ends the process: what a damaged store would answer next is anybody's guess (BAR 3).
func (p *program) damaged(err error) {
	fmt.Fprintf(p.Stderr, "barillet: %v\n", err)
	os.Exit(exitFailed)
}

// open listens, wires the house, and serves until ctx ends. A demonstration comes with its stage.
func (p *program) open(ctx context.Context, c *config, o *opened, log *slog.Logger, s *stage) error {
	listener, err := net.Listen("tcp", string(c.Listen))
	if err != nil {
		return cli.WithHint(fmt.Errorf("listening at %s: %w", string(c.Listen), err), "another program may have the port; --listen names another")
	}
	defer listener.Close()
	origin := c.origin(strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
	h, err := build(c, o, origin, log)
	if err != nil {
		return err
	}
	var box *mail.Box
	if s == nil {
		h.sender.Transport, err = c.transport(origin)
		p.warn(c)
	} else {
		box = &s.box
		h.sender.Transport = box
		err = s.set(ctx, h)
	}
	if err != nil {
		return err
	}
	doors := web.Config{People: h.people, Desk: h.desk, Renderer: h.renderer, Static: h.files, API: h.api, Docs: h.docs, OIDC: h.oidc, PublicURL: origin,
		TrustedProxies: c.TrustedProxies, DefaultLocale: c.DefaultLocale, Now: now, Log: log, Demo: box}
	if len(c.ForwardAuth.Rules) > 0 {
		if doors.Gate, err = gate.New(gate.Config{People: h.people, Rules: c.ForwardAuth.Rules, PublicURL: origin, Trusted: c.TrustedProxies}); err != nil {
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
		{newServer(pages, log), limitConnections(listener, c)},
		{socketServer(h.localAPI(), log), socket},
	}
	if s != nil {
		another, err := s.planning(ctx, h)
		if err != nil {
			return err
		}
		servers = append(servers, another)
	}
	return h.run(ctx, servers, func() {
		h.lookAtClock(ctx)
		h.mark(ctx, audit.ServerStarted)
		p.Note("listening on %s", origin)
		if s != nil {
			s.present(p)
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
func (h *house) localAPI() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &reply.Request{ID: rand.Text(), Agent: "barillet command line", Lang: h.config.DefaultLocale, Log: h.log}
		h.api.ServeHTTP(w, r.WithContext(reply.With(r.Context(), q)))
	})
}

// service is one server at one listener.
type service struct {
	server   *http.Server
	listener net.Listener
}

// run serves until ctx ends or a server fails, then lets go in order: no new connections, requests under way,
// workers, what is kept in memory. The store is closed by whoever opened it.
func (h *house) run(ctx context.Context, services []service, ready func()) error {
	working, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var workers, serving sync.WaitGroup
	workers.Go(func() { h.work(working) })
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
		h.log.Info("stopping")
	case err = <-failed:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	var draining sync.WaitGroup
	for _, s := range services {
		draining.Go(func() {
			if s.server.Shutdown(drain) != nil {
				h.log.Warn("requests were cut off, for they took too long to end")
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
	h.mark(last, audit.ServerStopped)
	if kept := h.keepTimes(last); kept != nil {
		h.log.Error("storing what was kept in memory", "error", kept)
	}
	return err
}

// keepTimes stores when sessions and tokens were last used.
func (h *house) keepTimes(ctx context.Context) error {
	return errors.Join(h.people.StoreSeen(ctx), h.desk.StoreUsed(ctx))
}

// mark writes the start or the end of the service into the audit log. It can do without: a full disk must
// not keep people who are signed in from their pages (BAR D7).
func (h *house) mark(ctx context.Context, action string) {
	if err := h.witness(ctx, action, audit.Success, map[string]string{"version": version()}); err != nil {
		h.log.Error("writing an audit event", "action", action, "error", err)
	}
}

// logger writes to stderr, as text or as JSON.
func (p *program) logger(format string) *slog.Logger {
	if format == "json" {
		return slog.New(slog.NewJSONHandler(p.Stderr, nil))
	}
	return slog.New(slog.NewTextHandler(p.Stderr, nil))
}
