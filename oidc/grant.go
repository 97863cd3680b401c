package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/authn"
	"barillet/store"
)

// AuthContext is who signed in, how, and in which session: what every token goes back to.
type AuthContext struct {
	User     authn.UserID `json:"user"`
	Login    string       `json:"login"` // at that time, for the log
	Session  string       `json:"session"`
	SID      string       `json:"sid"` // the session's public name
	Epoch    uint64       `json:"epoch"`
	Since    time.Time    `json:"since"` // of the session
	Until    time.Time    `json:"until"` // when the session is over at the latest
	AuthTime time.Time    `json:"authTime"`
	AMR      []string     `json:"amr"`
	ACR      string       `json:"acr"`
}

func newAuthContext(b *authn.Bearer) AuthContext {
	return AuthContext{User: b.User, Login: b.Login, Session: b.Session, SID: b.ID, Epoch: b.Epoch, Since: b.Since, Until: b.Until,
		AuthTime: authTime(b), AMR: b.AMR, ACR: LevelOf(b)}
}

// Grant is what a person let an application have, once: the family of the tokens that came of one code. Without its
// Grant no token is good. It is kept below "<user>/<id>".
type Grant struct {
	Client ClientID `json:"client"`
	AuthContext
	Scopes          []string  `json:"scopes"`
	UserinfoClaims  []string  `json:"userinfoClaims,omitempty"`
	IDTokenClaims   []string  `json:"idTokenClaims,omitempty"`
	Offline         bool      `json:"offline,omitempty"`         // lives on when the session is over, but not when it was ended
	OutlivesSession bool      `json:"outlivesSession,omitempty"` // the session is over by time, as was seen while that could be told
	Created         time.Time `json:"created"`
	Expires         time.Time `json:"expires"`
}

// Status tells how a grant stands.
type Status int

const (
	Active  Status = iota
	Revoked        // by somebody: a sign-out, a reset, a suspension, a changed password
	Expired        // by time
)

// status tells how a grant stands now: by the person's Epoch and status, and by the session that it came of. It is
// asked at every use of every token, so that nothing outlives its reason by more than a moment (PROTOCOL 2, 28).
func (p *Provider) status(r store.Reader, now time.Time, g *Grant) (Status, error) {
	if !now.Before(g.Expires) {
		return Expired, nil
	}
	st, err := p.People.Stands(r, g.User)
	switch {
	case gone(err):
		return Revoked, nil
	case err != nil:
		return Revoked, err
	case st.Status != authn.StatusActive || st.Epoch != g.Epoch:
		return Revoked, nil
	}
	_, err = p.People.Bearer(r, g.Session, now)
	switch {
	case err == nil:
		return Active, nil
	case !gone(err):
		return Revoked, err
	case g.OutlivesSession:
		return Active, nil
	}
	listed, err := p.People.Listed(r, g.User, g.Session)
	switch {
	case err != nil || !listed:
		return Revoked, err
	case g.Offline:
		return Active, nil
	}
	return Expired, nil
}

// grant loads a grant that stands; nil when there is none.
func (p *Provider) grant(r store.Reader, now time.Time, id string) (*Grant, error) {
	g, err := p.grants.Get(r, id)
	if there, err := found(err); !there {
		return nil, err
	}
	how, err := p.status(r, now, &g)
	if err != nil || how != Active {
		return nil, err
	}
	return &g, nil
}

// AccessToken is an access token, kept below the SHA-256 of its value. It is opaque and looked up at every use.
type AccessToken struct {
	Grant   string    `json:"grant,omitempty"` // "": of a client for itself
	Client  ClientID  `json:"client"`
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// validToken is an access token that is good, with what it goes back to.
type validToken struct {
	AccessToken
	client *Client
	grant  *Grant // nil: of a client for itself
}

// Lookup looks an access token up; nil when it is not, or no longer, good.
func (p *Provider) Lookup(r store.Reader, now time.Time, token string) (*validToken, error) {
	if len(token) > 256 || !strings.HasPrefix(token, accessPrefix) {
		return nil, nil
	}
	t, err := p.accesses.Get(r, authn.SecretOf(token).Hash())
	if there, err := found(err); !there || !now.Before(t.Expires) {
		return nil, err
	}
	out := &validToken{AccessToken: t}
	if out.client, err = p.loadClient(r, t.Client); err != nil || out.client == nil {
		return nil, err
	}
	out.Scopes = out.client.AllowedScopes(t.Scopes) // what an administrator took from the client is gone from its tokens
	if t.Grant == "" {
		return out, nil
	}
	if out.grant, err = p.grant(r, now, t.Grant); err != nil || out.grant == nil {
		return nil, err
	}
	st, err := p.People.Stands(r, out.grant.User)
	if err != nil || !out.client.Policy.Satisfied(st.Groups, out.grant.ACR) {
		return nil, err
	}
	return out, nil
}

// The beginnings of tokens, so that scanners for leaked secrets recognise them.
const (
	accessPrefix       = "bat_"
	refreshPrefix      = "brt_"
	clientPrefix       = "bcs_" // client secrets
	registrationPrefix = "bcm_" // registration access tokens
)

// storeAccess stores a new access token of a grant.
func (p *Provider) storeAccess(tx store.Tx, now time.Time, secret authn.Secret, c *Client, grant string, granted []string, most time.Time) (AccessToken, error) {
	t := AccessToken{Grant: grant, Client: c.ID, Scopes: granted, Created: now, Expires: now.Add(c.Policy.AccessTokenTTL())}
	if !most.IsZero() && t.Expires.After(most) {
		t.Expires = most
	}
	if err := p.accesses.Put(tx, secret.Hash(), t); err != nil {
		return t, fmt.Errorf("storing an access token: %w", err)
	}
	return t, nil
}

// grantsOf are the grants of somebody, by key.
func (p *Provider) grantsOf(s store.Snapshot, id authn.UserID) (map[string]Grant, error) {
	out := map[string]Grant{}
	err := p.grants.Scan(s, string(id)+"/", "", 0, func(key string, g Grant) error {
		out[key] = g
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing grants: %w", err)
	}
	return out, nil
}

// grantKeys are the keys of those of somebody's grants that are meant, in their order.
func (p *Provider) grantKeys(s store.Snapshot, id authn.UserID, meant func(*Grant) bool) ([]string, error) {
	var keys []string
	all, err := p.grantsOf(s, id)
	for key, g := range all {
		if meant(&g) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, err
}

// SignedOut ends what applications were given in a session that somebody just ended, and queues their logouts. Grants
// of sessions that end in any other way are found by Reap.
func (p *Provider) SignedOut(ctx context.Context, user authn.UserID, sid string) error {
	return p.endSession(ctx, user, sid, false)
}

// endSession ends the grants of a session; over: if it is not alive any more.
func (p *Provider) endSession(ctx context.Context, user authn.UserID, sid string, over bool) error {
	var keys []string
	err := p.Store.View(ctx, func(s store.Snapshot) error {
		var failed error
		var err error
		keys, err = p.grantKeys(s, user, func(g *Grant) bool {
			if g.SID != sid || !over {
				return g.SID == sid
			}
			_, err := p.People.Bearer(s, g.Session, p.now())
			if err != nil && !gone(err) {
				failed = err
			}
			return gone(err)
		})
		if err == nil {
			err = failed
		}
		return err
	})
	if err != nil {
		return err
	}
	return p.endGrants(ctx, keys)
}

// endBatch is how many grants one Update ends: three keys each, and the keys that a judgement reads.
const endBatch = 8

// endGrants ends grants, be they there or not.
func (p *Provider) endGrants(ctx context.Context, keys []string) error {
	now := p.now()
	defer p.logoutWorker.Kick()
	for part := range slices.Chunk(keys, endBatch) {
		err := p.Store.Update(ctx, func(tx store.Tx) error { return p.endEach(tx, now, part) })
		if err != nil {
			return fmt.Errorf("ending grants: %w", err)
		}
	}
	return nil
}

// endEach ends grants within a change, be they there or not.
func (p *Provider) endEach(tx store.Tx, now time.Time, keys []string) error {
	for _, key := range keys {
		g, err := p.grants.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = p.endGrant(tx, now, key, &g)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endGrant ends one grant within a change and queues the application's logout.
func (p *Provider) endGrant(tx store.Tx, now time.Time, key string, g *Grant) error {
	if err := p.grants.Delete(tx, key); err != nil {
		return err
	}
	return p.queueLogout(tx, now, g)
}
