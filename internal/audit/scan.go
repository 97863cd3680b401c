package audit

import (
	"errors"
	"iter"

	"barillet/store"
)

// An event is in one of two tables: it waits for the number of its leaf, or it is in the log. Number moves it in one Update, so each
// snapshot has it once.

// scan calls fn for each event after an id, in the order of ids.
func (l Log) scan(s store.Snapshot, after string, fn func(id string, e Event) error) error {
	return merge(fn,
		func(fn func(string, Event) error) error { return l.table.Scan(s, "", after, 0, fn) },
		func(fn func(string, Event) error) error {
			return l.pending.Scan(s, "", after, 0, func(id string, p Pending) error { return fn(id, p.Event) })
		})
}

// scanIDs is like scan, without the events.
func (l Log) scanIDs(s store.Snapshot, after string, fn func(id string) error) error {
	ids := func(fn func(string, Event) error) func(string) error {
		return func(id string) error { return fn(id, Event{}) }
	}
	return merge(func(id string, _ Event) error { return fn(id) },
		func(fn func(string, Event) error) error { return l.table.ScanIDs(s, "", after, ids(fn)) },
		func(fn func(string, Event) error) error { return l.pending.ScanIDs(s, "", after, ids(fn)) })
}

// merge calls fn for the events of two scans, in the order of ids.
func merge(fn func(string, Event) error, first, second func(func(string, Event) error) error) error {
	var failed error // of the second
	next, stop := iter.Pull2(func(yield func(string, Event) bool) {
		failed = second(func(id string, e Event) error {
			if !yield(id, e) {
				return store.ErrStop
			}
			return nil
		})
	})
	defer stop()
	id, e, more := next()
	before := func(end string) (err error) { // the events of the second before an id; all if it is empty
		for ; err == nil && more && (end == "" || id < end); id, e, more = next() {
			err = fn(id, e)
		}
		return errors.Join(err, failed)
	}
	stopped := false
	err := first(func(id string, e Event) error {
		err := before(id)
		if err == nil {
			err = fn(id, e)
		}
		stopped = err != nil
		return err
	})
	if err != nil || stopped {
		return err
	}
	if err = before(""); errors.Is(err, store.ErrStop) {
		return nil
	}
	return err
}
