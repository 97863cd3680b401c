package audit

import (
	"context"
	"fmt"
	"time"

	"barillet/store"
)

// ErasureRecord is the record of a deleted user whose personal data is still in the log. It is stored below the id of the user.
type ErasureRecord struct {
	Deleted time.Time `json:"deleted"`
	Stated  bool      `json:"stated,omitempty"` // the log has the event of Erasure
	After   string    `json:"after,omitempty"`  // the last event that was erased
}

const (
	erasedAtOnce   = 2000 // events of one step of a sweep
	erasedTogether = 24   // events of one Update
)

// EraseLater stores that a user was deleted, in the Update that deletes them. It uses one key.
func (l Log) EraseLater(tx store.Tx, user string, now time.Time) error {
	return l.erasures.Put(tx, user, ErasureRecord{Deleted: now})
}

// SweepErasures returns the sweep that erases the personal data of deleted users, a time after their deletion.
func (l Log) SweepErasures(now func() time.Time, keep time.Duration) store.TableSweep {
	sweep := store.NewSweep(l.erasures, func(e ErasureRecord) bool { return !now().Before(e.Deleted.Add(keep)) })
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

// eraseUser erases the events about a user, as many as the budget allows, and deletes the record after the last one.
func (l Log) eraseUser(ctx context.Context, s store.Store, user string, now time.Time, budget *int, pause func()) error {
	e, err := l.stateErasure(ctx, s, user, now)
	for err == nil && *budget > 0 {
		var ids []string
		err = s.View(ctx, func(snap store.Snapshot) (err error) {
			ids, err = l.SubjectIDs(snap, user, e.After, erasedTogether)
			return err
		})
		if err != nil {
			return err
		}
		err = s.Update(ctx, func(tx store.Tx) error {
			if len(ids) == 0 {
				return l.erasures.Delete(tx, user)
			}
			for _, id := range ids {
				if err := l.eraseEvent(tx, id); err != nil {
					return err
				}
			}
			e.After = ids[len(ids)-1]
			return l.erasures.Put(tx, user, e)
		})
		if len(ids) == 0 {
			return err
		}
		*budget -= len(ids)
		pause()
	}
	return err
}

// eraseEvent erases an event, unless it is the one that states the erasure.
func (l Log) eraseEvent(tx store.Tx, id string) error {
	e, _, err := l.find(tx, id)
	if exists, err := store.Found(err); !exists || e.Action == EventsErased {
		return err
	}
	return l.Erase(tx, id)
}

// stateErasure appends the event of Erasure before the first event is erased, and returns the record.
func (l Log) stateErasure(ctx context.Context, s store.Store, user string, now time.Time) (ErasureRecord, error) {
	var all []string
	err := s.View(ctx, func(snap store.Snapshot) (err error) {
		all, err = l.SubjectIDs(snap, user, "", 1<<20)
		return err
	})
	if err != nil {
		return ErasureRecord{}, err
	}
	id, statement := NewID(now), Erasure(user, len(all))
	return store.Do(ctx, s, func(tx store.Tx) (ErasureRecord, error) {
		e, err := l.erasures.Get(tx, user)
		if err != nil || e.Stated {
			return e, err
		}
		if err := l.Append(tx, id, statement); err != nil {
			return e, err
		}
		e.Stated = true
		return e, l.erasures.Put(tx, user, e)
	})
}
