package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// ErasureRecord is the record of a deleted user whose personal data is still in the log. It is stored below the id of the user.
type ErasureRecord struct {
	Deleted time.Time `json:"deleted"`
	By      Actor     `json:"by,omitzero"`       // of an EraseNow that is not complete
	Covered string    `json:"covered,omitempty"` // the last event that an event of Erasure is about
	After   string    `json:"after,omitempty"`   // the last event that was erased
}

const (
	erasedAtOnce   = 2000   // events of one step of a sweep, and of one EraseNow
	erasedTogether = 24     // events of one Update
	statedTogether = 10_000 // events that one event of Erasure is about
)

func (e ErasureRecord) early() bool { return e.By != Actor{} }

// EraseLater stores that a user was deleted, in the Update that deletes them. It uses one key.
func (l Log) EraseLater(tx store.Tx, user string, now time.Time) error {
	return l.erasures.Put(tx, user, ErasureRecord{Deleted: now})
}

// SweepErasures returns the sweep that erases the personal data of deleted users, a time after their deletion. It also completes
// each EraseNow.
func (l Log) SweepErasures(now func() time.Time, keep time.Duration) store.TableSweep {
	sweep := store.NewSweep(l.erasures, func(e ErasureRecord) bool { return e.early() || !now().Before(e.Deleted.Add(keep)) })
	sweep.Delete = func(ctx context.Context, s store.Store, ids []string, pause func()) error {
		budget := erasedAtOnce // what is left has its record, and the next round finds it
		for _, id := range ids {
			if err := l.eraseUser(ctx, s, id, now(), &budget, pause); err != nil {
				return fmt.Errorf("erasing events about %q: %w", id, err)
			}
			if budget <= 0 {
				return nil
			}
		}
		return nil
	}
	return sweep
}

// EraseNow erases the personal data of a deleted user before the policy does. complete reports whether no event was left; else the
// next call continues, or the sweep. Events that are appended later wait for the policy. The event of Erasure names the actor. The
// error wraps store.ErrNotFound if the log never had an event about the user. The caller makes sure that the user does not exist
// any more.
func (l Log) EraseNow(ctx context.Context, s store.Store, user string, by Actor, now time.Time) (complete bool, err error) {
	var events []string
	err = s.View(ctx, func(snap store.Snapshot) (err error) {
		events, err = l.SubjectIDs(snap, user, "", 1)
		return err
	})
	if err != nil {
		return false, err
	}
	err = s.Update(ctx, func(tx store.Tx) error {
		e, err := l.erasures.Get(tx, user)
		if errors.Is(err, store.ErrNotFound) && len(events) > 0 { // erased by the policy, or deleted without a record
			e, err = ErasureRecord{Deleted: now}, nil
		}
		if err != nil {
			return err
		}
		e.By = by
		return l.erasures.Put(tx, user, e)
	})
	budget := erasedAtOnce
	if err == nil {
		err = l.eraseUser(ctx, s, user, now, &budget, func() {})
	}
	if err != nil {
		return false, fmt.Errorf("erasing events about %q: %w", user, err)
	}
	return budget > 0, nil
}

// IsErased reports whether EraseNow or the policy erased events about a deleted user, or began to.
func (l Log) IsErased(r store.Reader, user string) (bool, error) {
	e, err := l.erasures.Get(r, user)
	exists, err := store.Found(err)
	return err == nil && (!exists || e.early() || e.After != ""), err
}

// eraseUser erases the events about a user, as many as the budget allows. After the last one, it ends the record, or the EraseNow
// of the record.
func (l Log) eraseUser(ctx context.Context, s store.Store, user string, now time.Time, budget *int, pause func()) error {
	for *budget > 0 {
		var part erasurePart
		err := s.View(ctx, func(snap store.Snapshot) (err error) {
			part, err = l.planErasure(snap, user)
			return err
		})
		if err != nil {
			return err
		}
		statement, id := Erasure(user, len(part.covered)), NewID(now)
		statement.Actor = part.by
		err = s.Update(ctx, func(tx store.Tx) error {
			return l.erasePart(tx, user, part, func() error { return l.Append(tx, id, statement) })
		})
		if err != nil || len(part.ids) == 0 {
			return err
		}
		*budget -= len(part.ids)
		pause()
	}
	return nil
}

// erasurePart is what one Update erases.
type erasurePart struct {
	ids     []string
	by      Actor
	covered []string // ids, and what comes after them, if no event of Erasure is about one of them yet
}

func (l Log) planErasure(s store.Snapshot, user string) (p erasurePart, err error) {
	e, err := l.erasures.Get(s, user)
	if exists, err := store.Found(err); !exists {
		return p, err // another call ended it
	}
	if p.by = System; e.early() {
		p.by = e.By
	}
	if p.ids, err = l.SubjectIDs(s, user, e.After, erasedTogether); err != nil || len(p.ids) == 0 {
		return p, err
	}
	if p.ids[len(p.ids)-1] > e.Covered {
		p.covered, err = l.SubjectIDs(s, user, e.After, statedTogether)
	}
	return p, err
}

// erasePart erases the events of a part. It calls state before the first event that is not covered.
func (l Log) erasePart(tx store.Tx, user string, p erasurePart, state func() error) error {
	e, err := l.erasures.Get(tx, user)
	switch exists, err := store.Found(err); {
	case !exists:
		return err
	case len(p.ids) == 0 && e.early():
		e.By = Actor{} // events that are appended later wait for the policy
		return l.erasures.Put(tx, user, e)
	case len(p.ids) == 0:
		return l.erasures.Delete(tx, user)
	}
	for _, id := range p.ids {
		whole, err := l.isWhole(tx, user, id)
		if err != nil {
			return err
		}
		if !whole {
			continue
		}
		if id > e.Covered && len(p.covered) > 0 {
			if err := state(); err != nil {
				return err
			}
			e.Covered, p.covered = p.covered[len(p.covered)-1], nil
		}
		if err := l.Erase(tx, id); err != nil {
			return err
		}
	}
	e.After = p.ids[len(p.ids)-1]
	return l.erasures.Put(tx, user, e)
}

// isWhole reports whether an event exists, is about the user and has personal data: it was not erased, and states no erasure. The
// index is not sealed, so it cannot say whom an event is about.
func (l Log) isWhole(r store.Reader, user, id string) (bool, error) {
	e, _, err := l.find(r, id)
	exists, err := store.Found(err)
	return exists && e.Subject == user && e.Action != EventsErased && e.Erased == nil, err
}
