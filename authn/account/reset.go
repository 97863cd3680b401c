package account

import (
	"barillet/factors"
	"barillet/internal/audit"
)

// Cleared is what a reset took away.
type Cleared struct {
	Devices  map[factors.Kind]int
	Copies   int
	Codes    int // recovery codes that were left
	Sessions int
	Tickets  int
}

// IsZero tells that there was nothing left to clear.
func (c Cleared) IsZero() bool { return len(c.Devices) == 0 && c.Sessions == 0 }

// ResetDevices takes every device, ticket and session from the person and raises the Epoch, so that whatever
// else stands on it is dead too: enrolments under way, grants, remembered browsers. The caller audits, gives a
// ticket and saves. It lists kinds by what is there, so that no kind can be forgotten.
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
