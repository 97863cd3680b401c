package main

import (
	"context"
	"fmt"
	"net"
	"strings"

	"barillet/authn"
	"barillet/cmd/barillet/sample"
	"barillet/internal/audit"
	"barillet/internal/outbound"
	"barillet/oidc"
	"barillet/static"
)

// planning registers the sample application and makes its server. It listens at 127.0.0.1 and the service at localhost:
// browsers keep the cookies of the two apart, as they do not those of two ports.
func (s *stage) planning(ctx context.Context, h *house) (service, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return service{}, fmt.Errorf("listening for the sample application: %w", err)
	}
	s.sample = "http://" + listener.Addr().String()
	app, err := s.register(ctx, h)
	if err != nil {
		listener.Close()
		return service{}, fmt.Errorf("making the sample application: %w", err)
	}
	return service{newServer(app.Handler(), h.log), listener}, nil
}

func (s *stage) register(ctx context.Context, h *house) (*sample.App, error) {
	by := oidc.By{Actor: audit.Actor{Type: audit.TypeOperator, ID: "operator:demo", Name: "Barillet"}, From: authn.Origin{}, House: h.config.Brand.Name}
	files, err := static.New(sample.Accent)
	if err != nil {
		return nil, err
	}
	client, err := h.oidc.Register(ctx, by, oidc.Registration{Name: "Planning de l’atelier", URI: s.sample, Scope: strings.Join(sample.Scopes(), " "),
		Redirects: []string{s.sample + sample.PathBack}, LogoutTo: []string{s.sample + sample.PathLeft}, Backchannel: s.sample + sample.PathSignedOut})
	if err != nil {
		return nil, err
	}
	return sample.New(sample.Config{Base: s.sample, Issuer: h.origin, ClientID: string(client.ID), ClientSecret: authn.SecretOf(client.Secret),
		Static: files, Outbound: outbound.New(outbound.Config{Allowed: h.config.Outbound.Allow.Allowed}), Now: now, Log: h.log})
}
