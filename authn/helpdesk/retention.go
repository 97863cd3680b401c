package helpdesk

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

const (
	unknownTTL = 30 * 24 * time.Hour // of an open request about an unknown address, from its last change
	oldBatch   = 100                 // requests of one step of SweepOld, which changes each in its own Update
)

// SweepOld returns the sweep that deletes requests that were closed for longer than keep, and those about deleted users. It also
// deletes open requests about unknown addresses that did not change for 30 days. announce is as for store.NewAnnouncedSweep.
func (s *Service) SweepOld(keep time.Duration, announce func(ids []string) func(store.Tx) error) store.TableSweep {
	return store.TableSweep{Table: store.HelpRequests,
		Find: func(snap store.Snapshot, after string, reads, limit int) (store.Expired, error) {
			return s.findOld(snap, keep, after, reads, min(limit, oldBatch))
		},
		Delete: func(ctx context.Context, _ store.Store, ids []string, pause func()) error {
			return s.deleteOld(ctx, keep, ids, announce, pause)
		}}
}

// findOld returns the ids of old requests after a cursor.
func (s *Service) findOld(snap store.Snapshot, keep time.Duration, after string, reads, limit int) (out store.Expired, err error) {
	r, now := s.accounts.Reader(snap), s.accounts.Now()
	out.End = true
	next := after
	err = s.requests.Scan(snap, "", after, 0, func(id string, c Request) error {
		switch {
		case !isRequestID(id): // all requests are before the records that find them
			return store.ErrStop
		case out.Reads == reads || len(out.IDs) == limit:
			out.End, out.Next = false, next
			return store.ErrStop
		}
		out.Reads, next = out.Reads+1, id
		a, err := s.ageOf(r, &c, now, keep)
		if a != ageCurrent {
			out.IDs = append(out.IDs, id)
		}
		return err
	})
	return out, err
}

// deleteOld deletes old and expired requests. The Update that deletes the first old one also announces all of these.
func (s *Service) deleteOld(ctx context.Context, keep time.Duration, ids []string, announce func(ids []string) func(store.Tx) error, pause func()) error {
	var old []string
	err := s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		old = nil
		for _, id := range ids {
			c, err := s.requests.Get(snap, id)
			if exists, err := store.Found(err); err != nil {
				return err
			} else if !exists {
				continue
			}
			a, err := s.ageOf(s.accounts.Reader(snap), &c, s.accounts.Now(), keep)
			if err != nil {
				return err
			}
			if a == ageOld {
				old = append(old, id)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("judging old help requests: %w", err)
	}
	first, announced := announce(old), false
	for _, id := range ids {
		op := s.accounts.NewOperation(account.RequestInfo{})
		gone, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (bool, error) {
			c, err := s.requests.Get(tx.Raw, id)
			if exists, err := store.Found(err); !exists {
				return false, err
			}
			switch a, err := s.ageOf(tx.Reader, &c, op.Now, keep); {
			case err != nil || a == ageCurrent:
				return false, err
			case a == ageExpired:
				return false, s.removeUnknown(tx, &c, "expired")
			}
			if !announced {
				if err := first(tx.Raw); err != nil {
					return false, err
				}
			}
			return true, s.remove(tx, &c)
		})
		if err != nil {
			return fmt.Errorf("deleting old help request %q: %w", id, err)
		}
		announced = announced || gone
		pause()
	}
	return nil
}

// age is what the time did to a request.
type age int

const (
	ageCurrent age = iota
	ageExpired     // about an unknown address, and open for too long
	ageOld         // closed for too long, or about a deleted user
)

func (s *Service) ageOf(r account.Reader, c *Request, now time.Time, keep time.Duration) (age, error) {
	switch {
	case c.State.Closed() && c.Changed.Before(audit.Cutoff(now, keep)):
		return ageOld, nil
	case c.User == "" && !c.State.Closed() && c.Changed.Before(audit.Cutoff(now, unknownTTL)):
		return ageExpired, nil
	case c.User == "":
		return ageCurrent, nil
	}
	_, err := r.User(c.User)
	deleted, err := account.IsDeleted(err)
	if deleted {
		return ageOld, nil
	}
	return ageCurrent, err
}
