package token

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/store"
)

// AuthorizationCode is what a code stands for. The client keeps it until the redemption, sealed in the value of the code.
type AuthorizationCode struct {
	Client         client.ID `json:"client"`
	Redirect       string    `json:"redirect"`
	Challenge      string    `json:"challenge,omitempty"`
	Nonce          string    `json:"nonce,omitempty"`
	Scopes         []string  `json:"scopes"`
	UserinfoClaims []string  `json:"userinfoClaims,omitempty"`
	IDTokenClaims  []string  `json:"idTokenClaims,omitempty"`
	AuthContext
	Address string    `json:"address,omitempty"` // of the browser, for the audit log
	Agent   string    `json:"agent,omitempty"`
	Request string    `json:"request,omitempty"` // id
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires" since:"Created"`
}

// CodeTTL is the lifetime of an authorization code (promise O1).
const CodeTTL = time.Minute

// usedTTL is how long a used code is stored at least after its end. A sweep deletes the record by a clock that can be fast, and the code
// must not be good again when the clock is set right.
const usedTTL = time.Hour

// UsedCode is stored below the SHA-256 of the secret of a code when the code is spent, until its grant expires, and for usedTTL.
type UsedCode struct {
	Expires time.Time `json:"expires" ahead:"any"` // an earlier end would allow a second use
	Grant   string    `json:"grant,omitempty"`     // key of the grant that it was exchanged for
	Refusal string    `json:"refusal,omitempty"`   // why it was spent without a grant
}

// SealCode returns the value of a new code: what it stands for, a dot, and the secret to which its seal is bound.
func (s *Service) SealCode(value secret.Value, code AuthorizationCode) (secret.Value, error) {
	sealed, err := store.SealRecord(s.sealedCodes, value.Key(), code)
	if err != nil {
		return secret.Value{}, fmt.Errorf("sealing an authorization code: %w", err)
	}
	return secret.From(base64.RawURLEncoding.EncodeToString(sealed) + "." + value.Reveal()), nil
}

// openCode returns what the value of a code stands for and the key below which its use is stored; nil if the service did not seal it.
func (s *Service) openCode(value secret.Value) (code *AuthorizationCode, key string) {
	text, of, _ := strings.Cut(value.Reveal(), ".")
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, ""
	}
	key = secret.From(of).Key()
	if code, err = store.OpenRecord(s.sealedCodes, key, sealed); err != nil {
		return nil, ""
	}
	return code, key
}

// usable reports whether a code may be redeemed now. One of a later time was made while the clock was wrong: a minute of difference
// does not matter.
func (c *AuthorizationCode) usable(now time.Time) bool {
	return now.Before(c.Expires) && !c.Created.After(now.Add(CodeTTL))
}

// spend stores that a code is used. The record outlives the code.
func (s *Service) spend(tx store.Tx, key string, code *AuthorizationCode, used UsedCode) error {
	if least := code.Expires.Add(usedTTL); used.Expires.Before(least) {
		used.Expires = least
	}
	return s.codes.Put(tx, key, used)
}

// reused deletes the grant of a code that is used again: one of its two holders stole it (RFC 6749 §4.1.2). A code without
// a grant is refused as before: some clients repeat a refused request, and show the second answer.
func (s *Service) reused(tx *account.Tx, code *UsedCode) error {
	return s.revokeStolen(tx, code.Grant, "code used twice", cmp.Or(code.Refusal, "the code was used before"))
}

// auditSignIn appends the event of the sign-in at a client, or of its refusal. It is about the request of the browser, which got the
// code.
func (s *Service) auditSignIn(tx *account.Tx, c *client.Client, code *AuthorizationCode, refused *GrantError) error {
	e := c.AuditEvent(code.User, code.Login, audit.AppSignIn, audit.Success, "")
	if refused != nil {
		e.Outcome, e.Reason = audit.Failure, refused.Reason
	}
	e.Address, e.Agent, e.Request = code.Address, code.Agent, code.Request
	return tx.Audit(e)
}
