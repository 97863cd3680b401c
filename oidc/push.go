package oidc

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/throttle"
	"barillet/oidc/client"
	"barillet/store"
)

const (
	pushedPrefix = "urn:ietf:params:oauth:request_uri:" // of the request_uri of a pushed request (RFC 9126 §2.2)
	pushedTTL    = time.Minute
)

// pushedResponse is the response to a pushed request (RFC 9126 §2.2).
type pushedResponse struct {
	URI     string `json:"request_uri"`
	Expires int64  `json:"expires_in"`
}

// authParams are the parameters that authenticate a client. They are not part of the request that it pushes.
var authParams = []string{"client_secret", "client_assertion", "client_assertion_type"}

// push is the endpoint of pushed authorization requests. It validates a request as far as is possible without a browser.
func (p *Provider) push(ctx context.Context, c *client.Client, form url.Values) (any, error) {
	form = maps.Clone(form)
	for _, name := range authParams {
		form.Del(name)
	}
	if form.Has("request_uri") {
		return nil, invalidRequest("a pushed request must not contain request_uri")
	}
	form.Set("client_id", string(c.ID))
	raw := parseRequest(form)
	raw.pushed = true
	if !c.HasRedirect(raw.redirect()) {
		return nil, invalidRequest("redirect_uri is not registered")
	}
	if _, err := p.validate(ctx, raw, c); err != nil {
		return nil, fmt.Errorf("validating a pushed request: %w", err)
	}
	op := p.Accounts.NewOperation(originOf(ctx))
	stored := AuthorizationRequest{Client: c.ID, Pushed: form.Encode(), Created: op.Now, Expires: op.Now.Add(pushedTTL)}
	size, err := sizeOf(stored)
	if err != nil {
		return nil, err
	}
	if err := p.takeShare(op, throttle.PushedRequests, c, size); err != nil {
		return nil, err
	}
	secret := op.Secret("pushed")
	if err := p.Store.Update(ctx, func(tx store.Tx) error { return p.requests.Put(tx, secret.Key(), stored) }); err != nil {
		return nil, fmt.Errorf("storing a pushed request: %w", err)
	}
	return pushedResponse{pushedPrefix + secret.Reveal(), int64(pushedTTL / time.Second)}, nil
}

// takeShare counts a request against the share of its client. Any program can send one in the name of a client without a secret
// or keys: it counts against the share of its network.
func (p *Provider) takeShare(op *account.Operation, limit throttle.Shared, c *client.Client, cost int) error {
	charges := limit.Of("client "+string(c.ID), cost)
	if c.AuthMethod == client.AuthNone {
		charges = limit.By(op.Request.Address, cost)
	}
	if p.limiter.TakeAll(op.Now, charges...) > 0 {
		return &Error{"temporarily_unavailable", "too many requests", http.StatusServiceUnavailable}
	}
	return nil
}

// takePushed returns the parameters of a pushed request and deletes it; nil if there is none of this client.
func (p *Provider) takePushed(ctx context.Context, id, uri string) (url.Values, error) {
	value := strings.TrimPrefix(uri, pushedPrefix)
	pushed, err := store.Do(ctx, p.Store, func(tx store.Tx) (string, error) {
		req, err := p.loadRequest(tx, value)
		if err != nil || req == nil || req.Pushed == "" || string(req.Client) != id {
			return "", err
		}
		return req.Pushed, p.requests.Delete(tx, requestKey(value))
	})
	if err != nil {
		return nil, fmt.Errorf("loading a pushed request: %w", err)
	}
	if pushed == "" {
		return nil, nil
	}
	return url.ParseQuery(pushed)
}
