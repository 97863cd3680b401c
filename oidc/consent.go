package oidc

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/oidc/token"
)

// consentScopes returns the scopes that a consent page shows: those granted, and those of the claims requested by name.
func consentScopes(granted, byName []string) []string {
	out := []string{}
	for _, scope := range []string{client.ScopeProfile, client.ScopeEmail, client.ScopeGroups, client.ScopeOffline} {
		named := slices.ContainsFunc(token.ScopeClaims(scope), func(n string) bool { return slices.Contains(byName, n) })
		if named || slices.Contains(granted, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// Consent records whether the user allows a client what it asks for, and resumes the request.
func (p *Provider) Consent(ctx context.Context, ua UserAgent, request string, allow bool) (Action, error) {
	op := p.Accounts.NewOperation(ua.From)
	req, err := account.Update(ctx, p.Accounts, op, func(tx *account.Tx) (*AuthorizationRequest, error) {
		req, err := p.loadResumable(tx.Raw, request)
		if err != nil || req == nil {
			return nil, err
		}
		b, err := p.Tokens.Session(tx.Raw, ua.Session)
		if err != nil || b == nil {
			return req, err // proceed leads to the sign-in
		}
		c, err := p.Clients.Get(tx.Raw, req.Client)
		if err != nil || c == nil {
			return nil, err
		}
		if !allow {
			return req, tx.Audit(c.AuditEvent(b.User, b.Login, audit.AppConsent, audit.Deny, "by the user"))
		}
		req.ConsentSession = b.Key
		if err := p.Tokens.AddConsent(tx.Raw, op.Now, b.User, c.ID, req.Scopes); err != nil {
			return nil, err
		}
		if err := p.requests.Put(tx.Raw, secret.From(request).Hash(), *req); err != nil {
			return nil, err
		}
		return req, tx.Audit(c.AuditEvent(b.User, b.Login, audit.AppConsent, audit.Success, ""))
	})
	switch {
	case err != nil:
		return Action{}, fmt.Errorf("storing a consent: %w", err)
	case req == nil:
		return requestOver(), nil
	case !allow && ua.Session != "":
		return p.reject(ctx, req, request, accessDenied("the user denied the request"))
	}
	return p.proceed(ctx, ua, req, request)
}
