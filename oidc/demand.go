package oidc

import (
	"slices"
	"time"

	"barillet/authn"
)

// asks is what the request and its client ask of somebody: what withstands phishing, and how old the proof may be.
func (k *AuthorizationRequest) asks(c *Client, b *authn.Bearer) (strong bool, maxAge time.Duration) {
	strong, maxAge = c.Policy.Requirements(b.Groups)
	only := len(k.ACRs) > 0 && !slices.ContainsFunc(k.ACRs, func(want string) bool { return want != LevelPhishingResistant })
	return strong || only, maxAge
}

// signed is what is told of a sign-in that a request was content with. Level and time belong together: where only a
// key would do, the time is the key's, and a key that is too old for the request lends its level to no newer code.
func (k *AuthorizationRequest) signed(c *Client, b *authn.Bearer, now time.Time) AuthContext {
	out := newAuthContext(b)
	switch strong, maxAge := k.asks(c, b); {
	case strong:
		out.AuthTime = b.Keyed
	case k.stale(b.Keyed, maxAge, now):
		out.ACR = LevelTwoFactor
	}
	return out
}

// authTime is when somebody last proved who they are: at the sign-in, or later by a device for an act.
func authTime(b *authn.Bearer) time.Time {
	if b.Proven.After(b.Since) {
		return b.Proven
	}
	return b.Since
}

// stale tells whether the last proof is too old for the request: older than it for prompt=login, or than an age that
// the client or its policy asks for.
func (k *AuthorizationRequest) stale(proven time.Time, policy time.Duration, now time.Time) bool {
	age := now.Sub(proven)
	return k.prompts(promptLogin) && proven.Before(k.Created) ||
		k.MaxAge != nil && age > time.Duration(*k.MaxAge)*time.Second && proven.Before(k.Created) ||
		policy > 0 && age > policy
}
