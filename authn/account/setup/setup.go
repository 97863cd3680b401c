// Package setup owns the record of the setup link, with which a browser makes the first administrator, and of the permanent mark
// that there was one (protocol rule 20). Package account sets the mark in the Update that stores a SUPER_ADMIN.
package setup

import (
	"errors"
	"fmt"
	"time"

	"barillet/internal/secret"
	"barillet/store"
)

// LinkTTL is the lifetime of a setup link.
const LinkTTL = time.Hour

// Record is the only record of its table.
type Record struct {
	Link    string    `cbor:"1,keyasint,omitempty"` // hash of the token; "" without a link
	Made    time.Time `cbor:"2,keyasint,omitzero"`
	Expires time.Time `cbor:"3,keyasint,omitzero" since:"Made"`
	Ended   time.Time `cbor:"4,keyasint,omitzero"` // when a SUPER_ADMIN was stored for the first time; zero: never
}

// Opens reports whether a token is that of the link.
func (r Record) Opens(token secret.Value, now time.Time) bool {
	return r.Ended.IsZero() && !token.IsZero() && r.Link == token.Key() && now.Before(r.Expires)
}

// id is that of the record.
const id = "first"

// Table contains the record.
type Table struct{ records store.Table[Record] }

// Open returns the table with the keys of ring.
func Open(ring *store.Keyring) Table {
	return Table{store.NewTable[Record](ring, store.Setup)}
}

// Get returns the record; the zero Record if there is none.
func (t Table) Get(r store.Reader) (Record, error) {
	record, err := t.records.Get(r, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Record{}, nil
	case err != nil:
		return Record{}, fmt.Errorf("loading the setup link: %w", err)
	}
	return record, nil
}

// PutLink stores a link, which replaces the previous one. The caller has checked that the mark is not set.
func (t Table) PutLink(tx store.Tx, token secret.Value, now time.Time) (expires time.Time, err error) {
	record := Record{Link: token.Key(), Made: now, Expires: now.Add(LinkTTL)}
	return record.Expires, t.put(tx, record)
}

// End sets the mark, and ends the link. It changes nothing if the mark is set.
func (t Table) End(tx store.Tx, now time.Time) error {
	record, err := t.Get(tx)
	if err != nil || !record.Ended.IsZero() {
		return err
	}
	return t.put(tx, Record{Ended: now})
}

func (t Table) put(tx store.Tx, record Record) error {
	if err := t.records.Put(tx, id, record); err != nil {
		return fmt.Errorf("storing the setup link: %w", err)
	}
	return nil
}

// Watch makes the store call fn after each change of the record. fn must not block.
func (t Table) Watch(s store.Store, fn func()) { t.records.Watch(s, func([]string) { fn() }) }
