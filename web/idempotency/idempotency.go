// Package idempotency performs a request with a key once: a repeat gets the first answer (protocol rule 26). It owns the
// stored answers, not the form of a key or of an answer: web/api and web/console have their own.
package idempotency

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/store"
)

// answerTTL is how long a repeated request gets the first answer.
const answerTTL = 24 * time.Hour

// ErrOtherRequest is the error of a request whose key belongs to another request.
var ErrOtherRequest = errors.New("idempotency key of another request")

// errTaken rolls back an operation whose key another request took first. That request stored its answer.
var errTaken = errors.New("idempotency key taken by another request")

// Answer is the answer of a request with a key. It is written in the Update of the operation itself, so that operation
// and answer are stored together.
type Answer struct {
	Claim   string          `json:"claim"`  // identifies the request that took the key
	Digest  []byte          `json:"digest"` // of the request
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body,omitempty"` // without secrets
	Expires time.Time       `json:"expires" ahead:"24h"`
}

// Keys stores the answers. It is safe for concurrent use.
type Keys struct {
	accounts *account.Service
	answers  store.Table[Answer]
	now      func() time.Time
}

// New returns the Keys of a store. now is the clock.
func New(accounts *account.Service, ring *store.Keyring, now func() time.Time) *Keys {
	return &Keys{accounts: accounts, answers: store.NewTable[Answer](ring, store.Idempotency), now: now}
}

// Request is a request with a key.
type Request struct {
	Principal string // ID of the principal, to which the key belongs
	Key       string
	Digest    []byte // see Digest

	// Keep returns the status and the body to store for the result of an Update (account.Tx.Result), without secrets.
	// Status 0 means that the outcome is not that of the operation, such as the count of a wrong password.
	Keep func(outcome any) (status int, body any, err error)
}

// Digest returns a hash of the parts of a request that a repeat must have in common. Each part follows its length.
func Digest(parts ...[]byte) []byte {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return h.Sum(nil)
}

// Once calls do, which performs the operation with the context that it gets and writes the answer. If the request repeats
// an earlier one, Once calls replay with its answer instead. It returns ErrOtherRequest if the key has another digest.
func (k *Keys) Once(ctx context.Context, r Request, do func(context.Context) error, replay func(Answer) error) error {
	id := hex.EncodeToString(k.accounts.Pepper.MAC("idempotency", []byte(r.Principal), []byte(r.Key)))
	mine := Answer{Claim: rand.Text(), Digest: r.Digest, Expires: k.now().Add(answerTTL)}
	claimed := account.WithTxHook(ctx, k.claim(id, mine, r.Keep))
	for {
		if done, err := k.replay(ctx, id, r.Digest, replay); done || err != nil {
			return err
		}
		err := do(claimed)
		switch {
		case errors.Is(err, errTaken): // another request with the key stored its answer first
			continue
		case err == nil:
			return nil
		}
		// This request may have failed because another one with the key succeeded.
		if done, failed := k.replay(ctx, id, r.Digest, replay); done || failed != nil {
			return failed
		}
		return err
	}
}

// claim returns a hook that stores the key and the answer in the Update of the operation. The hook fails with errTaken
// if the key is taken.
func (k *Keys) claim(id string, mine Answer, keep func(any) (int, any, error)) func(*account.Tx) error {
	return func(tx *account.Tx) error {
		status, body, err := keep(tx.Result())
		if err != nil || status == 0 {
			return err
		}
		mine := mine
		mine.Status = status
		if mine.Body, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding response: %w", err)
		}
		old, err := k.answers.Get(tx.Raw, id)
		switch {
		case err == nil && old.Claim == mine.Claim:
			return nil // another Update of the same call
		case err == nil && tx.Op.Now.Before(old.Expires):
			return errTaken
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("reading idempotency key: %w", err)
		}
		if err := k.answers.Put(tx.Raw, id, mine); err != nil {
			return fmt.Errorf("storing idempotency key: %w", err)
		}
		return nil
	}
}

// replay calls show with the stored answer of a key. done reports whether there is one.
func (k *Keys) replay(ctx context.Context, id string, sum []byte, show func(Answer) error) (done bool, err error) {
	var first Answer
	err = k.accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		first, err = k.answers.Get(s, id)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && !k.now().Before(first.Expires):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reading idempotency key: %w", err)
	case !bytes.Equal(first.Digest, sum):
		return false, ErrOtherRequest
	}
	return true, show(first)
}

// Sweep returns the sweep of expired answers.
func (k *Keys) Sweep() store.TableSweep {
	return store.NewSweep(k.answers, func(x Answer) bool { return !k.now().Before(x.Expires) })
}
