package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"barillet/cmd/barillet/certificate"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/doctor"
)

// newCertificate returns the certificate of [tls], or nil without it.
func newCertificate(c *config.Config, log *slog.Logger) (*certificate.Source, error) {
	if !c.HasTLS() {
		return nil, nil
	}
	conf := certificate.Config{Host: config.Host(string(c.PublicURL)), File: c.TLS.CertificateFile, KeyFile: c.TLS.KeyFile, Now: now, Log: log}
	if c.TLS.ACME {
		conf.ACME = &certificate.ACME{Directory: string(c.TLS.ACMEDirectory), Email: string(c.TLS.ACMEEmail), Cache: filepath.Join(c.Data, "acme")}
	}
	s, err := certificate.New(conf)
	if err != nil {
		return nil, fmt.Errorf("[tls]: %w", err)
	}
	return s, nil
}

// servers returns the servers of the pages, of the admin socket, of tls.listen_http, and of the sample application of a demonstration.
func (a *app) servers(ctx context.Context, socket net.Listener, d *demo) ([]service, error) {
	first := newServer(&a.front, a.log)
	servers := []service{{first, a.limiter}, {socketServer(doctor.Handler(a.runningInside(), &a.witness, a.localAPI()), a.log), socket}}
	if d != nil {
		sample, err := d.sampleServer(ctx, a)
		if err != nil {
			return nil, err
		}
		servers = append(servers, sample)
	}
	if a.certificate == nil {
		return servers, nil
	}
	first.TLSConfig = a.certificate.TLSConfig()
	if address := string(a.config.TLS.ListenHTTP); address != "" {
		plain, err := net.Listen("tcp", address)
		if err != nil {
			return nil, cli.WithHint(fmt.Errorf("listening on %s: %w", address, err), "another program may use the port of tls.listen_http")
		}
		servers = append(servers, service{newServer(a.certificate.Redirect(a.origin), a.log), newConnLimiter(plain, a.config)})
	}
	return servers, nil
}

// certificateWatch returns the worker that warns of problems with the certificate.
func (a *app) certificateWatch() *certificate.Watch {
	return &certificate.Watch{Source: a.certificate, Accounts: a.accounts, Notify: a.directory.Admin.NotifyOperators, Log: a.log}
}
