package oidc

import (
	"context"
	"fmt"
	"strings"

	protocol "github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"

	"barillet/authn"
	"barillet/store"
)

// Continue goes on with a request after the person did what it needed. Answer.To is then for a page that leads on:
// browsers hold a redirect that follows one of our forms to the rules of that form (FACTS H2).
func (p *Provider) Continue(ctx context.Context, b Browser, request string) (Answer, error) {
	var k *Ask
	err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
		k, err = p.ask(s, request)
		return err
	})
	if err != nil {
		return Answer{}, fmt.Errorf("loading an authorization request: %w", err)
	}
	if k == nil || k.Pushed != "" || k.Device != "" {
		return Answer{Wrong: &Wrong{Code: "invalid_request"}}, nil
	}
	to, needs, err := p.advance(ctx, b, k, request)
	if err != nil {
		return p.refused(ctx, k, request, err)
	}
	switch needs {
	case stepConsent:
		return p.consentPage(ctx, k, request)
	case stepShut:
		return p.shutPage(ctx, k, false, notAdmitted())
	case stepNoKey:
		return p.shutPage(ctx, k, true, unmet())
	}
	if strings.HasPrefix(to, "/") {
		return Answer{Path: to}, nil
	}
	return p.toApp(ctx, k, to)
}

// toApp is an answer that goes to the application of a request.
func (p *Provider) toApp(ctx context.Context, k *Ask, to string) (Answer, error) {
	c, err := p.viewed(ctx, k.Client)
	if err != nil || c == nil {
		return Answer{To: to}, err
	}
	return Answer{To: to, App: c.Name}, nil
}

// shutPage keeps the request: whoever adds a key, or is let in, goes on with it.
func (p *Provider) shutPage(ctx context.Context, k *Ask, needsKey bool, why error) (Answer, error) {
	redirect, wrong := op.TryErrorRedirect(ctx, asker{k}, why, p.encoder(), nil)
	if wrong != nil {
		return Answer{Wrong: &Wrong{Code: "invalid_request"}}, nil
	}
	a, err := p.toApp(ctx, k, redirect.URL)
	return Answer{Shut: &ShutPage{App: a.App, NeedsKey: needsKey, To: a.To}}, err
}

// refused tells an error to the application that asked, and ends the request.
func (p *Provider) refused(ctx context.Context, k *Ask, request string, err error) (Answer, error) {
	redirect, wrong := op.TryErrorRedirect(ctx, asker{k}, p.fault(ctx, "going on with an authorization request", err), p.encoder(), nil)
	if wrong != nil {
		return Answer{Wrong: &Wrong{Code: "invalid_request"}}, nil
	}
	if err := p.Store.Update(ctx, func(tx store.Tx) error { return p.asked.Delete(tx, authn.SecretOf(request).Hash()) }); err != nil {
		return Answer{}, fmt.Errorf("ending an authorization request: %w", err)
	}
	return p.toApp(ctx, k, redirect.URL)
}

// asker is an Ask as the library's errors know it.
type asker struct{ *Ask }

func (a asker) GetRedirectURI() string                 { return a.Redirect }
func (a asker) GetResponseType() protocol.ResponseType { return protocol.ResponseTypeCode }
func (a asker) GetState() string                       { return a.State }
