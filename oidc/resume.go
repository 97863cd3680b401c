package oidc

import (
	"context"
	"fmt"

	"barillet/store"
)

// Continue resumes a stored request after a step of the user. The caller must open Action.Redirect from a page: a form may
// precede the request, and browsers apply the form-action of its page to redirects.
func (p *Provider) Continue(ctx context.Context, ua UserAgent, request string) (Action, error) {
	var req *AuthorizationRequest
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		req, err = p.loadResumable(s, request)
		return err
	})
	if err != nil {
		return Action{}, fmt.Errorf("loading an authorization request: %w", err)
	}
	if req == nil {
		return requestOver(), nil
	}
	return p.proceed(ctx, ua, req, request)
}

// loadResumable loads a stored request that waits for its user; nil if there is none. A pushed request waits for its browser, and
// a device prompt has no redirect URI.
func (p *Provider) loadResumable(r store.Reader, request string) (*AuthorizationRequest, error) {
	req, err := p.loadRequest(r, request)
	if req != nil && (req.Pushed != "" || req.Device != "") {
		return nil, err
	}
	return req, err
}
