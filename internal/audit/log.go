package audit

import (
	"crypto/rand"
	"errors"
	"fmt"

	"barillet/store"
)

// Log is the audit log in the store, in the order of event ids.
type Log struct {
	table    store.Table[Event]
	erasures store.Table[ErasureRecord]
	subjects store.Table[struct{}] // by user and event
	pending  store.Table[Pending]
	leaves   store.Table[Leaf]
	salts    [32]byte // the key of the salts that this process makes
	// Watch, if it is not nil, is called with each event in the Update that stores it. Its error fails the Update. It may
	// use two keys of the Update. It must be set before the first Append.
	Watch func(tx store.Tx, e Entry) error
}

// Entry is an event with its id.
type Entry struct {
	ID string
	Event
}

// NewLog returns the log in the tables store.Audit, store.AuditSubjects, store.Erasures, store.AuditPending and store.AuditLeaves.
func NewLog(ring *store.Keyring) Log {
	l := Log{table: store.NewTable[Event](ring, store.Audit), subjects: store.NewTable[struct{}](ring, store.AuditSubjects), erasures: store.NewTable[ErasureRecord](ring, store.Erasures),
		pending: store.NewTable[Pending](ring, store.AuditPending), leaves: store.NewTable[Leaf](ring, store.AuditLeaves)}
	rand.Read(l.salts[:])
	return l
}

// Append adds an event, at the time in its id, in the Update of the recorded operation. NewID returns the id. Append never
// replaces an event: an existing id is an error. The leaf waits for its number, so Updates that append at the same time share no
// key. Append uses two keys of the Update, one more for an event about a user, and those of Watch.
func (l Log) Append(tx store.Tx, id string, e Event) error {
	at, err := parseID(id)
	if err != nil || len(id) == len(store.TimeLayout) {
		return fmt.Errorf("appending %s as %q: %w", e.Action, id, ErrID)
	}
	if e, err = e.clean(); err != nil {
		return err
	}
	e.At, e.Salt, e.Erased = at, l.salt(id), nil
	switch _, err := l.table.Get(tx, id); {
	case err == nil:
		return fmt.Errorf("appending %s: id %q exists", e.Action, id)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	if err := l.table.Put(tx, id, e); err != nil {
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	if err := l.putIndex(tx, id, &e); err != nil {
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	body, err := e.bodyDigest()
	if err == nil {
		err = l.pending.Put(tx, id, Pending{Hash: leafHash(id, e.Lane(), body), Lane: e.Lane()})
	}
	if err != nil {
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	if l.Watch == nil {
		return nil
	}
	if err := l.Watch(tx, Entry{ID: id, Event: e}); err != nil {
		return fmt.Errorf("watching %s: %w", e.Action, err)
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
