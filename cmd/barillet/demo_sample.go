package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"barillet/authn/account"
	"barillet/cmd/barillet/sample"
	"barillet/internal/audit"
	"barillet/internal/outbound"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/static"
)

// sampleServer registers the sample application and returns its server. It listens on 127.0.0.1 and the service on localhost,
// because browsers share cookies between the ports of a host.
func (d *demo) sampleServer(ctx context.Context, a *app) (service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return service{}, fmt.Errorf("listening for sample application: %w", err)
	}
	d.sample = "http://" + listener.Addr().String()
	app, err := d.registerSample(ctx, a)
	if err != nil {
		listener.Close()
		return service{}, fmt.Errorf("creating sample application: %w", err)
	}
	return service{newServer(app.Handler(), a.log), listener}, nil
}

func (d *demo) registerSample(ctx context.Context, a *app) (*sample.App, error) {
	by := client.Registrar{Actor: audit.Actor{Type: audit.TypeOperator, ID: "operator:demo", Name: "Barillet"}, From: account.RequestInfo{}, ReservedName: a.config.Brand.Name}
	files, err := static.New(sample.Accent)
	if err != nil {
		return nil, err
	}
	client, err := a.oidc.Clients.Register(ctx, by, client.Registration{Name: "Planning de l’atelier", URI: d.sample, Scope: strings.Join(sample.Scopes(), " "),
		Redirects: []string{d.sample + sample.PathCallback}, PostLogoutRedirects: []string{d.sample + sample.PathAfterLogout}, Backchannel: d.sample + sample.PathBackchannelLogout})
	if err != nil {
		return nil, err
	}
	return sample.New(sample.Config{Base: d.sample, Issuer: a.origin, ClientID: string(client.ID), ClientSecret: secret.From(client.Secret),
		Static: files, Outbound: outbound.New(outbound.Config{Allowed: a.config.Outbound.Allow.Allowed}), Now: now, Log: a.log})
}
