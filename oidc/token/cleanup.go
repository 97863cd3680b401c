package token

import (
	"context"
	"errors"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/oidc/client"
	"barillet/store"
)

const (
	// outliveWindow is how long before the end of a session its offline grants are marked. A session that expired cannot always be
	// distinguished from one that was ended.
	outliveWindow = 5 * time.Minute

	maxClockStep  = time.Second // an adjustment of the clock, as opposed to a correction
	grantsInView  = 500         // grants that one View reads
	grantsAtStart = 2000        // grants of the table that one call of EndRevokedGrants reads after a start
)

// revocation is what EndRevokedGrants has done.
type revocation struct {
	users   store.Changes // users that changed
	watched bool
	after   string // the grants up to here were read after the start
	scanned bool   // all of them
	clock   time.Time
}

// Revoked returns a channel that has a value when EndRevokedGrants has something to do at once.
func (s *Service) Revoked() <-chan struct{} { return s.revocation.users.Woken() }

// EndRevokedGrants deletes the grants that are revoked, and queues the logout tokens of their clients. It marks the offline
// grants whose session is about to expire. It reads the grants of the users that changed since the last call: every end of a
// session changes its user. After a start, each call also reads a part of the table, because a crash can precede a call. The same
// follows when the clock was set back, because the store then corrects the ends of sessions (protocol rule 34). It is not safe
// for concurrent use.
func (s *Service) EndRevokedGrants(ctx context.Context) error {
	r := &s.revocation
	if !r.watched {
		s.Accounts.WatchUsers(r.users.Add)
		r.watched = true
	}
	now := s.now()
	if now.Before(r.clock.Add(-maxClockStep)) {
		r.after, r.scanned = "", false
	}
	r.clock = now
	if err := s.markOutliving(ctx); err != nil {
		return err
	}
	users := r.users.Take()
	for i, user := range users {
		if _, _, err := s.endRevoked(ctx, user+"/", "", 0); err != nil {
			r.users.Note(users[i:])
			return err
		}
	}
	if !r.scanned {
		after, more, err := s.endRevoked(ctx, "", r.after, grantsAtStart)
		if err != nil {
			return err
		}
		if r.after, r.scanned = after, !more; more {
			r.users.Add(nil)
		}
	}
	return nil
}

// endRevoked ends the revoked ones among the grants whose keys begin with sub and sort after the key after. It reads at most limit
// grants (0: all), and returns the last one and whether there are more. It also lists the offline ones that are not listed.
func (s *Service) endRevoked(ctx context.Context, sub, after string, limit int) (last string, more bool, err error) {
	for total := 0; ; {
		var keys, unlisted []string
		read := 0
		err := s.Store.View(ctx, func(snap store.Snapshot) error {
			keys, unlisted, read, last = nil, nil, 0, after
			return s.grants.Scan(snap, sub, after, grantsInView, func(key string, g Grant) error {
				read, last = read+1, key
				status, err := s.status(snap, s.now(), &g)
				if err == nil && status == revoked {
					keys = append(keys, key)
				} else if err == nil && status == active {
					var is bool
					if is, err = s.lacksEntry(snap, key, &g); is {
						unlisted = append(unlisted, key)
					}
				}
				return unlessUnreadable(err)
			})
		})
		if err == nil {
			err = errors.Join(s.endStillRevoked(ctx, keys), s.list(ctx, unlisted))
		}
		after, total = last, total+read
		if err != nil || read < grantsInView || limit > 0 && total >= limit {
			return last, read == grantsInView, err
		}
	}
}

// Sweeps returns the sweeps of expired codes, tokens and grants, and of the consents of users or clients that no longer exist.
func (s *Service) Sweeps() []store.TableSweep {
	return []store.TableSweep{
		store.NewSweep(s.codes, func(c UsedCode) bool { return !s.now().Before(c.Expires) }),
		store.NewSweep(s.accesses, func(t AccessToken) bool { return !s.now().Before(t.Expires) }),
		store.NewSweep(s.refreshes, func(t RefreshToken) bool { return !s.now().Before(t.Expires) }),
		store.NewSweep(s.grants, func(g Grant) bool { return !s.now().Before(g.Expires) }),
		store.NewDependentSweep(s.consents, s.isOrphaned),
	}
}

// isOrphaned reports whether the user or the client of a consent no longer exists.
func (s *Service) isOrphaned(r store.Reader, id string, _ Consent) (bool, error) {
	user, app, _ := strings.Cut(id, "/")
	if _, err := s.Accounts.Reader(r).Summary(account.UserID(user)); isGone(err) {
		return true, nil
	} else if err != nil {
		return false, err
	}
	c, err := s.Clients.Get(r, client.ID(app))
	return err == nil && c == nil, err
}
