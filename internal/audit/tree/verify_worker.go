package tree

import (
	"context"
	"errors"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// worker verifies chunks. Its counts join those of the verification at the end.
type worker struct {
	*verification
	ctx   context.Context
	size  int64            // of the tree in the snapshot of the chunk
	tiles map[int64][]byte // of level 0; nil: missing
	err   error

	entries, pending int64
	removals         []audit.Entry
	gone, hidden     []gone
	unreadable       []string
}

func (w *worker) verify(c chunk) {
	w.size = c.size
	for _, r := range c.events {
		w.verifyEvent(r)
	}
	for _, r := range c.leaves {
		w.verifyRemoved(r)
	}
	for _, r := range c.pending {
		w.verifyPending(r, has(c.events, r.id) || has(c.leaves, r.id))
	}
}

func has(records []sealedRecord, id string) bool {
	_, found := slices.BinarySearchFunc(records, id, func(r sealedRecord, id string) int { return strings.Compare(r.id, id) })
	return found
}

// verifyPending compares a pending leaf with its event. numbered reports whether an event with a number has its id.
func (w *worker) verifyPending(p sealedRecord, numbered bool) {
	if numbered {
		w.bad(p.id, -1, "the event has a number, and waits for another")
		return
	}
	pending, err := store.OpenRecord(w.tree.pending, p.id, p.sealed)
	if err != nil {
		w.bad(p.id, -1, "the event cannot be read: %v", err)
		return
	}
	event, err := pending.Record.Event(p.id)
	var hash tlog.Hash
	if err == nil {
		hash, err = pending.Record.Leaf().Hash(p.id, &event)
	}
	switch {
	case err != nil:
		w.bad(p.id, -1, "%v", err)
	case hash != pending.Hash:
		w.bad(p.id, -1, "the event was edited before its leaf got a number")
	default:
		w.pending++
		w.note(p.id, -1, &event) // an event may state the removal of others before it has a number
	}
}

// verifyEvent compares an event with the tree.
func (w *worker) verifyEvent(r sealedRecord) {
	record, err := store.OpenRecord(w.tree.events, r.id, r.sealed)
	var event audit.Event
	if err == nil {
		event, err = record.Event(r.id)
	}
	if err != nil {
		w.unreadable = append(w.unreadable, r.id)
		w.bad(r.id, -1, "the event cannot be read: %v", err)
		return
	}
	if late, ok := w.verifyLeaf(r.id, record.Leaf(), &event); ok {
		if !late {
			w.entries++
		}
		w.note(r.id, record.Number, &event)
	}
}

// verifyRemoved compares the leaf of a removed event with the tree.
func (w *worker) verifyRemoved(r sealedRecord) {
	leaf, err := store.OpenRecord(w.tree.leaves, r.id, r.sealed)
	if err != nil {
		w.bad(r.id, -1, "the leaf cannot be read: %v", err)
		return
	}
	if leaf.Body == nil {
		w.bad(r.id, leaf.Number, "the event was deleted")
		return
	}
	if _, ok := w.verifyLeaf(r.id, *leaf, nil); ok {
		w.gone = append(w.gone, gone{id: r.id, number: leaf.Number, lane: leaf.Lane})
	}
}

// verifyLeaf compares a leaf with the tree. e is its event, or nil if it was removed. late means that it got its number since Verify
// began.
func (w *worker) verifyLeaf(id string, leaf audit.Leaf, e *audit.Event) (late, ok bool) {
	if leaf.Number < 0 || leaf.Number >= w.size {
		w.bad(id, -1, "its number %d is not in the tree", leaf.Number)
		return false, false
	}
	late = leaf.Number >= w.verification.size
	if bit := uint64(1) << (leaf.Number % 64); !late && w.seen[leaf.Number/64].Or(bit)&bit != 0 {
		w.bad(id, leaf.Number, "another entry has this number too")
	}
	hash, err := leaf.Hash(id, e)
	stored, found := w.leaf(leaf.Number)
	switch {
	case err != nil:
		w.bad(id, leaf.Number, "%v", err)
	case !found:
		w.bad(id, leaf.Number, "its hash is missing in the tree")
	case hash != stored:
		w.bad(id, leaf.Number, "the event differs from its leaf in the tree")
	default:
		return late, true
	}
	return late, false
}

// note keeps what is compared when all entries were read.
func (w *worker) note(id string, number int64, e *audit.Event) {
	if e.Action == audit.EventsRemoved || e.Action == audit.EventsErased {
		w.removals = append(w.removals, audit.Entry{ID: id, Event: *e})
	}
	if e.Erased != nil {
		subjects := []string{e.Subject, e.Actor.ID}
		for _, target := range e.Targets {
			subjects = append(subjects, target.ID)
		}
		w.hidden = append(w.hidden, gone{id: id, number: number, subjects: subjects})
	}
}

// leaf returns the hash in the tile of level 0.
func (w *worker) leaf(number int64) (tlog.Hash, bool) {
	n := number / tileWidth
	hashes, loaded := w.tiles[n]
	at := number % tileWidth * tlog.HashSize
	if !loaded || int64(len(hashes)) < at+tlog.HashSize { // the tile may have grown
		if len(w.tiles) >= 64 {
			clear(w.tiles)
		}
		err := w.tree.Store.View(w.ctx, func(s store.Snapshot) error {
			tile, err := w.tree.tiles.Get(s, tileID(0, n))
			hashes = tile.Hashes
			if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnreadable) {
				return nil
			}
			return err
		})
		w.err = errors.Join(w.err, err)
		w.tiles[n] = hashes
	}
	if int64(len(hashes)) < at+tlog.HashSize {
		return tlog.Hash{}, false
	}
	return tlog.Hash(hashes[at : at+tlog.HashSize]), true
}

// join adds what the worker found.
func (v *verification) join(w *worker) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.report.Entries += w.entries
	v.report.Pending += w.pending
	v.removed, v.erased = append(v.removed, w.gone...), append(v.erased, w.hidden...)
	v.unreadable = append(v.unreadable, w.unreadable...)
	for _, e := range w.removals {
		if lane, before, ok := e.Removed(); ok && before.After(v.removals[lane]) {
			v.removals[lane] = before
		} else if e.Action == audit.EventsErased && e.Outcome == audit.Success {
			v.erasures[e.Subject] = true
		}
	}
	v.err = errors.Join(v.err, w.err)
}
