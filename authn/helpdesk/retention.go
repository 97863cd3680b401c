package helpdesk

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

const (
	unknownTTL = 30 * 24 * time.Hour // of an open request about an unknown address, from its last change
	oldBatch   = 100                 // requests that one call of DeleteOld changes
)

// DeleteOld deletes requests that were closed for longer than keep, and those about deleted users. It rejects open requests
// about unknown addresses that did not change for 30 days. Call it periodically: each call reads at most 2,000 requests, changes
// at most 100 and continues where the last one ended. It returns the number of deleted requests.
func (s *Service) DeleteOld(ctx context.Context, keep time.Duration) (deleted int, err error) {
	old, err := s.findOld(ctx, keep)
	if err != nil {
		return 0, err
	}
	for _, id := range old {
		op := s.accounts.NewOperation(account.RequestInfo{})
		gone, err := account.Update(ctx, s.accounts, op, func(tx *account.Tx) (bool, error) {
			c, err := s.find(tx.Raw, id)
			if errcode.Of(err) == errcode.NotFound {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			switch a, err := s.ageOf(tx.Reader, &c, op.Now, keep); {
			case err != nil || a == ageCurrent:
				return false, err
			case a == ageExpired:
				return false, s.expire(tx, &c)
			}
			return true, s.remove(tx, &c)
		})
		if err != nil {
			return deleted, fmt.Errorf("deleting old help request %q: %w", id, err)
		}
		if gone {
			deleted++
		}
	}
	return deleted, nil
}

// age is what the time did to a request.
type age int

const (
	ageCurrent age = iota
	ageExpired     // open, to be rejected
	ageOld         // to be deleted
)

func (s *Service) ageOf(r account.Reader, c *Request, now time.Time, keep time.Duration) (age, error) {
	switch {
	case c.State.closed() && !now.Before(c.Changed.Add(keep)):
		return ageOld, nil
	case c.User == "" && !c.State.closed() && !now.Before(c.Changed.Add(unknownTTL)):
		return ageExpired, nil
	case c.User == "":
		return ageCurrent, nil
	}
	_, err := r.User(c.User)
	if account.Missing(err) {
		return ageOld, nil
	}
	return ageCurrent, err
}

// findOld returns the ids of old requests, from the one after the cursor.
func (s *Service) findOld(ctx context.Context, keep time.Duration) (ids []string, err error) {
	s.sweep.Lock()
	defer s.sweep.Unlock()
	now, last, more := s.accounts.Now(), "", false
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		r, read := s.accounts.Reader(snap), 0
		ids, last, more = nil, "", false
		return s.requests.Scan(snap, "", s.swept, 0, func(id string, c Request) error {
			if !isRequestID(id) {
				return store.ErrStop
			}
			if more = read == maxScanned || len(ids) == oldBatch; more {
				return store.ErrStop
			}
			read, last = read+1, id
			a, err := s.ageOf(r, &c, now, keep)
			if a != ageCurrent {
				ids = append(ids, id)
			}
			return err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("finding old help requests: %w", err)
	}
	if s.swept = last; !more {
		s.swept = ""
	}
	return ids, nil
}

// expire rejects an open request about an unknown address.
func (s *Service) expire(tx *account.Tx, c *Request) error {
	c.State = StateRejected
	c.addNote(tx, admin.Principal{}, "status", string(StateRejected))
	e := requestEvent(admin.Principal{}, audit.HelpClosed, c)
	e.Actor, e.Reason = audit.Actor{Type: audit.TypeSystem, Name: "barillet"}, "expired"
	e.Detail = map[string]string{"status": string(c.State)}
	if err := tx.Audit(e); err != nil {
		return err
	}
	return s.save(tx, c)
}
