package throttle

import (
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"barillet/store"
)

// Limiter is the limits that outlive a restart and are shared by all nodes. Who is counted is known to the
// store by an HMAC only.
type Limiter struct {
	table  store.Table[arrival]
	pepper store.Pepper
}

// arrival is the record: one GCRA timestamp.
type arrival struct {
	TAT time.Time `json:"tat"`
}

// Verdict is the answer of a limit. Retry is how long to wait and zero if OK.
type Verdict struct {
	OK        bool
	Retry     time.Duration
	Remaining int
}

// NewLimiter returns the limits kept under store.Throttles.
func NewLimiter(ring *store.Keyring, pepper store.Pepper) Limiter {
	return Limiter{table: store.NewTable[arrival](ring, store.Throttles), pepper: pepper}
}

// Peek tells whether one more would be allowed now, and spends nothing. Where failures are counted it is
// asked before the work, and Take after a failure.
func (l Limiter) Peek(r store.Reader, now time.Time, limit Limit, subject string) (Verdict, error) {
	_, v, err := l.decide(r, now, limit, l.ID(limit, subject))
	return v, err
}

// Take spends one of the subject's allowance if there is one. It touches one key of the Update.
func (l Limiter) Take(tx store.Tx, now time.Time, limit Limit, subject string) (Verdict, error) {
	id := l.ID(limit, subject)
	next, v, err := l.decide(tx, now, limit, id)
	if err != nil || !v.OK {
		return v, err
	}
	if err := l.table.Put(tx, id, arrival{TAT: next}); err != nil {
		return Verdict{}, fmt.Errorf("storing limit %s: %w", limit.Name, err)
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

// ID is the key of a subject's allowance below its prefix: the limit's name and an HMAC.
func (l Limiter) ID(limit Limit, subject string) string {
	return limit.Name + ":" + hex.EncodeToString(l.pepper.MAC("throttle", []byte(limit.Name), []byte(subject)))
}

// Full returns the ids, after the given one and at most limit of them, of allowances that are full again and
// say nothing any more. The second result is where to go on; empty at the end.
func (l Limiter) Full(s store.Snapshot, now time.Time, after string, limit int) (ids []string, next string, err error) {
	return sweepable(s, l.table, after, limit, func(a arrival) bool { return !a.TAT.After(now) })
}

// Forget deletes those of the ids that are still full: one may have been spent from since it was found. It
// touches as many keys as there are ids.
func (l Limiter) Forget(tx store.Tx, now time.Time, ids []string) error {
	return forget(tx, l.table, ids, func(a arrival) bool { return !a.TAT.After(now) })
}

// sweepScan bounds how many records one look for dead ones reads.
const sweepScan = 2000

func sweepable[T any](s store.Snapshot, table store.Table[T], after string, limit int, dead func(T) bool) (ids []string, next string, err error) {
	seen := 0
	err = table.Scan(s, "", after, sweepScan, func(id string, v T) error {
		seen++
		next = id
		if dead(v) {
			ids = append(ids, id)
		}
		if len(ids) >= limit {
			return store.ErrStop
		}
		return nil
	})
	if err != nil {
		return nil, "", fmt.Errorf("looking for dead records: %w", err)
	}
	if seen < sweepScan && len(ids) < limit {
		next = ""
	}
	return ids, next, nil
}

func forget[T any](tx store.Tx, table store.Table[T], ids []string, dead func(T) bool) error {
	for _, id := range ids {
		v, err := table.Get(tx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && !dead(v) {
			continue
		}
		if err != nil {
			return fmt.Errorf("loading %s before deleting it: %w", id, err)
		}
		if err := table.Delete(tx, id); err != nil {
			return fmt.Errorf("deleting %s: %w", id, err)
		}
	}
	return nil
}
