package oidc

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"time"

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

// authParams are the parameters that authenticate a client, which are no part of the request that it pushes.
var authParams = []string{"client_secret", "client_assertion", "client_assertion_type"}

// push takes an authorization request from its client. It is judged as far as it can be without a browser, and kept for
// the minute in which the browser brings it.
func (s *Provider) push(ctx context.Context, c *Client, form url.Values) (any, error) {
	form = maps.Clone(form)
	for _, name := range authParams {
		form.Del(name)
	}
	if form.Has("request_uri") {
		return nil, invalidRequest("a pushed request has no request_uri")
	}
	form.Set("client_id", string(c.ID))
	raw := parseRequest(form)
	raw.pushed = true
	if !c.HasRedirect(raw.redirect()) {
		return nil, invalidRequest("redirect_uri is not registered")
	}
	if _, err := s.validate(ctx, raw, c); err != nil {
		return nil, fmt.Errorf("validating a pushed request: %w", err)
	}
	act := s.People.NewAct(originOf(ctx))
	secret := act.Secret("pushed")
	kept := AuthorizationRequest{Client: c.ID, Pushed: form.Encode(), Created: act.Now, Expires: act.Now.Add(pushedTTL)}
	if err := s.Store.Update(ctx, func(tx store.Tx) error { return s.asked.Put(tx, secret.Hash(), kept) }); err != nil {
		return nil, fmt.Errorf("keeping a pushed request: %w", err)
	}
	return pushedAnswer{pushedPrefix + secret.Reveal(), int64(pushedTTL / time.Second)}, nil
}

// takePushed takes a pushed request, once; nil when it is not there, or of another client.
func (p *Provider) takePushed(ctx context.Context, client, uri string) (url.Values, error) {
	secret := strings.TrimPrefix(uri, pushedPrefix)
	pushed, err := store.Do(ctx, p.Store, func(tx store.Tx) (string, error) {
		k, err := p.loadRequest(tx, secret)
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
