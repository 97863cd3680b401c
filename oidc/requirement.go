package oidc

import (
	"slices"
	"time"

	"barillet/authn/session"
	"barillet/oidc/client"
	"barillet/oidc/token"
	"barillet/store"
)

// requirement is what a request needs from its user next.
type requirement int

const (
	satisfied requirement = iota
	signIn
	stepUp
	stepUpWithKey
	consent
	denied     // by the client's policy
	keyMissing // the client's policy requires a security key and the user has none
)

// nextRequirement returns what a request needs before it is answered, in the order in which the user meets it. An error that
// is an *Error is sent to the client. max_age, prompt, acr_values and the client's policy lead to a step-up, never to a
// weaker answer (promise O3).
func (p *Provider) nextRequirement(r store.Reader, now time.Time, req *AuthorizationRequest, c *client.Client, b *session.Info) (requirement, error) {
	silent := req.prompts(promptNone)
	if b == nil {
		if silent {
			return 0, loginRequired("the user is not signed in")
		}
		return signIn, nil
	}
	switch {
	case req.prompts(promptSelectAccount):
		return 0, &Error{Code: "account_selection_required", Description: "a browser has only one account"}
	case req.Subject != "" && req.Subject != p.Tokens.Subject(c, b.User):
		return 0, loginRequired("another user is signed in")
	case !c.Policy.Allows(b.Groups):
		if silent {
			return 0, policyRefusal()
		}
		return denied, nil
	}
	strong, maxAge := req.requirements(c, b)
	policy, _ := c.Policy.Requirements(b.Groups)
	if strong && !client.Reaches(client.LevelOf(b), client.LevelPhishingResistant) {
		u, err := p.Accounts.Reader(r).User(b.User)
		switch {
		case err != nil:
			return 0, err
		case !p.Accounts.HasPhishingResistant(&u) && policy && !silent:
			return keyMissing, nil
		case !p.Accounts.HasPhishingResistant(&u): // the client asks for it, and may accept less in another request
			return 0, unmetRequirements()
		case silent:
			return 0, &Error{Code: "interaction_required"}
		}
		return stepUpWithKey, nil
	}
	proven := token.NewAuthContext(b).AuthTime
	if strong { // a code entered since then does not renew the proof by a key
		proven = b.PhishingResistantAt
	}
	if req.stale(proven, maxAge, now) {
		switch {
		case silent:
			return 0, loginRequired("the authentication is too old")
		case strong: // the new proof must not be weaker than the one that it renews
			return stepUpWithKey, nil
		}
		return stepUp, nil
	}
	return p.nextConsent(r, req, c, b, silent)
}

func (p *Provider) nextConsent(r store.Reader, req *AuthorizationRequest, c *client.Client, b *session.Info, silent bool) (requirement, error) {
	spoofable := c.SpoofableRedirect(req.Redirect)
	always := spoofable || req.prompts(promptConsent)
	if req.ConsentSession == b.Key || !c.Policy.Consent && !always {
		return satisfied, nil
	}
	if !always {
		given, there, err := p.Tokens.Consent(r, b.User, c.ID)
		if err != nil {
			return 0, err
		}
		if there && req.coveredBy(given) {
			return satisfied, nil
		}
	}
	if silent {
		return 0, &Error{Code: "consent_required"}
	}
	return consent, nil
}

// coveredBy reports whether a request asks for no more than a consent. Claims requested by name always need a new consent.
func (req *AuthorizationRequest) coveredBy(given token.Consent) bool {
	return len(req.UserinfoClaims) == 0 && len(req.IDTokenClaims) == 0 &&
		!slices.ContainsFunc(req.Scopes, func(scope string) bool { return !slices.Contains(given.Scopes, scope) })
}

// requirements returns what the request and its client require of a user: phishing resistance, and the greatest age of the
// proof.
func (req *AuthorizationRequest) requirements(c *client.Client, b *session.Info) (strong bool, maxAge time.Duration) {
	strong, maxAge = c.Policy.Requirements(b.Groups)
	only := len(req.ACRs) > 0 && !slices.ContainsFunc(req.ACRs, func(want string) bool { return want != client.LevelPhishingResistant })
	return strong || only, maxAge
}

// authContext returns the AuthContext with which a request is answered. Its level and its time belong together: if only a key
// satisfies the request, the time is that of the key. A key that is too old does not lend its level to a newer code.
func (req *AuthorizationRequest) authContext(c *client.Client, b *session.Info, now time.Time) token.AuthContext {
	out := token.NewAuthContext(b)
	switch strong, maxAge := req.requirements(c, b); {
	case strong:
		out.AuthTime = b.PhishingResistantAt
	case req.stale(b.PhishingResistantAt, maxAge, now):
		out.ACR = client.LevelTwoFactor
	}
	return out
}

// stale reports whether a proof is too old for the request: older than the request for prompt=login, or older than max_age
// or the policy's age.
func (req *AuthorizationRequest) stale(proven time.Time, policy time.Duration, now time.Time) bool {
	age := now.Sub(proven)
	return req.prompts(promptLogin) && proven.Before(req.Created) ||
		req.MaxAge != nil && age > time.Duration(*req.MaxAge)*time.Second && proven.Before(req.Created) ||
		policy > 0 && age > policy
}
