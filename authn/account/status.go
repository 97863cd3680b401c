package account

import (
	"fmt"
	"time"

	"barillet/internal/throttle"
)

// The states of an active person that are not stored but follow from what is: they end by themselves.
const (
	StatusLocked   Status = "LOCKED_OUT"       // codes or passwords are not judged for a while (PROTOCOL 17)
	StatusRecovery Status = "RECOVERY"         // an operator started a link to choose another password, and it is good
	StatusExpired  Status = "PASSWORD_EXPIRED" // another password is to be chosen at the next complete sign-in
)

// PasswordLink is the link to choose another password that an operator started last.
type PasswordLink struct {
	Epoch uint64    `json:"epoch"` // of the person: whatever raised it ended the link
	Until time.Time `json:"until"`
}

// DisplayStatus is where a person stands as operators see it, the first that holds of LOCKED_OUT, RECOVERY, PASSWORD_EXPIRED
// and ACTIVE for somebody active. It is for their eyes alone: no page before a session tells anything of it, and
// nothing is decided by it.
func (r Reader) DisplayStatus(u *User, now time.Time) (Status, error) {
	if u.Status != StatusActive {
		return u.Status, nil
	}
	f, err := r.s.Failures.Get(r.Raw, r.s.FailureID(u.ID))
	if err != nil {
		return "", fmt.Errorf("reading wrong answers: %w", err)
	}
	for _, class := range []throttle.Class{throttle.Code, throttle.Password} {
		for _, known := range []bool{false, true} {
			if ok, _ := f.Allowed(now, class, known); !ok {
				return StatusLocked, nil
			}
		}
	}
	switch {
	case u.PasswordLink.Epoch == u.Epoch && now.Before(u.PasswordLink.Until):
		return StatusRecovery, nil
	case u.Password.MustChange != "":
		return StatusExpired, nil
	}
	return StatusActive, nil
}
