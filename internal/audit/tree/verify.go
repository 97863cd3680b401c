package tree

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// Report is the result of Verify.
type Report struct {
	Entries  int64 `json:"entries"`  // events of the tree that are unchanged
	Removed  int64 `json:"removed"`  // by the retention policy; their leaves are in the tree
	Erased   int64 `json:"erased"`   // events of Entries without the data of a user who is forgotten
	Pending  int64 `json:"pending"`  // events that are not yet in the tree
	Unsigned int64 `json:"unsigned"` // events that no head covers yet
	Heads    int64 `json:"heads"`    // heads that agree with the tree
	Bad      *Bad  `json:"bad,omitempty"`
}

// Bad is the first entry of the log that is wrong.
type Bad struct {
	ID     string `json:"id,omitempty"` // of the event; empty if only its number is known
	Number int64  `json:"number"`       // -1 for an entry without number
	Reason string `json:"reason"`
}

// Verify computes the leaf of each event anew, compares it with the tree, computes the tree anew, and compares it with the newest
// head, with that of each day and with the given heads. The service may run meanwhile: Verify looks at the tree as it is at the
// beginning, and each of its Views is short. The error is that of the store or of a head that is not one; Report.Bad is the first
// wrong entry.
func (t *Tree) Verify(ctx context.Context, heads ...string) (Report, error) {
	v := &verification{tree: t, removals: map[audit.Lane]time.Time{}, erasures: map[string]bool{}}
	for _, text := range heads {
		head, err := openHead(text, t.verifier)
		if err != nil {
			return Report{}, err
		}
		v.heads = append(v.heads, head)
	}
	err := t.Store.View(ctx, func(s store.Snapshot) (err error) {
		if v.size, err = t.size(s); err != nil {
			return err
		}
		return v.readHeads(s)
	})
	if err != nil {
		return Report{}, fmt.Errorf("reading the heads of the audit log: %w", err)
	}
	v.seen = make([]atomic.Uint64, (v.size+63)/64)
	for _, step := range []func(context.Context) error{v.verifyEntries, v.verifyTiles, v.verifyHeads} {
		if err := step(ctx); err != nil {
			return Report{}, fmt.Errorf("verifying the audit log: %w", err)
		}
	}
	v.verifyGone()
	v.verifyNumbers()
	return v.report, ctx.Err()
}

// verification is one run of Verify.
type verification struct {
	tree  *Tree
	size  int64
	heads []Checkpoint    // in no order
	seen  []atomic.Uint64 // a bit for each number: it has an entry

	mu       sync.Mutex
	report   Report
	err      error // of a worker
	removals map[audit.Lane]time.Time
	erasures map[string]bool // by id of the user
	removed  []gone
	erased   []gone

	unreadable []string // ids of events whose number is not known
}

// gone is an event that was removed or erased, to be compared with the events that state it.
type gone struct {
	id       string
	number   int64
	lane     audit.Lane
	subjects []string // ids in an erased event
}

// bad keeps the first wrong entry: the one with the lowest number. Entries without number come last.
func (v *verification) bad(id string, number int64, format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	order := func(n int64) int64 {
		if n < 0 {
			return math.MaxInt64
		}
		return n
	}
	old := v.report.Bad
	if old == nil || order(number) < order(old.Number) || order(number) == order(old.Number) && id != "" && (old.ID == "" || id < old.ID) {
		v.report.Bad = &Bad{id, number, fmt.Sprintf(format, args...)}
	}
}

// readHeads reads the stored heads. A log with leaves has at least one head.
func (v *verification) readHeads(s store.Snapshot) error {
	newest := false
	err := v.tree.heads.ScanSealed(s, "", 0, func(id string, sealed []byte) error {
		if id == treeID {
			return nil
		}
		head, err := store.OpenRecord(v.tree.heads, id, sealed)
		var c Checkpoint
		if err == nil {
			c, err = openHead(head.Note, v.tree.verifier)
		}
		switch {
		case err != nil:
			v.bad("", v.size, "the stored head %q cannot be verified: %v", id, err)
		case id == newestID:
			newest = true
			v.report.Unsigned = max(0, v.size-c.Size)
			fallthrough
		case strings.HasPrefix(id, dayPrefix):
			v.heads = append(v.heads, c)
		}
		return nil
	})
	if v.size > 0 && !newest {
		v.bad("", v.size, "the newest head is missing")
	}
	return err
}

// chunk is a part of the log, in the order of ids, as it is in one snapshot.
type chunk struct {
	size                    int64 // leaves in the tree
	events, leaves, pending []sealedRecord
}

type sealedRecord struct {
	id     string
	sealed []byte
}

const chunkSize = 2048

// verifyEntries compares each event with its leaf. One goroutine reads; others decrypt and hash.
func (v *verification) verifyEntries(ctx context.Context) error {
	work := make(chan chunk, 2)
	var workers sync.WaitGroup
	for range max(2, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			w := worker{verification: v, ctx: ctx, tiles: map[int64][]byte{}}
			for c := range work {
				w.verify(c)
			}
			v.join(&w)
		})
	}
	err := v.readChunks(ctx, work)
	close(work)
	workers.Wait()
	return errors.Join(err, v.err)
}

func (v *verification) readChunks(ctx context.Context, work chan<- chunk) error {
	for after := ""; ; {
		var c chunk
		var last string
		err := v.tree.Store.View(ctx, func(s store.Snapshot) (err error) {
			c, last, err = v.readChunk(s, after)
			return err
		})
		if err != nil {
			return err
		}
		work <- c
		if last == "" {
			return nil
		}
		after = last
	}
}

// readChunk reads the events, leaves and pending leaves after an id. last is the id after which the next chunk begins, or empty at the end.
func (v *verification) readChunk(s store.Snapshot, after string) (c chunk, last string, err error) {
	if c.size, err = v.tree.size(s); err != nil {
		return chunk{}, "", err
	}
	lists := []*[]sealedRecord{&c.events, &c.leaves, &c.pending}
	for i, scan := range []func(store.Snapshot, string, int, func(string, []byte) error) error{
		v.tree.events.ScanSealed, v.tree.leaves.ScanSealed, v.tree.pending.ScanSealed} {
		list := lists[i]
		err := scan(s, after, chunkSize, func(id string, sealed []byte) error {
			*list = append(*list, sealedRecord{id, sealed})
			return nil
		})
		if err != nil {
			return chunk{}, "", err
		}
		if len(*list) == chunkSize && (last == "" || (*list)[chunkSize-1].id < last) {
			last = (*list)[chunkSize-1].id
		}
	}
	for _, list := range lists {
		for last != "" && len(*list) > 0 && (*list)[len(*list)-1].id > last {
			*list = (*list)[:len(*list)-1]
		}
	}
	return c, last, nil
}

// verifyTiles computes each tile anew from the tile level below.
func (v *verification) verifyTiles(ctx context.Context) error {
	for level, count := 0, v.size; count > 0; level, count = level+1, count/tileWidth {
		for n := int64(0); n*tileWidth < count; n++ {
			if err := v.verifyTile(ctx, level, n, min(tileWidth, count-n*tileWidth)); err != nil {
				return err
			}
		}
	}
	return nil
}

// verifyTile compares the root of a full tile with its hash in the level above.
func (v *verification) verifyTile(ctx context.Context, level int, n, width int64) error {
	first := n << (tileHeight * (level + 1))
	return v.tree.Store.View(ctx, func(s store.Snapshot) error {
		tile, err := v.tree.tiles.Get(s, tileID(level, n))
		switch {
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrUnreadable):
			v.bad("", first, "the tile %s is missing or cannot be read", tileID(level, n))
			return nil
		case err != nil:
			return err
		case int64(len(tile.Hashes)) < width*tlog.HashSize:
			v.bad("", first+int64(len(tile.Hashes)/tlog.HashSize)<<(tileHeight*level), "the tile %s is cut", tileID(level, n))
			return nil
		case width < tileWidth:
			return nil
		}
		above, err := v.tree.tiles.Get(s, tileID(level+1, n/tileWidth))
		at := n % tileWidth * tlog.HashSize
		if err != nil || int64(len(above.Hashes)) < at+tlog.HashSize {
			return nil // reported with its own level
		}
		if tileRoot(tile.Hashes) != tlog.Hash(above.Hashes[at:at+tlog.HashSize]) {
			v.bad("", first, "the hashes of entries %d to %d differ from the tree above", first, first+1<<(tileHeight*(level+1))-1)
		}
		return nil
	})
}

// verifyHeads compares the heads with the tree.
func (v *verification) verifyHeads(ctx context.Context) error {
	return v.tree.Store.View(ctx, func(s store.Snapshot) error {
		r := v.tree.reader(s)
		for _, head := range v.heads {
			err := consistent(r, v.size, head)
			if err == nil {
				v.report.Heads++
				continue
			}
			from, known := v.agreed(r, head), v.report.Bad
			if known == nil || known.Number < from || known.Number >= head.Size { // else a wrong entry is named, which the head covers
				v.bad("", from, "%v", err)
			}
		}
		return nil
	})
}

// agreed returns the size of the largest head before head that agrees with the tree: what differs comes after it.
func (v *verification) agreed(r tlog.HashReader, head Checkpoint) (size int64) {
	if v.size < head.Size {
		return v.size
	}
	for _, h := range v.heads {
		if h.Size < head.Size && h.Size > size && consistent(r, v.size, h) == nil {
			size = h.Size
		}
	}
	return size
}

// verifyGone compares removed and erased events with the events that state their removal or erasure.
func (v *verification) verifyGone() {
	for _, g := range v.removed {
		if at, err := audit.TimeOf(g.id); err != nil || !at.Before(v.removals[g.lane]) {
			v.bad(g.id, g.number, "the event is missing, and no event states that it was removed")
			continue
		}
		v.report.Removed++
	}
	for _, g := range v.erased {
		stated := false
		for _, id := range g.subjects {
			stated = stated || id != "" && v.erasures[id]
		}
		if !stated {
			v.bad(g.id, g.number, "the names in the event are missing, and no event states that they were erased")
			continue
		}
		v.report.Erased++
	}
}

// verifyNumbers reports the first number that no entry has. If there is one such number and one unreadable event, they belong together.
func (v *verification) verifyNumbers() {
	first, missing := int64(-1), 0
	for n := range v.size {
		if v.seen[n/64].Load()&(1<<(n%64)) == 0 {
			if missing++; first < 0 {
				first = n
			}
		}
	}
	switch {
	case missing == 1 && len(v.unreadable) == 1:
		v.bad(v.unreadable[0], first, "the event cannot be read")
	case missing > 0:
		v.bad("", first, "the entry is missing")
	}
}
