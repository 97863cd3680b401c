package account

import (
	"time"

	"barillet/factors"
	"barillet/internal/audit"
)

// Cleared counts what ResetDevices removed.
type Cleared struct {
	Devices  map[factors.Kind]int
	Copies   int
	Codes    int // unused recovery codes
	Sessions int
	Tickets  int
}

// IsZero reports whether the user had no device and no session.
func (c Cleared) IsZero() bool { return len(c.Devices) == 0 && c.Sessions == 0 }

// ResetDevices removes every device, ticket and session of the user and raises the epoch, which ends enrolments, grants and
// sign-in transactions too. The caller audits, issues a ticket and saves the user.
func (tx *Tx) ResetDevices(u *User) (Cleared, error) {
	out := Cleared{Devices: map[factors.Kind]int{}, Tickets: len(u.Tickets)}
	for _, d := range u.Devices {
		out.Devices[d.Kind]++
		out.Copies += len(d.Copies)
		out.Codes += tx.s.Status(d).Remaining
		if err := tx.ReleaseUnique(d); err != nil {
			return out, err
		}
	}
	for _, t := range u.Tickets {
		if err := tx.DeleteLink(t.Link); err != nil {
			return out, err
		}
	}
	n, err := tx.RevokeSessions(u, "")
	if err != nil {
		return out, err
	}
	out.Sessions = n
	u.Devices, u.Tickets, u.AdminEnrolment, u.ResetAt, u.ReenrolledAt = nil, nil, nil, tx.Op.Now, time.Time{}
	u.Epoch++
	u.Resets++
	tx.AddAdminActivity(u, audit.FactorsReset, "")
	return out, nil
}

// coolOff is how long a cool-off lasts after the enrolment that ended a reset (protocol rule 11).
const coolOff = 24 * time.Hour

// CoolOff reports whether the user is in cool-off: after a reset, until 24 hours after the first enrolment that followed. until is
// that end; zero while nothing was enrolled.
func (u *User) CoolOff(now time.Time) (until time.Time, ok bool) {
	if u.ReenrolledAt.IsZero() {
		return time.Time{}, u.Resets > 0
	}
	until = u.ReenrolledAt.Add(coolOff)
	return until, now.Before(until)
}
