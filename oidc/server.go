package oidc

import (
	"context"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The paths below the issuer.
const (
	PathDiscovery  = "/.well-known/openid-configuration"
	PathAuthorize  = "/oauth2/v1/authorize"
	PathContinue   = "/oauth2/v1/continue"
	PathToken      = "/oauth2/v1/token"
	PathUserinfo   = "/oauth2/v1/userinfo"
	PathKeys       = "/oauth2/v1/keys"
	PathIntrospect = "/oauth2/v1/introspect"
	PathRevoke     = "/oauth2/v1/revoke"
	PathLogout     = "/oauth2/v1/logout"
	PathPush       = "/oauth2/v1/par"
	PathDevice     = "/oauth2/v1/device/authorize"
	PathClients    = "/oauth2/v1/clients"
	PathUserCode   = "/device" // where a person types the code that a device shows
)

// server answers what the library has read. Token exchange and jwt-bearer are not wired: the library refuses them
// by the name of their grant (PROTOCOL 28).
type server struct {
	op.UnimplementedServer
	*Provider
}

var _ op.Server = (*server)(nil)

// Authorize is not served by the library: Provider.Authorize is.
func (s *server) Authorize(ctx context.Context, r *op.ClientRequest[protocol.AuthRequest]) (*op.Redirect, error) {
	return s.UnimplementedServer.Authorize(ctx, r)
}

// pusher is a server whose one endpoint takes pushed authorization requests: the library knows none, but reads a
// device's request in the same way, as a form of an authenticated client.
type pusher struct{ server }

// mount makes the library's handlers. Its rules for other origins are switched off: they let any origin in, with
// credentials.
func (p *Provider) mount() {
	s := &server{Provider: p}
	off := op.WithServerCORSOptions(nil)
	p.programs = op.RegisterServer(s, op.Endpoints{Token: op.NewEndpoint(PathToken), Introspection: op.NewEndpoint(PathIntrospect),
		Userinfo: op.NewEndpoint(PathUserinfo), Revocation: op.NewEndpoint(PathRevoke), JwksURI: op.NewEndpoint(PathKeys),
		DeviceAuthorization: op.NewEndpoint(PathDevice)}, off)
	p.pushed = op.RegisterServer(&pusher{server{Provider: p}}, op.Endpoints{DeviceAuthorization: op.NewEndpoint(PathPush)}, off)
}

// Keys gives the public keys.
func (s *server) Keys(ctx context.Context, _ *op.Request[struct{}]) (*op.Response, error) {
	set, err := s.published(ctx)
	if err != nil {
		return nil, s.fault(ctx, "publishing keys", err)
	}
	r := op.NewResponse(set)
	// Short beside the day that a key is published before it signs.
	r.Header.Set("Cache-Control", "public, max-age=3600")
	return r, nil
}

// Discovery tells what there is.
func (s *server) Discovery(context.Context, *op.Request[struct{}]) (*op.Response, error) {
	r := op.NewResponse(s.Metadata())
	r.Header.Set("Cache-Control", "public, max-age=3600")
	return r, nil
}
