package account

import (
	"fmt"
	"time"
)

// The statuses of an active user that are not stored. They follow from other fields.
const (
	StatusLocked   Status = "LOCKED_OUT"       // too many failures: codes or passwords are not checked for a while (protocol rule 17)
	StatusRecovery Status = "RECOVERY"         // a password link that an administrator started is valid
	StatusExpired  Status = "PASSWORD_EXPIRED" // the user must choose another password at the next complete sign-in
)

// PasswordLink describes the last password link that an administrator started.
type PasswordLink struct {
	Epoch uint64    `cbor:"1,keyasint"` // of the user; the link ends when the epoch rises
	Until time.Time `cbor:"2,keyasint" ahead:"1h"`
}

// Statuses returns every display status.
func Statuses() []Status {
	return []Status{StatusStaged, StatusProvisioned, StatusSuspended, StatusDeactivated, StatusLocked, StatusActive, StatusRecovery, StatusExpired}
}

// DisplayStatus returns the status that administrators see. For an active user it is the first of LOCKED_OUT, RECOVERY,
// PASSWORD_EXPIRED and ACTIVE that applies. No page for unauthenticated clients may show it, and no rule depends on it.
func (r Reader) DisplayStatus(u *User, now time.Time) (Status, error) {
	if u.Status != StatusActive {
		return u.Status, nil
	}
	f, err := r.s.Failures.Get(r.Raw, r.s.FailureID(u.ID))
	if err != nil {
		return "", fmt.Errorf("reading failures: %w", err)
	}
	switch {
	case f.Blocked(now):
		return StatusLocked, nil
	case u.PasswordLink.Epoch == u.Epoch && now.Before(u.PasswordLink.Until):
		return StatusRecovery, nil
	case u.Password.MustChange != "":
		return StatusExpired, nil
	}
	return StatusActive, nil
}
