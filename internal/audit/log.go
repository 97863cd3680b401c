package audit

import (
	"errors"
	"fmt"

	"barillet/store"
)

// Log is the events in the store, in the order of their ids.
type Log struct {
	table store.Table[Event]
	// Watch, where it is set, is told of each event in the Update that stores it, and its error undoes that. It may
	// touch two keys. Set it before the first event.
	Watch func(tx store.Tx, e Entry) error
}

// Entry is an event with its id.
type Entry struct {
	ID string
	Event
}

// NewLog returns the log kept under store.Audit.
func NewLog(ring *store.Keyring) Log {
	return Log{table: store.NewTable[Event](ring, store.Audit)}
}

// Append adds an event in the Update of its act, at the time of the id, which was drawn by NewID before.
// Nothing is ever written over: an id that is there already is an error. It touches one key, and those of Watch.
func (l Log) Append(tx store.Tx, id string, e Event) error {
	at, err := parseID(id)
	if err != nil || len(id) == len(store.TimeLayout) {
		return fmt.Errorf("appending %s as %q: %w", e.Action, id, ErrID)
	}
	if e, err = e.clean(); err != nil {
		return err
	}
	e.At = at
	switch _, err := l.table.Get(tx, id); {
	case err == nil:
		return fmt.Errorf("appending %s: the log has %q already", e.Action, id)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	if err := l.table.Put(tx, id, e); err != nil {
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	if l.Watch == nil {
		return nil
	}
	if err := l.Watch(tx, Entry{ID: id, Event: e}); err != nil {
		return fmt.Errorf("telling of %s: %w", e.Action, err)
	}
	return nil
}

// Get returns the event with this id.
func (l Log) Get(r store.Reader, id string) (Entry, error) {
	if _, err := parseID(id); err != nil {
		return Entry{}, fmt.Errorf("loading event: %w", err)
	}
	e, err := l.table.Get(r, id)
	if err != nil {
		return Entry{}, fmt.Errorf("loading event %q: %w", id, err)
	}
	return Entry{ID: id, Event: e}, nil
}
