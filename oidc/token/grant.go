package token

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/session"
	"barillet/oidc/client"
	"barillet/store"
)

// AuthContext describes the authentication on which tokens are based: the user, the session, the method and the time.
type AuthContext struct {
	User     account.UserID `json:"user"`
	Login    string         `json:"login"`   // at the time of the authentication, for the audit log
	Session  string         `json:"session"` // key of the session record
	SID      string         `json:"sid"`     // public identifier of the session
	Epoch    uint64         `json:"epoch"`
	Since    time.Time      `json:"since"`               // start of the session
	Until    time.Time      `json:"until" since:"Since"` // latest end of the session
	AuthTime time.Time      `json:"authTime"`
	AMR      []string       `json:"amr"`
	ACR      string         `json:"acr"`
}

// NewAuthContext returns the AuthContext of a session. Its AuthTime is the last proof: the sign-in or a later step-up.
func NewAuthContext(b *session.Info) AuthContext {
	at := b.Created
	if b.StepUpAt.After(at) {
		at = b.StepUpAt
	}
	return AuthContext{User: b.User, Login: b.Login, Session: b.Key, SID: b.ID, Epoch: b.Epoch, Since: b.Created, Until: b.Until,
		AuthTime: at, AMR: b.AMR, ACR: client.LevelOf(b)}
}

// Grant is what a user allowed a client, and the family of the tokens that were issued for it. A token is valid only while its
// grant is active. A grant is stored below "<user>/<id>".
type Grant struct {
	Client client.ID `json:"client"`
	AuthContext
	Scopes          []string  `json:"scopes"`
	UserinfoClaims  []string  `json:"userinfoClaims,omitempty"`
	IDTokenClaims   []string  `json:"idTokenClaims,omitempty"`
	Offline         bool      `json:"offline,omitempty"`         // stays active when its session expires, but not when it is ended
	OutlivesSession bool      `json:"outlivesSession,omitempty"` // the session expired; recorded before it expired
	Created         time.Time `json:"created"`
	Expires         time.Time `json:"expires" since:"Created"`
}

// grantStatus is the state of a grant.
type grantStatus int

const (
	active  grantStatus = iota
	revoked             // by a sign-out, a reset, a deactivation, a new password, …
	expired
)

// status returns the state of a grant: it follows the user's epoch and status, and the session. Every use of a token checks
// it (protocol rules 2 and 28).
func (s *Service) status(r store.Reader, now time.Time, g *Grant) (grantStatus, error) {
	if !now.Before(g.Expires) {
		return expired, nil
	}
	st, err := s.Accounts.Reader(r).Summary(g.User)
	switch {
	case isGone(err):
		return revoked, nil
	case err != nil:
		return revoked, err
	case st.Status != account.StatusActive || st.Epoch != g.Epoch:
		return revoked, nil
	}
	_, err = s.Sessions.Lookup(r, g.Session, now)
	switch {
	case err == nil:
		return active, nil
	case !isGone(err):
		return revoked, err
	case g.OutlivesSession:
		return active, nil
	}
	listed, err := s.Sessions.IsListed(r, g.User, g.Session)
	switch {
	case err != nil || !listed:
		return revoked, err
	case g.Offline:
		return active, nil
	}
	return expired, nil
}

// activeGrant loads an active grant; nil if there is none.
func (s *Service) activeGrant(r store.Reader, now time.Time, id string) (*Grant, error) {
	g, err := s.grants.Get(r, id)
	if there, err := store.Found(err); !there {
		return nil, err
	}
	status, err := s.status(r, now, &g)
	if err != nil || status != active {
		return nil, err
	}
	return &g, nil
}

// grantKeys returns the keys of those grants of a user that match, in order.
func (s *Service) grantKeys(snap store.Snapshot, user account.UserID, match func(*Grant) (bool, error)) ([]string, error) {
	var keys []string
	err := s.grants.Scan(snap, string(user)+"/", "", 0, func(key string, g Grant) error {
		matches, err := match(&g)
		if matches {
			keys = append(keys, key)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing grants: %w", err)
	}
	return keys, nil
}

// EndSession ends the grants of a session that has just ended, and queues their logout tokens. EndRevokedGrants finds the
// grants of sessions that end otherwise.
func (s *Service) EndSession(ctx context.Context, user account.UserID, sid string) error {
	return s.endGrantsOf(ctx, user, func(_ store.Reader, g *Grant) (bool, error) { return g.SID == sid, nil })
}

func (s *Service) endGrantsOf(ctx context.Context, user account.UserID, match func(store.Reader, *Grant) (bool, error)) error {
	var keys []string
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		keys, err = s.grantKeys(snap, user, func(g *Grant) (bool, error) { return match(snap, g) })
		return err
	})
	if err != nil {
		return err
	}
	return s.endGrants(ctx, keys)
}

// endBatch is how many grants one Update ends: three keys each, and those that a status reads.
const endBatch = 8

// endGrants ends those of the grants that exist.
func (s *Service) endGrants(ctx context.Context, keys []string) error {
	now := s.now()
	for part := range slices.Chunk(keys, endBatch) {
		err := s.Store.Update(ctx, func(tx store.Tx) error { return s.endEach(tx, now, part) })
		if err != nil {
			return fmt.Errorf("ending grants: %w", err)
		}
	}
	return nil
}

func (s *Service) endEach(tx store.Tx, now time.Time, keys []string) error {
	for _, key := range keys {
		g, err := s.grants.Get(tx, key)
		if there, err := store.Found(err); err != nil {
			return err
		} else if !there {
			continue
		}
		if err := s.endGrant(tx, now, key, &g); err != nil {
			return err
		}
	}
	return nil
}

// endStillRevoked ends those of the grants that are still revoked.
func (s *Service) endStillRevoked(ctx context.Context, keys []string) error {
	for part := range slices.Chunk(keys, endBatch) {
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			now := s.now()
			for _, key := range part {
				g, err := s.grants.Get(tx, key)
				if there, err := store.Found(err); err != nil {
					return err
				} else if !there {
					continue
				}
				if status, err := s.status(tx, now, &g); err != nil {
					return err
				} else if status != revoked {
					continue
				}
				if err := s.endGrant(tx, now, key, &g); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("ending revoked grants: %w", err)
		}
	}
	return nil
}

// endGrant deletes a grant and queues the logout token of its client.
func (s *Service) endGrant(tx store.Tx, now time.Time, key string, g *Grant) error {
	if err := s.grants.Delete(tx, key); err != nil {
		return err
	}
	return s.queueLogout(tx, now, g)
}
