package account

import (
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
	u.Devices, u.Tickets, u.AdminEnrolment, u.ResetAt = nil, nil, nil, tx.Op.Now
	u.Epoch++
	u.Resets++
	tx.AddAdminActivity(u, audit.FactorsReset, "")
	return out, nil
}
