package account

import (
	"context"
	"fmt"
	"time"

	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// Erasure is the record of a deleted user whose personal data is still in the log. It is stored below the id of the user.
type Erasure struct {
	Deleted time.Time `json:"deleted"`
	Stated  bool      `json:"stated,omitempty"` // the log has the event of audit.Erasure
	After   string    `json:"after,omitempty"`  // the last event that was erased
}

const (
	erasedAtOnce   = 2000 // events of one step of a sweep
	erasedTogether = 24   // events of one Update
)

// SweepErasures returns the sweep that erases the personal data of users who were deleted, after a time.
func (s *Service) SweepErasures(keep time.Duration) store.TableSweep {
	sweep := store.NewSweep(s.erasures, func(e Erasure) bool { return !s.Now().Before(e.Deleted.Add(keep)) })
	sweep.Delete = func(ctx context.Context, _ store.Store, ids []string, pause func()) error {
		budget := erasedAtOnce // what is left has its record, and the next round finds it
		for _, id := range ids {
			actor := audit.Actor{Type: audit.TypeSystem, Name: "barillet"}
			if err := s.erase(ctx, UserID(id), actor, RequestInfo{}, &budget, pause); err != nil || budget <= 0 {
				return err
			}
		}
		return nil
	}
	return sweep
}

// EraseEvents removes at once what identifies a deleted user from the log. It returns NotFound for a user of whom the log has
// nothing, and WrongState for one who exists. If it is interrupted, the sweep completes it.
func (s *Service) EraseEvents(ctx context.Context, id UserID, actor audit.Actor, from RequestInfo) error {
	var known []string
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		known, err = s.Log.SubjectIDs(snap, string(id), "", 1)
		return err
	})
	if err == nil && len(known) == 0 {
		return errcode.New(errcode.NotFound)
	}
	if err != nil {
		return fmt.Errorf("erasing events: %w", err)
	}
	budget := 1 << 62
	return s.erase(ctx, id, actor, from, &budget, func() {})
}

// erase erases the events about a user, as many as the budget allows, and deletes the record after the last one.
func (s *Service) erase(ctx context.Context, id UserID, actor audit.Actor, from RequestInfo, budget *int, pause func()) error {
	e, err := s.stateErasure(ctx, id, actor, from)
	for err == nil && *budget > 0 {
		var ids []string
		err = s.Store.View(ctx, func(snap store.Snapshot) (err error) {
			ids, err = s.Log.SubjectIDs(snap, string(id), e.After, erasedTogether)
			return err
		})
		if err != nil {
			break
		}
		err = s.Store.Update(ctx, func(tx store.Tx) error {
			if len(ids) == 0 {
				return s.erasures.Delete(tx, string(id))
			}
			for _, event := range ids {
				if err := s.eraseEvent(tx, event); err != nil {
					return err
				}
			}
			e.After = ids[len(ids)-1]
			return s.erasures.Put(tx, string(id), e)
		})
		if len(ids) == 0 {
			break
		}
		*budget -= len(ids)
		pause()
	}
	if err != nil && errcode.Of(err) == "" {
		return fmt.Errorf("erasing events about %q: %w", id, err)
	}
	return err
}

// eraseEvent erases an event, unless it is the one that states the erasure.
func (s *Service) eraseEvent(tx store.Tx, id string) error {
	e, err := s.Log.Get(tx, id)
	if exists, err := store.Found(err); !exists || e.Action == audit.EventsErased {
		return err
	}
	return s.Log.Erase(tx, id)
}

// stateErasure appends the event of audit.Erasure before the first event is erased, and returns the record.
func (s *Service) stateErasure(ctx context.Context, id UserID, actor audit.Actor, from RequestInfo) (Erasure, error) {
	var all []string
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		all, err = s.Log.SubjectIDs(snap, string(id), "", 1<<20)
		return err
	})
	if err != nil {
		return Erasure{}, err
	}
	return Update(ctx, s, s.NewOperation(from), func(tx *Tx) (Erasure, error) {
		switch _, err := tx.User(id); {
		case err == nil:
			return Erasure{}, errcode.WrongStateFor(errcode.ReasonNotDeleted)
		case errcode.Of(err) != errcode.NotFound: // a damaged record is no deleted user
			return Erasure{}, err
		}
		e, err := s.erasures.Get(tx.Raw, string(id))
		if exists, err := store.Found(err); err != nil {
			return e, err
		} else if !exists {
			e.Deleted = tx.Op.Now
		}
		if e.Stated {
			return e, nil
		}
		statement := audit.Erasure(string(id), len(all))
		statement.Actor, e.Stated = actor, true
		if err := tx.Audit(statement); err != nil {
			return e, err
		}
		return e, s.erasures.Put(tx.Raw, string(id), e)
	})
}
