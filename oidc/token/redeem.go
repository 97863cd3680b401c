package token

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/oidc/client"
	"barillet/store"
)

// Response is a successful response of the token endpoint (RFC 6749 §5.1, OIDC Core §3.1.3.3).
type Response struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"` // seconds
	Refresh string `json:"refresh_token,omitempty"`
	ID      string `json:"id_token,omitempty"`
	Scope   string `json:"scope"`
}

const tokenType = "Bearer" // RFC 6750

// Redemption is a request to exchange a code.
type Redemption struct {
	Code     secret.Value
	Redirect string
	Verifier string
}

// Redeem exchanges a code for tokens, once. The code is spent even if the client, the redirect URI or the verifier is wrong
// (promise O1). A refusal is a *GrantError.
func (s *Service) Redeem(ctx context.Context, req account.RequestInfo, c *client.Client, r Redemption) (*Response, error) {
	code, key := s.openCode(r.Code)
	if code == nil {
		return nil, refuse("the code is unknown or expired")
	}
	matches := verifierCheck(r.Verifier)
	return s.issue(ctx, req, c, func(tx *account.Tx, i *issuance) error {
		used, err := s.codes.Get(tx.Raw, key)
		if there, err := store.Found(err); err != nil {
			return err
		} else if there {
			return s.reused(tx, &used)
		}
		if !code.usable(tx.Op.Now) { // it is never accepted again, so nothing is stored
			return refuse("the code is unknown or expired")
		}
		g, id := s.newGrant(tx, c, code)
		if err = s.judgeCode(tx.Raw, c, code, r.Redirect, matches); err == nil {
			err = s.firstTokens(tx, i, g, id)
		}
		if refused, ok := errors.AsType[*GrantError](err); ok {
			return cmp.Or(s.spend(tx.Raw, key, code, UsedCode{Refusal: refused.Reason}), s.auditSignIn(tx, c, code, refused), err)
		}
		if err != nil {
			return err
		}
		i.nonce = code.Nonce
		return cmp.Or(s.spend(tx.Raw, key, code, UsedCode{Expires: g.Expires, Grant: id}), s.auditSignIn(tx, c, code, nil))
	})
}

// judgeCode returns a refusal if a code is not for the request that has it.
func (s *Service) judgeCode(r store.Reader, c *client.Client, code *AuthorizationCode, redirect string, matches func(challenge string) bool) error {
	switch {
	case code.Client != c.ID:
		return refuse("the code was issued to another client")
	case code.Redirect != redirect || !c.HasRedirect(code.Redirect): // the client may have lost it by now
		return refuse("redirect_uri is not that of the authorization request")
	case !matches(code.Challenge):
		return refuse("code_verifier does not match the challenge")
	}
	if c.Policy.Consent {
		if _, there, err := s.Consent(r, code.User, c.ID); !there {
			return orRefuse(err, "the user withdrew the consent for which the code was issued")
		}
	}
	return nil
}

// orRefuse returns err, or a refusal if err is nil.
func orRefuse(err error, reason string) error {
	if err != nil {
		return err
	}
	return refuse(reason)
}

// revokeStolen deletes a grant, if it exists, because a credential of it was used twice, and returns the refusal.
func (s *Service) revokeStolen(tx *account.Tx, grant, event, reason string) error {
	if grant == "" {
		return refuse(reason)
	}
	g, err := s.grants.Get(tx.Raw, grant)
	if there, err := store.Found(err); !there {
		return orRefuse(err, reason)
	}
	if err := s.grants.Delete(tx.Raw, grant); err != nil {
		return err
	}
	c, err := s.Clients.Get(tx.Raw, g.Client) // another client may have sent the code
	if err != nil {
		return err
	}
	if c == nil {
		c = &client.Client{ID: g.Client}
	}
	if err := tx.Audit(c.AuditEvent(g.User, g.Login, audit.AppGrantRevoked, audit.Failure, event)); err != nil {
		return err
	}
	return refuse(reason)
}

// issuance is a set of new tokens.
type issuance struct {
	client *client.Client
	access secret.Value

	// These are set by the Update that stores the tokens.
	refresh secret.Value // of an offline grant
	refused error
	token   AccessToken
	grant   Grant
	user    account.User
	nonce   string
}

func newIssuance(op *account.Operation, c *client.Client) issuance {
	return issuance{client: c, access: secret.From(AccessPrefix + op.Secret("access").Reveal())}
}

// issue runs fill in an Update and returns the tokens that it stored. A refusal that fill returns is committed.
func (s *Service) issue(ctx context.Context, req account.RequestInfo, c *client.Client, fill func(tx *account.Tx, i *issuance) error) (*Response, error) {
	op := s.Accounts.NewOperation(req)
	fresh := newIssuance(op, c)
	out, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (issuance, error) {
		i := fresh
		err := fill(tx, &i)
		if isRefusal(err) {
			i.refused, err = err, nil
		}
		return i, err
	})
	if err != nil {
		return nil, fmt.Errorf("issuing tokens: %w", err)
	}
	if out.refused != nil {
		return nil, out.refused
	}
	if out.token.Client == "" {
		return nil, nil
	}
	r := &Response{Access: out.access.Reveal(), Type: tokenType, Expires: int64(out.token.Expires.Sub(op.Now) / time.Second),
		Scope: strings.Join(out.token.Scopes, " ")}
	if out.grant.Offline {
		r.Refresh = out.refresh.Reveal()
	}
	if slices.Contains(out.grant.Scopes, client.ScopeOpenID) {
		r.ID, err = s.signIDToken(ctx, op.Now, &out)
	}
	return r, err
}

// isRefusal reports whether err refuses a request: its Update is committed, because it may spend a code.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*GrantError](err)
	return ok || errors.Is(err, ErrScope)
}

// Exchange makes a grant of the approval that take returns, and its first tokens. take runs in the Update that stores them. If it
// returns nil, its Update is committed and Exchange returns nil.
func (s *Service) Exchange(ctx context.Context, req account.RequestInfo, c *client.Client, take func(tx *account.Tx) (*AuthorizationCode, error)) (*Response, error) {
	return s.issue(ctx, req, c, func(tx *account.Tx, i *issuance) error {
		code, err := take(tx)
		if err != nil || code == nil {
			return err
		}
		g, id := s.newGrant(tx, c, code)
		return s.firstTokens(tx, i, g, id)
	})
}

// newGrant returns the grant of a code and its key.
func (s *Service) newGrant(tx *account.Tx, c *client.Client, code *AuthorizationCode) (g *Grant, id string) {
	scopes := c.AllowedScopes(code.Scopes) // the client may have fewer by now
	g = &Grant{Client: c.ID, AuthContext: code.AuthContext, Scopes: scopes, UserinfoClaims: code.UserinfoClaims, IDTokenClaims: code.IDTokenClaims,
		Created: tx.Op.Now, Expires: code.Until}
	if g.Offline = slices.Contains(scopes, client.ScopeOffline) && c.HasGrant(client.GrantRefresh); g.Offline {
		g.Expires = tx.Op.Now.Add(c.Policy.RefreshTokenTTL())
	}
	return g, string(g.User) + "/" + tx.Op.ID("grant")
}

// firstTokens stores a new grant and its first tokens.
func (s *Service) firstTokens(tx *account.Tx, i *issuance, g *Grant, id string) error {
	status, err := s.status(tx.Raw, tx.Op.Now, g)
	if err != nil || status != active {
		return orRefuse(err, "the session for which the code was issued has ended")
	}
	// An ID token is accepted without a lookup: the policy must hold when it is signed.
	if err := s.checkPolicy(tx.Raw, i.client, g); err != nil {
		return err
	}
	if err := s.putGrant(tx.Raw, id, g); err != nil {
		return err
	}
	if i.grant = *g; g.Offline {
		i.refresh = secret.From(refreshPrefix + tx.Op.Secret("refresh").Reveal())
	}
	return s.storeTokens(tx, i, id)
}

// checkPolicy returns a refusal if the user of a grant may no longer use the client.
func (s *Service) checkPolicy(r store.Reader, c *client.Client, g *Grant) error {
	if satisfied, err := s.satisfiesPolicy(r, c, g); !satisfied {
		return orRefuse(err, "the user may not use the client, or must sign in again")
	}
	return nil
}

// satisfiesPolicy reports whether the user of a grant may still use the client.
func (s *Service) satisfiesPolicy(r store.Reader, c *client.Client, g *Grant) (bool, error) {
	st, err := s.Accounts.Reader(r).Summary(g.User)
	return err == nil && c.Policy.Satisfied(st.Groups, g.ACR), err
}

// storeTokens stores the tokens of a grant: an access token, and a refresh token if the grant is offline.
func (s *Service) storeTokens(tx *account.Tx, i *issuance, id string) (err error) {
	now, g := tx.Op.Now, &i.grant
	if i.token, err = s.storeAccess(tx.Raw, now, i.access, i.client, id, g.Scopes, g.Expires); err != nil {
		return err
	}
	if g.Offline {
		if err := s.refreshes.Put(tx.Raw, i.refresh.Key(), RefreshToken{Grant: id, Client: g.Client, Created: now, Expires: g.Expires}); err != nil {
			return err
		}
	}
	if i.client.TokenClaims || len(g.IDTokenClaims) > 0 {
		i.user, err = s.Accounts.Reader(tx.Raw).User(g.User)
	}
	return err
}

var verifierPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) // RFC 7636 §4.1

// verifierCheck returns a function that reports whether a verifier matches a challenge. Without a challenge only the empty
// verifier matches: otherwise the challenge was removed from the request (RFC 9700 §4.8.2).
func verifierCheck(verifier string) func(challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	computed := base64.RawURLEncoding.EncodeToString(sum[:])
	valid := verifierPattern.MatchString(verifier)
	return func(challenge string) bool {
		if challenge == "" {
			return verifier == ""
		}
		return valid && subtle.ConstantTimeCompare([]byte(computed), []byte(challenge)) == 1
	}
}
