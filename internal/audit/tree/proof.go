package tree

import (
	"context"
	_ "embed" // for ProofPage
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// ProofPage is an HTML page that checks a proof. It has all that it needs, so it works from a file and without a network.
//
//go:embed proof.html
var ProofPage []byte

// proofFormat is in each proof. Another form gets another value.
const proofFormat = "barillet-audit-proof-1"

// Proof proves that an event is in the log (RFC 6962 §2.1.1). It has everything that a reader needs, also without the service.
type Proof struct {
	Format string      `json:"format"`
	ID     string      `json:"id"`
	Lane   audit.Lane  `json:"lane"`
	Event  audit.Event `json:"event"`  // with the salt of the commitments in its leaf
	Number int64       `json:"number"` // of the leaf
	Hashes []tlog.Hash `json:"hashes"` // of the nodes beside the path from the leaf to the root
	Head   string      `json:"head"`   // signed; it has the number of leaves and the root
	Key    string      `json:"key"`    // the public key of the head
}

// ErrUnsigned is wrapped by the error for an event that no signed head covers yet, and for a log without a head. After it, Run
// signs a head at its next tick.
var ErrUnsigned = errors.New("no signed head yet")

// Prove returns the proof of an event against the newest head. It writes nothing. The error wraps ErrUnsigned, or store.ErrNotFound
// for an event that does not exist or was removed.
func (t *Tree) Prove(ctx context.Context, id string) (p Proof, err error) {
	var covered bool
	err = t.Store.View(ctx, func(s store.Snapshot) (err error) {
		p, covered, err = t.prove(s, id)
		return err
	})
	if err == nil && !covered {
		t.wanted.Store(true)
		return Proof{}, fmt.Errorf("proving an event: %w", ErrUnsigned)
	}
	return p, err
}

// prove reports in covered whether the newest head covers the event.
func (t *Tree) prove(s store.Snapshot, id string) (p Proof, covered bool, err error) {
	if _, err := audit.TimeOf(id); err != nil {
		return Proof{}, false, fmt.Errorf("proving an event: %w", store.ErrNotFound)
	}
	p = Proof{Format: proofFormat, ID: id, Key: t.key}
	r, err := t.events.Get(s, id)
	if errors.Is(err, store.ErrNotFound) {
		_, err = t.log.Get(s, id)
		return Proof{}, false, err
	}
	if err != nil {
		return Proof{}, false, err
	}
	if p.Event, err = r.Event(id); err != nil {
		return Proof{}, false, err
	}
	p.Lane, p.Number = r.Lane, r.Number
	head, err := t.heads.Get(s, newestID)
	if errors.Is(err, store.ErrNotFound) || err == nil && head.Size <= p.Number {
		return Proof{}, false, nil
	}
	if err != nil {
		return Proof{}, false, err
	}
	p.Head = head.Note
	hashes, err := tlog.ProveRecord(head.Size, p.Number, t.reader(s))
	if p.Hashes = hashes; hashes == nil {
		p.Hashes = []tlog.Hash{}
	}
	return p, true, err
}
