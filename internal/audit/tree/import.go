package tree

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// ErrNotContinuation is wrapped by the error for a file that does not lead from the tree to the head: it is cut or altered, or it is of
// another service.
var ErrNotContinuation = errors.New("the log does not lead from the backup to the head")

// Imported describes an import.
type Imported struct {
	From, To int64  // numbers of the first imported entry, and of the one after the last
	First    string // the smallest id of them
	Beyond   int64  // entries of the file that the head does not cover; they are left out
	Removed  map[audit.Lane]int64
}

// Scratch is a file with the hashes of an import, so that it needs little memory.
type Scratch interface {
	io.ReaderAt
	io.WriterAt
}

// Import appends the entries of a file, one Entry as JSON on each line in any order, up to a head that this service signed. The file
// must have each entry from the end of the tree to the head, unchanged; else the error wraps ErrNotContinuation, and the store must be
// discarded. Entries before are ignored. The scratch file must be empty. Nothing else may write to the store.
func (t *Tree) Import(ctx context.Context, file io.Reader, head string, scratch Scratch) (Imported, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end, err := openHead(head, t.verifier)
	if err != nil {
		return Imported{}, fmt.Errorf("importing the audit log: %w", err)
	}
	i := importer{tree: t, ctx: ctx, scratch: scratch, done: Imported{To: end.Size, Removed: map[audit.Lane]int64{}}}
	if err = t.Store.View(ctx, func(s store.Snapshot) (err error) {
		i.done.From, err = t.size(s)
		return err
	}); err == nil && end.Size < i.done.From {
		err = fmt.Errorf("%w: the head has %d entries, and the backup %d", ErrNotContinuation, end.Size, i.done.From)
	}
	if err == nil {
		err = i.read(file)
	}
	if err == nil {
		err = i.grow()
	}
	if err == nil {
		err = i.compare(end)
	}
	if err == nil {
		err = t.Store.Update(ctx, func(tx store.Tx) error { return t.heads.Put(tx, newestID, Head{Size: end.Size, Note: head}) })
	}
	if err != nil {
		return Imported{}, fmt.Errorf("importing the audit log: %w", err)
	}
	t.last = end
	return i.done, nil
}

// importer is one Import. Its batch is what the next Update stores.
type importer struct {
	tree    *Tree
	ctx     context.Context
	scratch Scratch
	done    Imported
	batch   []Entry
	keys    int
}

// maxLine is more than the JSON of the largest event.
const maxLine = 256 << 10

// read stores the entries of the file, and their hashes in the scratch file.
func (i *importer) read(file io.Reader) error {
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	for n := 1; lines.Scan(); n++ {
		decoder, e := json.NewDecoder(bytes.NewReader(lines.Bytes())), Entry{}
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&e)
		if err == nil && decoder.More() {
			err = errors.New("more than one entry")
		}
		if err == nil {
			err = i.add(e)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w: %w", n, ErrNotContinuation, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("reading the file: %w", err)
	}
	return i.flush()
}

// add checks an entry by itself. A second one of the same number must be equal.
func (i *importer) add(e Entry) error {
	switch {
	case e.Number < i.done.From:
		return nil
	case e.Number >= i.done.To:
		i.done.Beyond++
		return nil
	}
	hash, err := e.hash()
	if err != nil {
		return fmt.Errorf("entry %d: %w", e.Number, err)
	}
	switch known, err := i.hash(e.Number); {
	case err != nil:
		return err
	case known == hash:
		return nil
	case known != tlog.Hash{}:
		return fmt.Errorf("entry %d is in the file twice, with different content", e.Number)
	}
	if _, err := i.scratch.WriteAt(hash[:], (e.Number-i.done.From)*tlog.HashSize); err != nil {
		return fmt.Errorf("writing a hash: %w", err)
	}
	if i.done.First == "" || e.ID < i.done.First {
		i.done.First = e.ID
	}
	if e.Event == nil {
		i.done.Removed[e.Lane]++
	}
	keys := 3
	if e.Event != nil {
		r := audit.NewRecord(*e.Event, audit.Leaf{Number: e.Number, Lane: e.Lane})
		keys = 1 + (&audit.Pending{Record: r}).NumberKeys()
	}
	if i.keys+keys > batchKeys {
		if err := i.flush(); err != nil {
			return err
		}
	}
	i.batch, i.keys = append(i.batch, e), i.keys+keys
	return nil
}

// hash returns the hash of an entry in the scratch file; zero if it was not read yet.
func (i *importer) hash(number int64) (h tlog.Hash, err error) {
	n, err := i.scratch.ReadAt(h[:], (number-i.done.From)*tlog.HashSize)
	if errors.Is(err, io.EOF) {
		if err = nil; n < len(h) {
			return tlog.Hash{}, nil
		}
	}
	return h, err
}

// flush stores the batch.
func (i *importer) flush() error {
	t := i.tree
	err := t.Store.Update(i.ctx, func(tx store.Tx) error {
		for _, e := range i.batch {
			if err := t.log.Import(tx, e.ID, e.Event, audit.Leaf{Number: e.Number, Lane: e.Lane, Body: e.Body}); err != nil {
				return err
			}
		}
		return nil
	})
	i.batch, i.keys = i.batch[:0], 0
	return err
}

// grow adds the hashes of the scratch file to the tree.
func (i *importer) grow() error {
	t := i.tree
	for at := i.done.From; at < i.done.To; {
		from := at
		err := t.Store.Update(i.ctx, func(tx store.Tx) error {
			tiles := map[string][]byte{}
			for at = from; at < min(from+tileWidth, i.done.To); at++ {
				h, err := i.hash(at)
				if err == nil && h == (tlog.Hash{}) {
					err = fmt.Errorf("%w: entry %d is missing", ErrNotContinuation, at)
				}
				if err == nil {
					err = t.add(tx, tiles, 0, at, h)
				}
				if err != nil {
					return err
				}
			}
			for id, hashes := range tiles {
				if err := t.tiles.Put(tx, id, Tile{hashes}); err != nil {
					return err
				}
			}
			return t.heads.Put(tx, treeID, Head{Size: at})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// compare returns an error unless the tree is that of the head.
func (i *importer) compare(end Checkpoint) error {
	return i.tree.Store.View(i.ctx, func(s store.Snapshot) error {
		root, err := tlog.TreeHash(end.Size, i.tree.reader(s))
		if err == nil && root != end.Root {
			err = fmt.Errorf("%w: it has another root, so an entry was changed or is of another service", ErrNotContinuation)
		}
		return err
	})
}
