package session

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// ExpiresAt returns the time at which a session ends if it is not used after seen.
func (s *Service) ExpiresAt(created, seen time.Time) time.Time {
	return earlier(seen.Add(s.Accounts.Policy.SessionIdle), created.Add(s.Accounts.Policy.SessionMax))
}

// Summary is one place where the person is signed in.
type Summary struct {
	ID        string
	Agent     string
	Address   string
	Since     time.Time
	LastSeen  time.Time
	ExpiresAt time.Time // if it is not used again
	Current   bool
	FromAPI   bool // a program's, which no browser holds
}

// List lists the sessions of the person that are alive, this one first.
func (s *Service) List(r account.Reader, u *account.User, this string, now time.Time) ([]Summary, error) {
	st := u.Summarize()
	var out []Summary
	for _, ref := range u.Sessions {
		ses, err := s.sessions.Get(r.Raw, ref.Hash)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("loading a session: %w", err)
		}
		if !s.listed(&ses, &st, ref.Hash, now) {
			continue
		}
		seen := ses.LastSeen
		if t := s.lastSeen.get(ref.Hash); t.After(seen) {
			seen = t
		}
		out = append(out, Summary{ID: account.SessionID(ref.Hash), Agent: ses.Agent, Address: ses.Address, Since: ses.Created,
			LastSeen: seen, ExpiresAt: s.ExpiresAt(ses.Created, seen), Current: ref.Hash == this, FromAPI: ses.APIToken != ""})
	}
	slices.SortStableFunc(out, func(a, b Summary) int {
		if a.Current != b.Current && a.Current {
			return -1
		} else if a.Current != b.Current {
			return 1
		}
		return b.LastSeen.Compare(a.LastSeen)
	})
	return out, nil
}
