package oidc

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"barillet/authn"
	"barillet/store"
)

// pushedPrefix begins the request_uri of a pushed request (RFC 9126 section 2.2).
const pushedPrefix = "urn:ietf:params:oauth:request_uri:"

// pushedAnswer is RFC 9126 section 2.2.
type pushedAnswer struct {
	URI     string `json:"request_uri"`
	Expires int64  `json:"expires_in"`
}

// credentials are the parameters that authenticate a client, which are no part of the request that it pushes.
var credentials = []string{"client_secret", "client_assertion", "client_assertion_type"}

// DeviceAuthorization takes an authorization request from its client: see pusher. It is judged as far as it can be
// without a browser, and kept for the minute in which the browser brings it.
func (s *pusher) DeviceAuthorization(ctx context.Context, r *op.ClientRequest[protocol.DeviceAuthorizationRequest]) (*op.Response, error) {
	c := r.Client.(shown).Client
	form := url.Values{}
	for name, v := range r.Form {
		form[name] = v
	}
	for _, name := range credentials {
		form.Del(name)
	}
	if form.Has("request_uri") {
		return nil, protocol.ErrInvalidRequest().WithDescription("a pushed request has no request_uri")
	}
	form.Set("client_id", string(c.ID))
	raw := parseRequest(form)
	raw.pushed = true
	if !c.redirect(raw.redirect()) {
		return nil, protocol.ErrInvalidRequest().WithDescription("redirect_uri is not registered")
	}
	if _, err := s.validate(ctx, raw, c); err != nil {
		return nil, s.fault(ctx, "judging a pushed request", err)
	}
	act := s.People.NewAct(originOf(ctx))
	secret := act.Secret("pushed")
	kept := Ask{Client: c.ID, Pushed: form.Encode(), Made: act.Now, Expires: act.Now.Add(pushLife)}
	if err := s.Store.Update(ctx, func(tx store.Tx) error { return s.asked.Put(tx, secret.Hash(), kept) }); err != nil {
		return nil, s.fault(ctx, "keeping a pushed request", err)
	}
	return op.NewResponse(pushedAnswer{pushedPrefix + secret.Reveal(), int64(pushLife / time.Second)}), nil
}

// takePushed takes a pushed request, once; nil when it is not there, or of another client.
func (p *Provider) takePushed(ctx context.Context, client, uri string) (url.Values, error) {
	secret := strings.TrimPrefix(uri, pushedPrefix)
	pushed, err := store.Do(ctx, p.Store, func(tx store.Tx) (string, error) {
		k, err := p.ask(tx, secret)
		if err != nil || k == nil || k.Pushed == "" || string(k.Client) != client {
			return "", err
		}
		return k.Pushed, p.asked.Delete(tx, authn.SecretOf(secret).Hash())
	})
	if err != nil {
		return nil, fmt.Errorf("taking a pushed request: %w", err)
	}
	if pushed == "" {
		return nil, nil
	}
	return url.ParseQuery(pushed)
}
