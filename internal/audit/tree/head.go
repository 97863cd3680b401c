package tree

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"barillet/store"
)

// Checkpoint is the content of a tree head, as in C2SP tlog-checkpoint, with the time as its extension line.
type Checkpoint struct {
	Size int64
	Root tlog.Hash
	At   time.Time
}

func (c Checkpoint) text(origin string) string {
	return fmt.Sprintf("%s\n%d\n%s\n%s\n", origin, c.Size, c.Root, c.At.UTC().Format(time.RFC3339))
}

// ErrHead is wrapped by the error for a head that is malformed or was not signed by this service.
var ErrHead = errors.New("not a tree head of this audit log")

// openHead returns the content of a signed head.
func openHead(text string, key note.Verifier) (Checkpoint, error) {
	n, err := note.Open([]byte(text), note.VerifierList(key))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	for _, s := range n.Sigs { // package note ignores the last bits of the encoding
		if _, err := base64.StdEncoding.Strict().DecodeString(s.Base64); err != nil {
			return Checkpoint{}, fmt.Errorf("%w: %w", ErrHead, err)
		}
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 5 || lines[0] != key.Name() {
		return Checkpoint{}, fmt.Errorf("%w: it has another form", ErrHead)
	}
	size, sizeErr := strconv.ParseInt(lines[1], 10, 64)
	root, rootErr := tlog.ParseHash(lines[2])
	at, timeErr := time.Parse(time.RFC3339, lines[3])
	if err := errors.Join(sizeErr, rootErr, timeErr); err != nil || size < 1 {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrHead, err)
	}
	return Checkpoint{size, root, at}, nil
}

// signer signs heads. It implements note.Signer.
type signer struct {
	note.Verifier
	private ed25519.PrivateKey
}

// Sign implements note.Signer.
func (s signer) Sign(msg []byte) ([]byte, error) { return s.private.Sign(nil, msg, crypto.Hash(0)) }

// Sign signs a head if the tree has grown since the newest one. It does not sign a tree that is not consistent with that head: a
// tree whose past was changed keeps the head that proves it.
func (t *Tree) Sign(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var next Checkpoint
	err := t.Store.View(ctx, func(s store.Snapshot) (err error) {
		next, err = t.nextHead(s)
		return err
	})
	t.contradicted.Store(errors.Is(err, errContradiction))
	if err != nil {
		return fmt.Errorf("signing a head of the audit log: %w", err)
	}
	at := t.Now()
	if next.Size == 0 {
		t.covered.Store(&at)
		return nil
	}
	signed, err := note.Sign(&note.Note{Text: next.text(t.verifier.Name())}, t.signer)
	if err != nil {
		return fmt.Errorf("signing a head of the audit log: %w", err)
	}
	head := Head{Size: next.Size, Note: string(signed)}
	day := dayPrefix + next.At.UTC().Format(time.DateOnly)
	err = t.Store.Update(ctx, func(tx store.Tx) error {
		if _, err := t.heads.Get(tx, day); errors.Is(err, store.ErrNotFound) {
			if err := t.heads.Put(tx, day, head); err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		return t.heads.Put(tx, newestID, head)
	})
	if err != nil {
		return fmt.Errorf("storing a head of the audit log: %w", err)
	}
	t.last = next
	t.covered.Store(&at)
	return nil
}

// errContradiction is wrapped by the error of Sign for a tree that its newest head contradicts, or that has a part that cannot be
// read.
var errContradiction = errors.New("the log contradicts its newest head")

// nextHead returns the head to sign. Its size is 0 if the tree has not grown. Each error wraps errContradiction.
func (t *Tree) nextHead(s store.Snapshot) (next Checkpoint, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %w", errContradiction, err)
		}
	}()
	size, err := t.size(s)
	if err != nil {
		return Checkpoint{}, err
	}
	newest, err := t.newest(s)
	if err != nil {
		return Checkpoint{}, err
	}
	if newest.Size > t.last.Size {
		t.last = newest
	}
	r := t.reader(s)
	if t.last.Size > 0 {
		if err := consistent(r, size, t.last); err != nil {
			return Checkpoint{}, err
		}
	}
	if size == t.last.Size {
		return Checkpoint{}, nil
	}
	root, err := tlog.TreeHash(size, r)
	return Checkpoint{Size: size, Root: root, At: t.Now()}, err
}

// newest returns the newest head, or the zero Checkpoint if none was signed.
func (t *Tree) newest(r store.Reader) (Checkpoint, error) {
	head, err := t.heads.Get(r, newestID)
	if errors.Is(err, store.ErrNotFound) {
		return Checkpoint{}, nil
	}
	if err != nil {
		return Checkpoint{}, err
	}
	return openHead(head.Note, t.verifier)
}

// consistent returns an error if the tree does not begin with the leaves of the head.
func consistent(r tlog.HashReader, size int64, head Checkpoint) error {
	if size < head.Size {
		return fmt.Errorf("the log has %d entries, and the head of %s has %d: its end is missing", size, head.At.Format(time.RFC3339), head.Size)
	}
	root, err := tlog.TreeHash(head.Size, r)
	if err == nil && root != head.Root {
		err = fmt.Errorf("the first %d entries differ from those of the head of %s", head.Size, head.At.Format(time.RFC3339))
	}
	return err
}

// NewestHead returns the newest signed head. The error wraps ErrUnsigned if there is none.
func (t *Tree) NewestHead(ctx context.Context) (text string, err error) {
	err = t.Store.View(ctx, func(s store.Snapshot) error {
		head, err := t.heads.Get(s, newestID)
		text = head.Note
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		t.wanted.Store(true)
		return "", fmt.Errorf("reading the head of the audit log: %w", ErrUnsigned)
	}
	return text, err
}

// Root returns the size and the root of the tree in a snapshot. Nothing is compared with a head.
func (t *Tree) Root(s store.Snapshot) (Checkpoint, error) {
	size, err := t.size(s)
	if err != nil || size == 0 {
		return Checkpoint{}, err
	}
	root, err := tlog.TreeHash(size, t.reader(s))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("reading the tree of the audit log: %w", err)
	}
	return Checkpoint{Size: size, Root: root}, nil
}
