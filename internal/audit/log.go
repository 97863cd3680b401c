package audit

import (
	"crypto/rand"
	"errors"
	"fmt"

	"barillet/store"
)

// Log is the audit log in the store, in the order of event ids.
type Log struct {
	table    store.Table[Record]
	erasures store.Table[ErasureRecord]
	entities store.Index // of events with a number
	pending  store.Table[Pending]
	leaves   store.Table[Leaf] // of events that DropBody deleted
	salts    [32]byte          // the key of the salts that this process makes
	// Watch, if it is not nil, is called with each event in the Update that stores it. Its error fails the Update. It may
	// use two keys of the Update. It must be set before the first Append.
	Watch func(tx store.Tx, e Entry) error
}

// Entry is an event with its id.
type Entry struct {
	ID string
	Event
}

// NewLog returns the log in the tables store.Audit, store.AuditEntities, store.Erasures, store.AuditPending and store.AuditLeaves.
func NewLog(ring *store.Keyring) Log {
	l := Log{table: store.NewTable[Record](ring, store.Audit), entities: store.NewIndex(store.AuditEntities), erasures: store.NewTable[ErasureRecord](ring, store.Erasures),
		pending: store.NewTable[Pending](ring, store.AuditPending), leaves: store.NewTable[Leaf](ring, store.AuditLeaves)}
	rand.Read(l.salts[:])
	return l
}

// Append adds an event, at the time in its id, in the Update of the recorded operation. NewID returns the id. Append never
// replaces an event: an id that waits is an error, and an id that has a number never gets another. The event waits with its leaf
// for the number, so Updates that append at the same time share no key. Append uses one key of the Update, and those of Watch.
func (l Log) Append(tx store.Tx, id string, e Event) error {
	at, err := parseID(id)
	if err != nil || len(id) == len(store.TimeLayout) {
		return fmt.Errorf("appending %s as %q: %w", e.Action, id, ErrID)
	}
	if e, err = e.clean(); err != nil {
		return err
	}
	e.At, e.Salt, e.Erased = at, l.salt(id), nil
	switch _, err := tx.Get(l.pending.Key(id)); {
	case err == nil:
		return fmt.Errorf("appending %s: id %q exists", e.Action, id)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("appending %s: %w", e.Action, err)
	}
	body, err := e.bodyDigest()
	if err == nil {
		lane := e.Lane()
		err = l.pending.Put(tx, id, Pending{Hash: leafHash(id, lane, body), Record: NewRecord(e, Leaf{Lane: lane})})
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

// Number gives the leaf of an event its number. It moves the event from those that wait into the log and into the index, and returns
// what waited. It uses NumberKeys keys of the Update.
func (l Log) Number(tx store.Tx, id string, n int64) (Pending, error) {
	p, err := l.pending.Get(tx, id)
	if err != nil {
		return Pending{}, fmt.Errorf("numbering event %q: %w", id, err)
	}
	r := p.Record
	r.Number = n
	err = errors.Join(l.table.Put(tx, id, r), l.pending.Delete(tx, id))
	for _, entry := range r.entries(id) {
		err = errors.Join(err, l.entities.Put(tx, entry))
	}
	if err != nil {
		return Pending{}, fmt.Errorf("numbering event %q: %w", id, err)
	}
	return p, nil
}

// NumberKeys returns how many keys of an Update Number uses for an event.
func (p *Pending) NumberKeys() int { return 2 + len(p.Record.entries("")) }

// Numbered reports whether an event has a number, also if DropBody deleted it.
func (l Log) Numbered(r store.Reader, id string) (bool, error) {
	for _, key := range []string{l.table.Key(id), l.leaves.Key(id)} {
		_, err := r.Get(key)
		if found, err := store.Found(err); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// find returns an event. waits is its pending record if its leaf has no number yet, or nil.
func (l Log) find(r store.Reader, id string) (e Event, waits *Pending, err error) {
	record, err := l.table.Get(r, id)
	if errors.Is(err, store.ErrNotFound) {
		var p Pending
		p, err = l.pending.Get(r, id)
		record, waits = p.Record, &p
	}
	if err == nil {
		e, err = record.Event(id)
	}
	return e, waits, err
}

// Get returns the event with this id.
func (l Log) Get(r store.Reader, id string) (Entry, error) {
	if _, err := parseID(id); err != nil {
		return Entry{}, fmt.Errorf("loading event: %w", err)
	}
	e, _, err := l.find(r, id)
	if err != nil {
		return Entry{}, fmt.Errorf("loading event %q: %w", id, err)
	}
	return Entry{ID: id, Event: e}, nil
}
