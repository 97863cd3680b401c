// Package tree builds the Merkle tree of the audit log (RFC 6962 §2.1): it numbers the leaves that internal/audit appends, stores
// the hashes in tiles, signs tree heads, proves that an event is in the log, and verifies the whole log (promise S3). It does not
// define leaves, and it never decides which events are removed.
package tree

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// Config has the parts that a Tree needs.
type Config struct {
	Store   store.Store
	Keyring *store.Keyring
	// Pepper is in the key file, outside the store. The key of the heads is derived from it, so no second file can be lost.
	Pepper store.Pepper
	Now    func() time.Time
	Log    *slog.Logger
	// Contradicted, if it is not nil, records that no head is signed, because the tree contradicts its newest head, or one of them
	// cannot be read. Run calls it once, until a head is signed again, and repeats it after an error.
	Contradicted func(ctx context.Context, reason string) error
	// Numbered, if it is not nil, is called in each Update that numbers events, with their ids and the number of the first. It may use
	// one key. Its error fails the Update.
	Numbered func(tx store.Tx, first int64, ids []string, events []audit.Record) error
	// Committed, if it is not nil, is called after each such Update, once for each event. It must return quickly.
	Committed func(ids []string, events []audit.Record)
}

// Tree is the Merkle tree of the audit log. One process has one Tree. It is safe for concurrent use.
type Tree struct {
	Config
	log     audit.Log
	events  store.Table[audit.Record]
	pending store.Table[audit.Pending]
	leaves  store.Table[audit.Leaf] // of removed events
	tiles   store.Table[Tile]
	heads   store.Table[Head]

	signer   signer
	verifier note.Verifier
	key      string // the verifier key in the form of package note

	mu   sync.Mutex // held by the one that numbers leaves or signs
	last Checkpoint // the newest head that this process signed or read

	wanted       atomic.Bool // a reader waits for a head
	covered      atomic.Pointer[time.Time]
	contradicted atomic.Bool // the last attempt to sign failed with errContradiction
}

// Tile is 256 hashes of one level, or fewer in the last tile of the level.
type Tile struct {
	Hashes []byte `json:"hashes"`
}

// Head is a signed tree head, or, with the id treeID, the number of leaves of the tree.
type Head struct {
	Size int64  `json:"size"`
	Note string `json:"note,omitempty"`
}

// The ids in the table of heads. The first head of each day has the id dayPrefix and the date.
const (
	treeID    = "tree"
	newestID  = "newest"
	dayPrefix = "day-"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// New returns the tree in the store.
func New(c Config) (*Tree, error) {
	t := &Tree{Config: c, log: audit.NewLog(c.Keyring), events: store.NewTable[audit.Record](c.Keyring, store.Audit),
		pending: store.NewTable[audit.Pending](c.Keyring, store.AuditPending), leaves: store.NewTable[audit.Leaf](c.Keyring, store.AuditLeaves),
		tiles: store.NewTable[Tile](c.Keyring, store.AuditTiles), heads: store.NewTable[Head](c.Keyring, store.AuditHeads)}
	private := ed25519.NewKeyFromSeed(c.Pepper.MAC("audit head key"))
	var err error
	if t.key, err = note.NewEd25519VerifierKey("barillet-audit-"+c.Pepper.ID(), private.Public().(ed25519.PublicKey)); err == nil {
		t.verifier, err = note.NewVerifier(t.key)
	}
	if err != nil {
		return nil, fmt.Errorf("creating the key of the audit log: %w", err)
	}
	t.signer = signer{t.verifier, private}
	return t, nil
}

// Key returns the public key of the heads, as a verifier key of C2SP signed-note.
func (t *Tree) Key() string { return t.key }

const (
	sequenceInterval = time.Second
	signInterval     = time.Minute
)

// Run numbers new leaves each second and signs a head each minute, or at once for a reader, until ctx ends. It continues after an
// error, and logs one a minute.
func (t *Tree) Run(ctx context.Context) error {
	ticks := time.NewTicker(sequenceInterval)
	defer ticks.Stop()
	const every = int(signInterval / sequenceInterval)
	reported := false // what Contradicted records
	for n, silent := 0, 0; ; n, silent = n+1, silent-1 {
		wanted := t.wanted.Swap(false)
		complete, err := t.number(ctx, atOnce)
		if n%every == 0 || wanted || t.unsigned() { // also after an error: damage that ends the numbers ends the heads
			signed := t.Sign(ctx)
			reported = t.report(ctx, signed, reported)
			err = errors.Join(err, signed)
		}
		if err != nil && ctx.Err() == nil && silent <= 0 {
			silent = every
			t.Log.Error("extending the audit log", "error", err)
		}
		if err == nil && !complete && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// report records the beginning of a contradiction. It returns whether the present one is recorded.
func (t *Tree) report(ctx context.Context, err error, reported bool) bool {
	switch {
	case err == nil:
		return false
	case reported || !t.IsContradicted() || t.Contradicted == nil:
		return reported
	}
	if err := t.Contradicted(ctx, err.Error()); err != nil {
		t.Log.Error("recording that the audit log contradicts its head", "error", err)
		return false
	}
	return true
}

// IsContradicted reports whether no head is signed because the tree contradicts its newest head, or one of them cannot be read.
func (t *Tree) IsContradicted() bool { return t.contradicted.Load() }

// unsigned reports whether this process knows no head.
func (t *Tree) unsigned() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last.Size == 0
}

// Covered returns the last time at which a signed head covered all events with a number; the zero time means none since the start.
// While nothing fails it is less than about a minute ago. It waits for no other call.
func (t *Tree) Covered() time.Time {
	at := t.covered.Load()
	if at == nil {
		return time.Time{}
	}
	return *at
}

// Advance numbers all pending leaves and signs a head for them.
func (t *Tree) Advance(ctx context.Context) error {
	if err := t.Sequence(ctx); err != nil {
		return err
	}
	return t.Sign(ctx)
}

const (
	batchKeys = store.MaxUpdateKeys - 11 // of the events of one Update: the others are for the size, the growing tiles and Numbered
	atOnce    = 100                      // Updates between two looks at the time of the next head
)

// Sequence gives each pending leaf its number, in the order of event ids.
func (t *Tree) Sequence(ctx context.Context) error {
	_, err := t.number(ctx, math.MaxInt)
	return err
}

// number is Sequence with a limit of Updates. complete reports whether no leaf is left.
func (t *Tree) number(ctx context.Context, updates int) (complete bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for range updates {
		var ids []string
		var last bool
		err := t.Store.View(ctx, func(s store.Snapshot) (err error) {
			ids, last, err = t.next(s)
			return err
		})
		if err == nil && len(ids) > 0 {
			err = t.growBy(ctx, ids)
		}
		if err != nil {
			return false, fmt.Errorf("numbering the leaves of the audit log: %w", err)
		}
		if last {
			return true, nil
		}
	}
	return false, nil
}

// next returns the ids of the next pending leaves, as many as fit into an Update, and whether no other is left. It leaves out an id
// that has a number: no event is replaced, and verification reports it.
func (t *Tree) next(s store.Snapshot) (ids []string, last bool, err error) {
	keys := 0
	last = true
	err = t.pending.Scan(s, "", "", 0, func(id string, p audit.Pending) error {
		numbered, err := t.log.Numbered(s, id)
		if err != nil || numbered {
			return err
		}
		if keys += p.NumberKeys(); keys > batchKeys {
			last = false
			return store.ErrStop
		}
		ids = append(ids, id)
		return nil
	})
	return ids, last, err
}

// growBy stores grow, and reports its events.
func (t *Tree) growBy(ctx context.Context, ids []string) error {
	events, err := store.Do(ctx, t.Store, func(tx store.Tx) ([]audit.Record, error) { return t.grow(tx, ids) })
	if err == nil && t.Committed != nil {
		t.Committed(ids, events)
	}
	return err
}

// grow numbers the leaves of events, adds their hashes to the tiles, and returns the events.
func (t *Tree) grow(tx store.Tx, ids []string) ([]audit.Record, error) {
	size, err := t.size(tx)
	if err != nil {
		return nil, err
	}
	tiles, events, first := map[string][]byte{}, make([]audit.Record, len(ids)), size
	for i, id := range ids {
		leaf, err := t.log.Number(tx, id, size)
		if err == nil {
			err = t.add(tx, tiles, 0, size, leaf.Hash)
		}
		if err != nil {
			return nil, err
		}
		events[i] = leaf.Record
		size++
	}
	if t.Numbered != nil {
		if err := t.Numbered(tx, first, ids, events); err != nil {
			return nil, err
		}
	}
	for id, hashes := range tiles {
		if err := t.tiles.Put(tx, id, Tile{hashes}); err != nil {
			return nil, err
		}
	}
	return events, t.heads.Put(tx, treeID, Head{Size: size})
}

// add adds the hash n of a level. A full tile gives a hash to the next level.
func (t *Tree) add(r store.Reader, tiles map[string][]byte, level int, n int64, h tlog.Hash) error {
	id := tileID(level, n/tileWidth)
	if _, loaded := tiles[id]; !loaded && n%tileWidth != 0 {
		old, err := t.tiles.Get(r, id)
		if err != nil {
			return err
		}
		if int64(len(old.Hashes)) != n%tileWidth*tlog.HashSize {
			return fmt.Errorf("tile %s has %d bytes, want %d hashes", id, len(old.Hashes), n%tileWidth)
		}
		tiles[id] = old.Hashes
	}
	tiles[id] = append(tiles[id], h[:]...)
	if n%tileWidth != tileWidth-1 {
		return nil
	}
	return t.add(r, tiles, level+1, n/tileWidth, tileRoot(tiles[id]))
}

// tileRoot returns the root of a full tile.
func tileRoot(hashes []byte) tlog.Hash {
	level := make([]tlog.Hash, 0, tileWidth)
	for ; len(hashes) > 0; hashes = hashes[tlog.HashSize:] {
		level = append(level, tlog.Hash(hashes[:tlog.HashSize]))
	}
	for len(level) > 1 {
		for i := range len(level) / 2 {
			level[i] = tlog.NodeHash(level[2*i], level[2*i+1])
		}
		level = level[:len(level)/2]
	}
	return level[0]
}

// size returns the number of leaves that have a number.
func (t *Tree) size(r store.Reader) (int64, error) {
	state, err := t.heads.Get(r, treeID)
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return state.Size, err
}

func tileID(level int, n int64) string { return strconv.Itoa(level) + "/" + fmt.Sprintf("%012d", n) }

// reader returns the hashes of the stored tiles.
func (t *Tree) reader(r store.Reader) tlog.HashReader {
	loaded := map[string][]byte{}
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			tile := tlog.TileForIndex(tileHeight, index)
			id := tileID(tile.L, tile.N)
			if loaded[id] == nil {
				stored, err := t.tiles.Get(r, id)
				if err != nil {
					return nil, fmt.Errorf("tile %s: %w", id, err)
				}
				loaded[id] = stored.Hashes
			}
			var err error
			if out[i], err = tlog.HashFromTile(tile, loaded[id], index); err != nil {
				return nil, fmt.Errorf("tile %s: %w", id, err)
			}
		}
		return out, nil
	})
}
