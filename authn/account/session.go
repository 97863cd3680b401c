package account

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"barillet/factors"
	"barillet/internal/secret"
	"barillet/store"
)

// Session is the record of a session. Its key is the hash of the session's secret.
type Session struct {
	User     UserID    `cbor:"1,keyasint"`
	Epoch    uint64    `cbor:"2,keyasint"`
	Created  time.Time `cbor:"3,keyasint" within:"1h"` // time of the sign-in; a rotation does not change it
	LastSeen time.Time `cbor:"4,keyasint"`             // at most one minute behind
	AMR      []string  `cbor:"5,keyasint"`             // RFC 8176
	Browser  string    `cbor:"6,keyasint"`             // hash of the known-browser cookie
	APIToken string    `cbor:"7,keyasint,omitempty"`   // id of the API token of an API sign-in; such a session authenticates no request
	Address  string    `cbor:"8,keyasint,omitempty"`
	Agent    string    `cbor:"9,keyasint,omitempty"`

	StepUp              StepUp            `cbor:"10,keyasint,omitzero"`
	PhishingResistantAt time.Time         `cbor:"11,keyasint,omitzero"` // last use of a phishing-resistant device after the sign-in
	Ceremony            *factors.Ceremony `cbor:"12,keyasint,omitempty"`
	Enrol               *PendingEnrolment `cbor:"13,keyasint,omitempty"`
	Copying             *PendingCopy      `cbor:"14,keyasint,omitempty"`
}

// StepUp is the last proof of a device (protocol rule 5). EnrolOnly is true for a recovery code or a new device: such a
// step-up allows only to add devices and to make recovery codes. SignIn is true if the proof was the sign-in itself: such a
// step-up allows only operations of the user on their own account.
type StepUp struct {
	At        time.Time `cbor:"1,keyasint"`
	EnrolOnly bool      `cbor:"2,keyasint,omitempty"`
	SignIn    bool      `cbor:"3,keyasint,omitempty"`

	Device factors.DeviceID `cbor:"4,keyasint,omitempty"` // that was proven; "" with EnrolOnly and SignIn
	Spent  bool             `cbor:"5,keyasint,omitempty"` // a handover used it, and no other may (protocol rule 9)
}

// SessionID returns the public id of the session with a record key. It authenticates nothing.
func SessionID(key string) string { return secret.KeyID(key) }

// Fresh reports whether the step-up is younger than StepUpTTL. A step-up more than one minute in the future is not fresh.
func (s StepUp) Fresh(now time.Time) bool {
	return !s.At.IsZero() && now.Before(s.At.Add(StepUpTTL)) && !now.Before(s.At.Add(-time.Minute))
}

// OpenAt reports whether the session is open at now if it was last used at seen. It compares the epoch, the status and
// the limits of the policy.
func (s *Session) OpenAt(sum *Summary, p *Policy, seen, now time.Time) bool {
	return s.Epoch == sum.Epoch && sum.Status == StatusActive &&
		now.Before(s.Created.Add(p.SessionMax)) && now.Before(seen.Add(p.SessionIdle)) &&
		!now.Before(s.Created.Add(-time.Hour)) // the clock was set back by more than an hour
}

// RevokeSessions ends every session of the user except the one with the key keep ("": all). It returns the number of open
// sessions among them. The caller saves the user.
func (tx *Tx) RevokeSessions(u *User, keep string) (int, error) {
	ended, sum := 0, u.Summarize()
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
			return 0, fmt.Errorf("loading a session: %w", err)
		case ses.OpenAt(&sum, &tx.s.Policy, ses.LastSeen, tx.Op.Now):
			ended++
		}
		if err := tx.s.sessions.Delete(tx.Raw, ref.Hash); err != nil {
			return 0, fmt.Errorf("deleting a session: %w", err)
		}
	}
	u.Sessions = left
	return ended, nil
}

// AMRHardwareKey is the authentication method of a security key, the only phishing-resistant one (RFC 8176 §2).
const AMRHardwareKey = "hwk"

// LastPhishingResistant returns the time of the last use of a phishing-resistant device, at the sign-in or later; zero if there
// was none. Later use of another device does not change it.
func (s *Session) LastPhishingResistant() time.Time {
	if s.PhishingResistantAt.IsZero() && slices.Contains(s.AMR, AMRHardwareKey) {
		return s.Created
	}
	return s.PhishingResistantAt
}

// RevokeAllSessions ends every session of the user and raises the epoch, which ends grants and sign-in transactions too
// (protocol rule 2). If forgetBrowsers is true, the user has no known browser afterwards. It returns the number of open
// sessions among them. The caller audits and saves the user.
func (tx *Tx) RevokeAllSessions(u *User, forgetBrowsers bool) (ended int, err error) {
	if ended, err = tx.RevokeSessions(u, ""); err != nil {
		return 0, err
	}
	u.Epoch++
	if forgetBrowsers {
		u.Browsers = nil
	}
	return ended, nil
}

// PhishingResistant reports whether the methods include a phishing-resistant one.
func PhishingResistant(amr []string) bool { return slices.Contains(amr, AMRHardwareKey) }
