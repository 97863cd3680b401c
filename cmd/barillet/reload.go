package main

import (
	"context"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"

	"barillet/cmd/barillet/config"
	"barillet/internal/audit"
	"barillet/internal/mail"
)

// reloading is what a reload needs. The zero value never reloads.
type reloading struct {
	hangups <-chan os.Signal
	load    func() (*config.Config, error)
}

// catchHangups returns a channel for SIGHUP, which would end the process otherwise.
func catchHangups() chan os.Signal {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	return hangups
}

// front is an http.Handler that passes each request to the present handler.
type front struct{ handler atomic.Pointer[http.Handler] }

func (f *front) set(h http.Handler) { f.handler.Store(&h) }

// ServeHTTP implements http.Handler.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*f.handler.Load()).ServeHTTP(w, r)
}

// setPages sets the handler of browsers and programs. box is as for pages.
func (a *app) setPages(c *config.Config, box *mail.MemoryTransport) error {
	pages, err := a.pages(c, a.renderer.Load(), box)
	if err == nil {
		a.front.set(pages)
	}
	return err
}

// setTransport sets the transport to the mail server of a configuration. Without a server, there is none.
func (a *app) setTransport(c *config.Config) error {
	to, err := transport(c, a.origin)
	if err != nil || to == nil {
		return err
	}
	a.transport = new(mail.Switch)
	a.transport.Set(to)
	a.sender.Transport = a.transport
	return nil
}

// runReload reads the configuration again at each SIGHUP until ctx ends.
func (a *app) runReload(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.again.hangups:
		}
		a.certificate.Reload()
		if err := a.reload(ctx); err != nil {
			a.log.Error("the configuration stays as it was", "error", err)
		}
	}
}

// reload reads the configuration again and applies what can be applied without a restart. After an error nothing has changed. It
// makes all that can fail before it changes anything.
func (a *app) reload(ctx context.Context) error {
	next, err := a.again.load()
	if err != nil {
		return err
	}
	c, applied, restart := a.live.Load().Reload(next)
	to, err := transport(c, a.origin) // also reads a new password
	if err != nil {
		return err
	}
	renderer, err := a.newRenderer(c)
	if err != nil {
		return err
	}
	pages, err := a.pages(c, renderer, nil)
	if err != nil {
		return err
	}
	a.live.Store(c)
	a.renderer.Store(renderer)
	a.limiter.set(c)
	a.out.Allow(c.Outbound.Allow.Allowed)
	if a.transport != nil {
		a.transport.Set(to)
	}
	a.front.set(pages)
	a.log.Info("read the configuration again", "changed", strings.Join(applied, " "))
	for _, w := range c.Warnings {
		a.log.Warn(w)
	}
	if len(restart) > 0 {
		a.log.Warn("restart the service to apply other settings", "changed", strings.Join(restart, " "))
	}
	if len(applied) == 0 {
		return nil
	}
	if err := a.auditSystem(ctx, audit.ConfigReloaded, audit.Success, map[string]string{"changed": strings.Join(applied, " ")}); err != nil {
		a.log.Error("writing audit event", "action", audit.ConfigReloaded, "error", err)
	}
	return nil
}
