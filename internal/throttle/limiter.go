package throttle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// Limiter stores limits, so that they survive a restart. The ids are HMACs, so that the store does not reveal the
// subjects.
type Limiter struct {
	Refusals *Refusals // counts what Take, TakeAll and PeekAll refuse; may be nil

	table  store.Table[arrival]
	pepper store.Pepper
}

// arrival is the record of a subject: its theoretical arrival time, and the time of its last operation, from which a wrong
// clock is known (protocol rule 34).
type arrival struct {
	At  time.Time `json:"at" within:"any"`
	TAT time.Time `json:"tat" since:"At"`
}

// Verdict is the decision of a limit.
type Verdict struct {
	OK        bool
	Retry     time.Duration // how long to wait; zero if OK
	Remaining int           // operations that are allowed after this one
}

// NewLimiter returns the limits in the table store.Throttles.
func NewLimiter(ring *store.Keyring, pepper store.Pepper) Limiter {
	return Limiter{table: store.NewTable[arrival](ring, store.Throttles), pepper: pepper}
}

// Peek returns whether one more operation is allowed now, and counts nothing. If a limit counts failures, call Peek before
// the operation and Take after a failure.
func (l Limiter) Peek(r store.Reader, now time.Time, limit Limit, subject string) (Verdict, error) {
	_, v, err := l.decide(r, now, limit, l.ID(limit, subject))
	return v, err
}

// Take counts an operation of a subject if it is allowed. It uses one key of the Update.
func (l Limiter) Take(tx store.Tx, now time.Time, limit Limit, subject string) (Verdict, error) {
	id := l.ID(limit, subject)
	next, v, err := l.decide(tx, now, limit, id)
	if err != nil {
		return v, err
	}
	if !v.OK {
		l.Refusals.add(limit)
		return v, nil
	}
	if err := l.table.Put(tx, id, arrival{At: now, TAT: next}); err != nil {
		return Verdict{}, fmt.Errorf("storing limit %s: %w", limit.Name, err)
	}
	return v, nil
}

// PeekAll returns the verdict of the first charge that refuses one more operation, or that of the last one. It counts nothing.
func (l Limiter) PeekAll(r store.Reader, now time.Time, charges ...Charge) (v Verdict, err error) {
	for _, c := range charges {
		if v, err = l.Peek(r, now, c.Limit, c.Subject); err != nil {
			return v, err
		}
		if !v.OK {
			l.Refusals.add(c.Limit)
			return v, nil
		}
	}
	return v, nil
}

// TakeAll counts an operation against all charges if all allow it, and otherwise against none. It uses one key of the Update
// for each charge.
func (l Limiter) TakeAll(tx store.Tx, now time.Time, charges ...Charge) (Verdict, error) {
	v, err := l.PeekAll(tx, now, charges...)
	if err != nil || !v.OK {
		return v, err
	}
	for _, c := range charges {
		if v, err = l.Take(tx, now, c.Limit, c.Subject); err != nil {
			return v, err
		}
	}
	return v, nil
}

func (l Limiter) decide(r store.Reader, now time.Time, limit Limit, id string) (time.Time, Verdict, error) {
	a, err := l.table.Get(r, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return time.Time{}, Verdict{}, fmt.Errorf("loading limit %s: %w", limit.Name, err)
	}
	next, ok, retry, remaining := limit.Decide(a.TAT, now, 1)
	return next, Verdict{OK: ok, Retry: retry, Remaining: remaining}, nil
}

// ID returns the record id of a subject: the name of the limit and an HMAC.
func (l Limiter) ID(limit Limit, subject string) string {
	return limit.Name + ":" + hex.EncodeToString(l.pepper.MAC("throttle", []byte(limit.Name), []byte(subject)))
}

// Sweep returns the sweep of limits that are unused again.
func (l Limiter) Sweep(now func() time.Time) store.TableSweep {
	return store.NewSweep(l.table, func(a arrival) bool { return !a.TAT.After(now()) })
}
