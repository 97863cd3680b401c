package session

import (
	"errors"
	"fmt"
	"sort"
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// Summary describes one session of a list.
type Summary struct {
	ID        string
	Agent     string
	Address   string
	Since     time.Time
	LastSeen  time.Time
	ExpiresAt time.Time // if it is not used again
	Current   bool
	FromAPI   bool // opened by an API sign-in
}

// ExpiresAt returns the time at which a session ends if it is not used after seen.
func (s *Service) ExpiresAt(created, seen time.Time) time.Time {
	return earlier(seen.Add(s.Accounts.Policy.SessionIdle), created.Add(s.Accounts.Policy.SessionMax))
}

// List returns the active sessions of the user, the one with the key current first, then by last use. current may be empty.
func (s *Service) List(r account.Reader, u *account.User, current string, now time.Time) ([]Summary, error) {
	sum := u.Summarize()
	var out []Summary
	for _, ref := range u.Sessions {
		ses, err := s.sessions.Get(r.Raw, ref.Hash)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("loading a session: %w", err)
		}
		if !s.listed(&ses, &sum, ref.Hash, now) {
			continue
		}
		seen := s.seen(&ses, ref.Hash)
		out = append(out, Summary{ID: account.SessionID(ref.Hash), Agent: ses.Agent, Address: ses.Address, Since: ses.Created,
			LastSeen: seen, ExpiresAt: s.ExpiresAt(ses.Created, seen), Current: ref.Hash == current, FromAPI: ses.APIToken != ""})
	}
	sort.SliceStable(out, func(i, j int) bool {
		if out[i].Current != out[j].Current {
			return out[i].Current
		}
		return out[i].LastSeen.After(out[j].LastSeen)
	})
	return out, nil
}
