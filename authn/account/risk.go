package account

import (
	"context"
	"fmt"
	"time"

	"barillet/factors"
	"barillet/store"
)

// DeviceSummary is what stands between a person and being locked out.
type DeviceSummary struct {
	Devices       []factors.Device // usable ones that count as a device (PROTOCOL 6), without what only proofs need
	Copies        int              // further phones that have the QR code of one of them, confirmed
	RecoveryCodes int              // recovery codes that are left
	TicketUntil   time.Time        // until when a ticket lets them enrol; zero: none
}

// DeviceSummary tells what the person has at this time.
func (s *Service) DeviceSummary(u *User, now time.Time) DeviceSummary {
	var out DeviceSummary
	for _, d := range s.UsableDevices(u) {
		out.RecoveryCodes += s.Status(d).Remaining
		if !s.Method(d.Kind).Primary {
			continue
		}
		for _, c := range d.Copies {
			if !c.Confirmed.IsZero() && !c.ScanAgain {
				out.Copies++
			}
		}
		d.Data = nil
		out.Devices = append(out.Devices, d)
	}
	for _, t := range u.Tickets {
		if now.Before(t.Expires) && t.Expires.After(out.TicketUntil) {
			out.TicketUntil = t.Expires
		}
	}
	return out
}

// ListAdministrators lists the people who have a role, in the order of their ids. It looks for them among the standings, which are
// small, 5,000 in one reading at most. next is the cursor for more, "" at the end.
func (s *Service) ListAdministrators(ctx context.Context, after string) (staff []User, next string, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		staff, next = nil, ""
		r, seen := Reader{s, snap}, 0
		return s.summaries.Scan(snap, "", after, 0, func(id string, st Summary) error {
			if seen++; seen > maxScanned {
				next = after
				return store.ErrStop
			}
			if after = id; len(st.Roles) == 0 {
				return nil
			}
			u, err := r.User(UserID(id))
			if err == nil {
				staff = append(staff, u)
			}
			return err
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing who has a role: %w", err)
	}
	return staff, next, nil
}
