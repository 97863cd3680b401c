package authn

import "time"

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

// RevokeAllSessions ends every session of a person and by the Epoch whatever else stands on it, logins under way
// included (PROTOCOL 2); forget drops the known browsers as well, so that the next sign-in on any is a new one. It
// tells how many sessions were alive. The caller audits and saves.
func (tx *Tx) RevokeAllSessions(u *User, forget bool) (ended int, err error) {
	if ended, err = tx.RevokeSessions(u, ""); err != nil {
		return 0, err
	}
	u.Epoch++
	if forget {
		u.Browsers = nil
	}
	return ended, nil
}
