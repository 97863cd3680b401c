package account

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/store"
)

// Session is somebody signed in, kept below the hash of its secret.
type Session struct {
	User     UserID    `json:"user"`
	Epoch    uint64    `json:"epoch"`
	Created  time.Time `json:"created"`  // of the sign-in, also after the session was re-issued
	LastSeen time.Time `json:"lastSeen"` // at most a minute behind
	AMR      []string  `json:"amr"`      // RFC 8176
	Browser  string    `json:"browser"`  // hash of the known browser that it lives on
	Shared   bool      `json:"shared,omitempty"`
	APIToken string    `json:"apiToken,omitempty"` // id of the API token that it was opened by: no browser's, and worth nothing at any door
	Address  string    `json:"address,omitempty"`
	Agent    string    `json:"agent,omitempty"`

	StepUp              StepUp            `json:"stepUp,omitzero"`
	PhishingResistantAt time.Time         `json:"phishingResistantAt,omitzero"` // when what withstands phishing was last proven after the sign-in
	Ceremony            *Ceremony         `json:"ceremony,omitempty"`
	Enrol               *PendingEnrolment `json:"enrol,omitempty"`
	Copying             *PendingCopy      `json:"copying,omitempty"`
}

// StepUp is the last device proven for an act after the sign-in (PROTOCOL 5). Enrolling tells that it was a
// recovery code or a device just enrolled: it is good for adding devices and making codes, for nothing else.
type StepUp struct {
	At        time.Time `json:"at"`
	EnrolOnly bool      `json:"enrolOnly,omitempty"`
}

// SessionID is the public name of a session: it finds nothing and opens nothing.
func SessionID(hash string) string { return hash[:16] }

func (p StepUp) Fresh(now time.Time) bool {
	return !p.At.IsZero() && now.Before(p.At.Add(StepUpTTL)) && !now.Before(p.At.Add(-time.Minute))
}

// OpenAt reports whether the session is open at now if it was last used at seen. It compares the epoch, the status and
// the limits of the policy.
func (ses *Session) OpenAt(st *Summary, p *Policy, seen, now time.Time) bool {
	return ses.Epoch == st.Epoch && st.Status == StatusActive &&
		now.Before(ses.Created.Add(p.SessionMax)) && now.Before(seen.Add(p.SessionIdle)) &&
		!now.Before(ses.Created.Add(-time.Hour)) // the clock was set back by more than an hour
}

// RevokeSessions drops every session of the person but the one kept ("": none) and tells how many were alive.
func (tx *Tx) RevokeSessions(u *User, keep string) (int, error) {
	ended, st := 0, u.Summarize()
	var left []SessionRef
	for _, ref := range u.Sessions {
		if ref.Hash == keep {
			left = append(left, ref)
			continue
		}
		ses, err := tx.s.sessions.Get(tx.Raw, ref.Hash)
		switch {
		case errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return 0, fmt.Errorf("loading a session to end it: %w", err)
		case ses.OpenAt(&st, &tx.s.Policy, ses.LastSeen, tx.Op.Now):
			ended++
		}
		if err := tx.s.sessions.Delete(tx.Raw, ref.Hash); err != nil {
			return 0, fmt.Errorf("ending a session: %w", err)
		}
	}
	u.Sessions = left
	return ended, nil
}

// AMRHardwareKey is the method of a security key, the one that withstands phishing (RFC 8176 section 2).
const AMRHardwareKey = "hwk"

// LastPhishingResistant is when what withstands phishing was last proven, at the sign-in or after it; zero: never in this session. A
// code proven since then renews nothing of it.
func (ses *Session) LastPhishingResistant() time.Time {
	if ses.PhishingResistantAt.IsZero() && slices.Contains(ses.AMR, AMRHardwareKey) {
		return ses.Created
	}
	return ses.PhishingResistantAt
}

// JoinAMR joins authentication methods, "mfa" once two different ones were shown (RFC 8176 section 2).
func JoinAMR(password bool, methods []string) []string {
	out := []string{}
	if password {
		out = append(out, "pwd")
	}
	for _, m := range append(methods, "mfa") {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
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

// PhishingResistant is the one judgement of what was proven; Strong is the one of what could be.
func PhishingResistant(amr []string) bool { return slices.Contains(amr, AMRHardwareKey) }
