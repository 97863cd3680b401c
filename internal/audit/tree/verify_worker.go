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
}

func (w *worker) verify(c chunk) {
	leaves := c.leaves
	w.size = c.size
	for _, e := range c.events {
		for len(leaves) > 0 && leaves[0].id < e.id {
			w.verifyLeaf(leaves[0], nil)
			leaves = leaves[1:]
		}
		if len(leaves) > 0 && leaves[0].id == e.id {
			w.verifyLeaf(leaves[0], &e)
			leaves = leaves[1:]
		} else {
			w.bad(e.id, -1, "the event was inserted: it has no leaf")
		}
	}
	for _, leaf := range leaves {
		w.verifyLeaf(leaf, nil)
	}
	for _, p := range c.pending {
		w.verifyPending(p, c.leaves)
	}
}

// verifyPending compares a pending leaf with its event. No numbered leaf has its id.
func (w *worker) verifyPending(p sealedRecord, leaves []sealedRecord) {
	if _, numbered := slices.BinarySearchFunc(leaves, p.id, func(l sealedRecord, id string) int { return strings.Compare(l.id, id) }); numbered {
		w.bad(p.id, -1, "the event has a number, and waits for another")
		return
	}
	pending, err := w.tree.pending.Open(p.id, p.sealed)
	if err != nil {
		w.bad(p.id, -1, "the event cannot be read: %v", err)
		return
	}
	switch hash, err := (audit.Leaf{Lane: pending.Lane}).Hash(p.id, &pending.Event); {
	case err != nil:
		w.bad(p.id, -1, "%v", err)
	case hash != pending.Hash:
		w.bad(p.id, -1, "the event was edited before its leaf got a number")
	default:
		w.pending++
		w.note(p.id, -1, &pending.Event) // an event may state the removal of others before it has a number
	}
}

// verifyLeaf compares the leaf with the tree. e is its event, or nil if it was removed.
func (w *worker) verifyLeaf(l sealedRecord, e *sealedRecord) {
	leaf, err := w.tree.leaves.Open(l.id, l.sealed)
	if err != nil {
		w.bad(l.id, -1, "the leaf cannot be read: %v", err)
		return
	}
	if leaf.Number < 0 || leaf.Number >= w.size {
		w.bad(l.id, -1, "its number %d is not in the tree", leaf.Number)
		return
	}
	late := leaf.Number >= w.verification.size // numbered since Verify began
	if bit := uint64(1) << (leaf.Number % 64); !late && w.seen[leaf.Number/64].Or(bit)&bit != 0 {
		w.bad(l.id, leaf.Number, "another entry has this number too")
	}
	var event *audit.Event
	if e != nil {
		if event, err = w.tree.events.Open(e.id, e.sealed); err != nil {
			w.bad(l.id, leaf.Number, "the event cannot be read: %v", err)
			return
		}
	} else if leaf.Body == nil {
		w.bad(l.id, leaf.Number, "the event was deleted")
		return
	}
	hash, err := leaf.Hash(l.id, event)
	stored, ok := w.leaf(leaf.Number)
	switch {
	case err != nil:
		w.bad(l.id, leaf.Number, "%v", err)
	case !ok:
		w.bad(l.id, leaf.Number, "its hash is missing in the tree")
	case hash != stored:
		w.bad(l.id, leaf.Number, "the event differs from its leaf in the tree")
	case event == nil:
		w.gone = append(w.gone, gone{id: l.id, number: leaf.Number, lane: leaf.Lane})
	default:
		if !late {
			w.entries++
		}
		w.note(l.id, leaf.Number, event)
	}
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
	for _, e := range w.removals {
		if lane, before, ok := e.Removed(); ok && before.After(v.removals[lane]) {
			v.removals[lane] = before
		} else if e.Action == audit.EventsErased && e.Outcome == audit.Success {
			v.erasures[e.Subject] = true
		}
	}
	v.err = errors.Join(v.err, w.err)
}
