package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// AuthorizationCode is an authorization code, kept below the SHA-256 of its value; a used one is kept as long as what came of it.
type AuthorizationCode struct {
	Client         ClientID `json:"client"`
	Redirect       string   `json:"redirect"`
	Challenge      string   `json:"challenge,omitempty"`
	Nonce          string   `json:"nonce,omitempty"`
	Scopes         []string `json:"scopes"`
	UserinfoClaims []string `json:"userinfoClaims,omitempty"`
	IDTokenClaims  []string `json:"idTokenClaims,omitempty"`
	AuthContext
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	Used    time.Time `json:"used,omitzero"`
	Grant   string    `json:"grant,omitempty"` // what came of it
}

// tokens is RFC 6749 section 5.1 and OpenID Connect Core section 3.1.3.3.
type tokens struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int64  `json:"expires_in"` // seconds
	Refresh string `json:"refresh_token,omitempty"`
	ID      string `json:"id_token,omitempty"`
	Scope   string `json:"scope"`
}

const tokenType = "Bearer" // RFC 6750

// issuedTokens is what an Update made of a code or a refresh token. A refusal is one, too: what it burns is stored.
type issuedTokens struct {
	refused *Error
	grant   Grant
	person  authn.User
	access  AccessToken
	nonce   string
}

// redeem takes a code, once. The compare-and-set that takes it is bound to the client, the redirect URI and
// the verifier; whichever is wrong, the code is spent all the same (BAR O1).
func (s *Provider) redeem(ctx context.Context, c *Client, form url.Values) (any, error) {
	act := s.People.NewAct(originOf(ctx))
	event := audit.NewID(act.Now)
	hash := authn.SecretOf(form.Get("code")).Hash()
	proves := verifierCheck(form.Get("code_verifier"))
	issue := issuing{act: act, client: c, access: prefixed(accessPrefix, act.Secret("access")), refresh: prefixed(refreshPrefix, act.Secret("refresh"))}
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (issuedTokens, error) {
		code, err := s.codes.Get(tx, hash)
		if there, err := found(err); !there {
			return issuedTokens{refused: invalidGrant("the code is not, or no longer, good")}, err
		}
		if !code.Used.IsZero() {
			return s.usedTwice(tx, issue, event, hash, &code)
		}
		code.Used = act.Now
		var refused *Error
		switch {
		case !act.Now.Before(code.Expires):
			refused = invalidGrant("the code is not, or no longer, good")
		case code.Client != c.ID:
			refused = invalidGrant("the code was issued to another client")
		case code.Redirect != form.Get("redirect_uri"):
			refused = invalidGrant("redirect_uri is not that of the authorization request")
		case !proves(code.Challenge):
			refused = invalidGrant("code_verifier does not fit the challenge")
		}
		if refused == nil {
			gone, err := s.withdrawn(tx, c, &code)
			if err != nil {
				return issuedTokens{}, err
			}
			if gone {
				refused = invalidGrant("the person took back the consent that the code came of")
			}
		}
		if refused != nil {
			code.Expires = act.Now.Add(codeTTL)
			return issuedTokens{refused: refused}, s.codes.Put(tx, hash, code)
		}
		return s.firstTokens(tx, issue, hash, &code)
	})
	return s.answered(ctx, act.Now, issue, out, err)
}

// usedTwice ends what came of a code at its first use: one of the two who had it is a thief (RFC 6749 section 4.1.2).
func (s *Provider) usedTwice(tx store.Tx, issue issuing, event, hash string, code *AuthorizationCode) (issuedTokens, error) {
	refused := issuedTokens{refused: invalidGrant("the code was used before")}
	if code.Grant == "" {
		return refused, nil
	}
	g, err := s.grants.Get(tx, code.Grant)
	if there, err := found(err); !there {
		return refused, err
	}
	if err := s.grants.Delete(tx, code.Grant); err != nil {
		return refused, err
	}
	return refused, s.audit(tx, issue.act, event, about(g.User, g.Login, issue.client, audit.AppGrantRevoked, audit.Failure, "code used twice"))
}

// issuing is what new tokens are made of.
type issuing struct {
	act             *authn.Act
	client          *Client
	access, refresh authn.Secret
}

func prefixed(prefix string, s authn.Secret) authn.Secret { return authn.SecretOf(prefix + s.Reveal()) }

// firstTokens makes the grant of a code and its first tokens.
func (s *Provider) firstTokens(tx store.Tx, issue issuing, hash string, code *AuthorizationCode) (issuedTokens, error) {
	c, now := issue.client, issue.act.Now
	g := Grant{Client: c.ID, AuthContext: code.AuthContext, Scopes: code.Scopes, UserinfoClaims: code.UserinfoClaims, IDTokenClaims: code.IDTokenClaims, Created: now, Expires: code.Until}
	if g.Offline = slices.Contains(code.Scopes, ScopeOffline) && c.HasGrant(GrantRefresh); g.Offline {
		g.Expires = now.Add(c.Policy.RefreshTokenTTL())
	}
	id := string(g.User) + "/" + issue.act.ID("grant")
	code.Grant, code.Expires = id, g.Expires
	if err := s.codes.Put(tx, hash, *code); err != nil {
		return issuedTokens{}, err
	}
	how, err := s.status(tx, now, &g)
	if err != nil || how != Active {
		return issuedTokens{refused: invalidGrant("the session that the code came of has ended")}, err
	}
	st, err := s.People.Stands(tx, g.User)
	if err != nil || !c.Policy.Satisfied(st.Groups, g.ACR) { // an ID token is believed by whoever gets it: nobody looks it up
		return issuedTokens{refused: invalidGrant("this person may not use the application any more, or has to sign in anew")}, err
	}
	if err := s.grants.Put(tx, id, g); err != nil {
		return issuedTokens{}, err
	}
	out := issuedTokens{grant: g, nonce: code.Nonce}
	return out, s.storeTokens(tx, issue, id, &out)
}

// storeTokens stores the tokens of a grant: the access token, and for one that lives on the next refresh token.
func (p *Provider) storeTokens(tx store.Tx, issue issuing, id string, out *issuedTokens) (err error) {
	now, g := issue.act.Now, &out.grant
	if out.access, err = p.storeAccess(tx, now, issue.access, issue.client, id, g.Scopes, g.Expires); err != nil {
		return err
	}
	if g.Offline {
		if err := p.refreshes.Put(tx, issue.refresh.Hash(), RefreshToken{Grant: id, Client: g.Client, Created: now, Expires: g.Expires}); err != nil {
			return err
		}
	}
	if issue.client.TokenClaims || len(g.IDTokenClaims) > 0 {
		out.person, err = p.People.Person(tx, g.User)
	}
	return err
}

// answered is the answer of the token endpoint. It is made only of what was committed.
func (s *Provider) answered(ctx context.Context, now time.Time, issue issuing, out issuedTokens, err error) (any, error) {
	if err != nil {
		return nil, fmt.Errorf("issuing tokens: %w", err)
	}
	if out.refused != nil {
		return nil, out.refused
	}
	answer := tokens{Access: issue.access.Reveal(), Type: tokenType, Expires: int64(out.access.Expires.Sub(now) / time.Second),
		Scope: strings.Join(out.access.Scopes, " ")}
	if out.grant.Offline {
		answer.Refresh = issue.refresh.Reveal()
	}
	if slices.Contains(out.grant.Scopes, ScopeOpenID) {
		if answer.ID, err = s.idTokenFor(ctx, now, issue.client, &out.grant, &out.person, out.nonce, answer.Access); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// verifierCheck tells of a verifier which challenges it fits. One that was sent where no challenge was fits none: somebody
// took the challenge out of the request (RFC 9700 section 4.8.2).
func verifierCheck(verifier string) func(challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	formed := verifierShaped.MatchString(verifier)
	return func(want string) bool {
		if want == "" {
			return verifier == ""
		}
		return formed && subtle.ConstantTimeCompare([]byte(challenge), []byte(want)) == 1
	}
}

// RefreshToken is a refresh token, kept below the SHA-256 of its value; a used one is kept as long as its grant.
type RefreshToken struct {
	Grant   string    `json:"grant"`
	Client  ClientID  `json:"client"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"` // the grant's: rotation lengthens nothing
	Used    time.Time `json:"used,omitzero"`
}

// refresh takes a refresh token, once, and gives the next. One that is used again within ten seconds by its own
// client is refused and no more, for answers get lost on the wifi of a garage; later it ends the grant (PROTOCOL 29).
func (s *Provider) refresh(ctx context.Context, c *Client, form url.Values) (any, error) {
	act := s.People.NewAct(originOf(ctx))
	event := audit.NewID(act.Now)
	hash := authn.SecretOf(form.Get("refresh_token")).Hash()
	issue := issuing{act: act, client: c, access: prefixed(accessPrefix, act.Secret("access")), refresh: prefixed(refreshPrefix, act.Secret("refresh"))}
	asked := words(form.Get("scope"))
	out, err := store.Do(ctx, s.Store, func(tx store.Tx) (issuedTokens, error) {
		t, err := s.refreshes.Get(tx, hash)
		if there, err := found(err); !there || t.Client != c.ID {
			return issuedTokens{refused: invalidGrant("the refresh token is not, or no longer, good")}, err
		}
		g, err := s.grant(tx, act.Now, t.Grant)
		if err != nil || g == nil {
			return issuedTokens{refused: invalidGrant("the refresh token is not, or no longer, good")}, err
		}
		g.Scopes = c.AllowedScopes(g.Scopes) // as they are now
		switch {
		case !t.Used.IsZero():
			return s.refreshedTwice(tx, issue, event, &t, g)
		case slices.ContainsFunc(asked, func(s string) bool { return !slices.Contains(g.Scopes, s) }):
			return issuedTokens{refused: invalidScope("scope is wider than what was granted")}, nil
		}
		st, err := s.People.Stands(tx, g.User)
		if err != nil || !c.Policy.Satisfied(st.Groups, g.ACR) {
			return issuedTokens{refused: invalidGrant("this person may not use the application any more, or has to sign in anew")}, err
		}
		t.Used = act.Now
		if err := s.refreshes.Put(tx, hash, t); err != nil {
			return issuedTokens{}, err
		}
		out := issuedTokens{grant: *g}
		if err := s.storeTokens(tx, issue, t.Grant, &out); err != nil || len(asked) == 0 {
			return out, err
		}
		out.access.Scopes = asked // narrower for this access token alone (RFC 6749 section 6)
		return out, s.accesses.Put(tx, issue.access.Hash(), out.access)
	})
	return s.answered(ctx, act.Now, issue, out, err)
}

// refreshedTwice judges a refresh token that comes again.
func (s *Provider) refreshedTwice(tx store.Tx, issue issuing, event string, t *RefreshToken, g *Grant) (issuedTokens, error) {
	refused := issuedTokens{refused: invalidGrant("the refresh token was used before")}
	if issue.act.Now.Before(t.Used.Add(refreshGrace)) {
		return refused, nil
	}
	if err := s.grants.Delete(tx, t.Grant); err != nil {
		return refused, err
	}
	return refused, s.audit(tx, issue.act, event, about(g.User, g.Login, issue.client, audit.AppGrantRevoked, audit.Failure, "refresh token used twice"))
}

// clientToken gives a client a token of its own: about nobody, without refresh or ID token.
func (s *Provider) clientToken(ctx context.Context, c *Client, form url.Values) (any, error) {
	act := s.People.NewAct(originOf(ctx))
	secret := prefixed(accessPrefix, act.Secret("access"))
	// No scope of people: there is nobody that they could be about.
	own := slices.DeleteFunc(c.AllowedScopes(words(form.Get("scope"))), func(s string) bool { return slices.Contains(Scopes, s) })
	t, err := store.Do(ctx, s.Store, func(tx store.Tx) (AccessToken, error) {
		return s.storeAccess(tx, act.Now, secret, c, "", own, time.Time{})
	})
	if err != nil {
		return nil, fmt.Errorf("issuing a token to a client: %w", err)
	}
	return tokens{Access: secret.Reveal(), Type: tokenType, Expires: int64(t.Expires.Sub(act.Now) / time.Second),
		Scope: strings.Join(own, " ")}, nil
}
