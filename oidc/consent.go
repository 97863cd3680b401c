package oidc

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// Consent is what somebody once let an application know, kept below "<user>/<client>".
type Consent struct {
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"` // of the first
}

func consentID(u authn.UserID, c ClientID) string { return string(u) + "/" + string(c) }

// covers tells whether a request asks for no more than was consented to. Claims asked for by name are asked about
// each time.
func (s Consent) covers(k *AuthorizationRequest) bool {
	return len(k.UserinfoClaims) == 0 && len(k.IDTokenClaims) == 0 &&
		!slices.ContainsFunc(k.Scopes, func(scope string) bool { return !slices.Contains(s.Scopes, scope) })
}

// consentScopes are the scopes that a person is told of: those granted, and those that a claim asked for by name belongs to.
func consentScopes(granted, byName []string) []string {
	out := []string{}
	for _, scope := range []string{ScopeProfile, ScopeEmail, ScopeGroups, ScopeOffline} {
		by := slices.ContainsFunc(ofScope[scope], func(n string) bool { return slices.Contains(byName, n) })
		if by || slices.Contains(granted, scope) {
			out = append(out, scope)
		}
	}
	return out
}

// Consent takes a person's yes or no to an application, and goes on with the request.
func (p *Provider) Consent(ctx context.Context, b UserAgent, request string, yes bool) (Action, error) {
	act := p.People.NewAct(b.From)
	event := audit.NewID(act.Now)
	k, err := store.Do(ctx, p.Store, func(tx store.Tx) (*AuthorizationRequest, error) {
		k, err := p.resumable(tx, request)
		if err != nil || k == nil {
			return nil, err
		}
		bearer, err := p.bearer(tx, b.Session, act.Now)
		if err != nil || bearer == nil {
			return k, err // nobody: proceed sends them to sign in
		}
		c, err := p.loadClient(tx, k.Client)
		if err != nil || c == nil {
			return nil, err
		}
		outcome, reason := audit.Success, ""
		if yes {
			k.ConsentSession = bearer.Session
			given := Consent{Scopes: k.Scopes, Created: act.Now}
			if before, err := p.consents.Get(tx, consentID(bearer.User, c.ID)); err == nil {
				given.Created = before.Created
				given.Scopes = slices.Compact(slices.Sorted(slices.Values(slices.Concat(before.Scopes, k.Scopes))))
			} else if _, err := found(err); err != nil {
				return nil, err
			}
			if err := p.consents.Put(tx, consentID(bearer.User, c.ID), given); err != nil {
				return nil, err
			}
			if err := p.asked.Put(tx, authn.SecretOf(request).Hash(), *k); err != nil {
				return nil, err
			}
		} else {
			outcome, reason = audit.Deny, "by the person"
		}
		return k, p.audit(tx, act, event, about(bearer.User, bearer.Login, c, audit.AppConsent, outcome, reason))
	})
	switch {
	case err != nil:
		return Action{}, fmt.Errorf("storing a consent: %w", err)
	case k == nil:
		return pageError("invalid_request"), nil
	case !yes && b.Session != "":
		return p.reject(ctx, k, request, accessDenied("the person said no"))
	}
	return p.proceed(ctx, b, k, request)
}
