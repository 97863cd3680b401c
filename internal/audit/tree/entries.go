package tree

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// Entry is an entry of the log with all that its leaf depends on, so that a reader can verify a series of entries by a head.
type Entry struct {
	Number int64        `json:"number"`
	ID     string       `json:"id"`
	Lane   audit.Lane   `json:"lane"`
	Event  *audit.Event `json:"event,omitempty"` // with its salt; nil: removed
	Body   *tlog.Hash   `json:"body,omitempty"`  // the digest of a removed event
}

// hash returns the hash of the leaf. It returns an error for an entry that no service exported.
func (e *Entry) hash() (tlog.Hash, error) {
	if e.Lane < audit.LaneSecurity || e.Lane > audit.LaneNoise {
		return tlog.Hash{}, fmt.Errorf("lane %d does not exist", e.Lane)
	}
	if _, err := audit.TimeOf(e.ID); err != nil || !strings.Contains(e.ID, "-") {
		return tlog.Hash{}, audit.ErrID
	}
	return audit.Leaf{Number: e.Number, Lane: e.Lane, Body: e.Body}.Hash(e.ID, e.Event)
}

// removedPart begins a cursor of Entries in the removed events, which follow the others.
const removedPart = "removed/"

// entriesAtOnce limits the answer of Entries: an event is below 24 KiB.
const entriesAtOnce = 500

// Entries returns a page of the numbered entries from the number first, those with their event before the removed ones. next is the
// cursor of the next page, or empty at the end. An event that is removed meanwhile can be in both parts. The error wraps
// store.ErrUnreadable for an entry that cannot be read.
func (t *Tree) Entries(ctx context.Context, first int64, after string) (entries []Entry, next string, err error) {
	err = t.Store.View(ctx, func(s store.Snapshot) error {
		entries, next = []Entry{}, ""
		removed, inRemoved := strings.CutPrefix(after, removedPart)
		scan, open, begin := t.events.ScanSealed, t.openEvent, after
		if inRemoved {
			scan, open, begin = t.leaves.ScanSealed, t.openRemoved, removed
		}
		read, last := 0, ""
		err := scan(s, begin, 0, func(id string, sealed []byte) error {
			if read == store.PageReads || len(entries) == entriesAtOnce {
				next = last
				return store.ErrStop
			}
			read, last = read+1, id
			e, err := open(id, sealed)
			if err == nil && e.Number >= first {
				entries = append(entries, e)
			}
			return err
		})
		switch {
		case inRemoved && next != "":
			next = removedPart + next
		case !inRemoved && next == "":
			next = removedPart
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("reading the entries of the audit log: %w", err)
	}
	return entries, next, nil
}

func (t *Tree) openEvent(id string, sealed []byte) (Entry, error) {
	r, err := store.OpenRecord(t.events, id, sealed)
	if err != nil {
		return Entry{}, fmt.Errorf("event %q: %w", id, err)
	}
	e, err := r.Event(id)
	return Entry{Number: r.Number, ID: id, Lane: r.Lane, Event: &e}, err
}

func (t *Tree) openRemoved(id string, sealed []byte) (Entry, error) {
	l, err := store.OpenRecord(t.leaves, id, sealed)
	if err != nil {
		return Entry{}, fmt.Errorf("leaf %q: %w", id, err)
	}
	if l.Body == nil {
		return Entry{}, errors.New("leaf " + id + " has no digest")
	}
	return Entry{Number: l.Number, ID: id, Lane: l.Lane, Body: l.Body}, nil
}
