package oidc

import (
	"context"
	"fmt"

	"barillet/store"
)

// Continue resumes a stored request after a step of the user. A form of ours may precede it, and browsers apply its
// form-action to redirects: Action.Redirect must be opened from a page.
func (p *Provider) Continue(ctx context.Context, ua UserAgent, request string) (Action, error) {
	var k *AuthorizationRequest
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		k, err = p.resumable(s, request)
		return err
	})
	if err != nil {
		return Action{}, fmt.Errorf("loading an authorization request: %w", err)
	}
	if k == nil {
		return pageError("invalid_request"), nil
	}
	return p.proceed(ctx, ua, k, request)
}

// resumable loads a stored request that waits for its user; nil if there is none. A pushed request waits for its
// browser, and one for a device has no redirect URI.
func (p *Provider) resumable(r store.Reader, request string) (*AuthorizationRequest, error) {
	k, err := p.loadRequest(r, request)
	if k != nil && (k.Pushed != "" || k.Device != "") {
		return nil, err
	}
	return k, err
}
