package authn

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/store"
)

// OpenSessions lists where a person is signed in, the last seen first; This is never set.
func (r Reader) OpenSessions(u *User, now time.Time) ([]OpenSession, error) {
	return r.openSessions(u, "", now)
}

// ExpiresAt is when the session ends if nothing more is heard of it.
func (s *Service) ExpiresAt(o OpenSession) time.Time {
	idle, most := o.Seen.Add(s.Policy.SessionIdle), o.Since.Add(s.Policy.SessionMax)
	if idle.Before(most) {
		return idle
	}
	return most
}

// OpenSession is one place where the person is signed in.
type OpenSession struct {
	ID      string
	Agent   string
	Address string
	Since   time.Time
	Seen    time.Time
	Current bool
	Program bool // a program's, which no browser holds
}

// openSessions lists the sessions of the person that are alive, this one first.
func (r Reader) openSessions(u *User, this string, now time.Time) ([]OpenSession, error) {
	st := u.summary()
	var out []OpenSession
	for _, ref := range u.Sessions {
		ses, err := r.s.sessions.Get(r.r, ref.Hash)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("loading a session: %w", err)
		}
		if !r.s.listed(&ses, &st, ref.Hash, now) {
			continue
		}
		seen := ses.LastSeen
		if t := r.s.lastSeen.of(ref.Hash); t.After(seen) {
			seen = t
		}
		out = append(out, OpenSession{ID: sessionID(ref.Hash), Agent: ses.Agent, Address: ses.Address, Since: ses.Created,
			Seen: seen, Current: ref.Hash == this, Program: ses.APIToken != ""})
	}
	slices.SortStableFunc(out, func(a, b OpenSession) int {
		if a.Current != b.Current && a.Current {
			return -1
		} else if a.Current != b.Current {
			return 1
		}
		return b.Seen.Compare(a.Seen)
	})
	return out, nil
}
