package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"barillet/authn"
	"barillet/authn/helpdesk"
	"barillet/store"
	"barillet/web/reply"
)

// answersLive is how long a repeat gets the first answer.
const answersLive = 24 * time.Hour

// answer is what is remembered of a request that named an idempotency key. It is written in the Update of the act
// itself, so that the act, its being done and its answer are one. Only the answer of an act that is not made by
// answering is completed afterwards.
type answer struct {
	Claim   string          `json:"claim"`            // which request took the key
	Digest  []byte          `json:"digest"`           // of method, path, query, body and what the token may do
	Status  int             `json:"status,omitempty"` // 0: the answer was never stored
	Body    json.RawMessage `json:"body,omitempty"`   // without secrets
	Expires time.Time       `json:"expires"`
}

// errRepeated undoes an act whose key another request took first. Its answer is under way, or was lost with the
// process; it is not done again.
var errRepeated = &reply.Refused{Status: http.StatusConflict, Kind: reply.KindIdempotency}

// act is one call that creates or sends. shown goes to the caller, kept is the same without its secrets.
type act func(r *http.Request) (status int, shown, kept any, err error)

// answering makes an act whose answer follows from what its Update came to, a T (authn.Work.Outcome): so it is kept in
// that very Update, and no crash comes between. An Update of the call that came to something else, such as a wrong
// password that was counted, is not the act and takes no key.
func answering[T any](do func(r *http.Request) (T, error), answer func(T) (status int, shown, kept any, err error)) act {
	return func(r *http.Request) (int, any, any, error) {
		if c, ok := r.Context().Value(claimKey{}).(*claim); ok {
			c.kept = func(outcome any) (int, any, error) {
				out, ok := outcome.(T)
				if !ok {
					return 0, nil, nil
				}
				status, _, kept, err := answer(out)
				return status, kept, err
			}
		}
		out, err := do(r)
		if err != nil {
			return 0, nil, nil, err
		}
		return answer(out)
	}
}

// claim is a key that a request wants to take.
type claim struct {
	id   string
	mine answer
	kept func(outcome any) (status int, body any, err error) // of the act; status 0: this is not its outcome. nil: told later
	done bool                                                // the answer was kept with the act
}

type claimKey struct{}

// bodyKey is where remembered leaves a body for the digest.
type bodyKey struct{}

// once answers with what do came to, and with the first answer when the request repeats one that named the
// same key (PROTOCOL 26). Without a key it only answers.
func (a *API) once(w http.ResponseWriter, r *http.Request, op helpdesk.Operator, do act) error {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		status, shown, _, err := do(r)
		if err != nil {
			return err
		}
		return reply.JSON(w, status, shown)
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > 255 || !isCursor(keys[0]) {
		return badParameter("Idempotency-Key")
	}
	id := hex.EncodeToString(a.desk.People.Pepper.MAC("idempotency", []byte(op.ID), []byte(keys[0])))
	mine := answer{Claim: rand.Text(), Digest: digest(r, op), Expires: a.now().Add(answersLive)}
	if done, err := a.repeat(w, r.Context(), id, mine.Digest); done || err != nil {
		return err
	}
	c := &claim{id: id, mine: mine}
	ctx := context.WithValue(authn.Also(r.Context(), a.take(c)), claimKey{}, c)
	status, shown, kept, err := do(r.WithContext(ctx))
	if err != nil {
		// Another request with the key may have been faster, and its act may be why this one failed.
		if done, err := a.repeat(w, r.Context(), id, mine.Digest); done || err != nil {
			return err
		}
		return err
	}
	if c.done {
		return reply.JSON(w, status, shown)
	}
	mine.Status = status
	if mine.Body, err = json.Marshal(kept); err != nil {
		return fmt.Errorf("encoding the answer to keep: %w", err)
	}
	if err := a.keep(r.Context(), id, mine); err != nil {
		reply.Report(r, err) // the act is done: who asked for it gets its answer all the same
	}
	return reply.JSON(w, status, shown)
}

// take takes the key within the Update of the act, with the answer where it is known, or undoes the act because the
// key is taken.
func (a *API) take(c *claim) func(*authn.Work) error {
	return func(w *authn.Work) error {
		mine := c.mine
		if c.kept != nil {
			status, body, err := c.kept(w.Outcome())
			if err != nil || status == 0 {
				return err
			}
			mine.Status = status
			if mine.Body, err = json.Marshal(body); err != nil {
				return fmt.Errorf("encoding the answer to keep: %w", err)
			}
		}
		c.done = mine.Status != 0 // whatever becomes of it now: without an error it is stored
		old, err := a.answers.Get(w.Tx, c.id)
		switch {
		case err == nil && old.Claim == mine.Claim:
			return nil // a further change of the same call
		case err == nil && w.Act.Now.Before(old.Expires):
			return errRepeated
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up an idempotency key: %w", err)
		}
		if err := a.answers.Put(w.Tx, c.id, mine); err != nil {
			return fmt.Errorf("taking an idempotency key: %w", err)
		}
		return nil
	}
}

// keep completes the record of a key that this request took. The act is done whatever becomes of it.
func (a *API) keep(ctx context.Context, id string, mine answer) error {
	err := a.desk.People.Store.Update(context.WithoutCancel(ctx), func(tx store.Tx) error {
		old, err := a.answers.Get(tx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && old.Claim != mine.Claim {
			return nil
		}
		if err != nil {
			return err
		}
		return a.answers.Put(tx, id, mine)
	})
	if err != nil {
		return fmt.Errorf("keeping an answer: %w", err)
	}
	return nil
}

// repeat answers a request whose key was used before. done tells whether it was.
func (a *API) repeat(w http.ResponseWriter, ctx context.Context, id string, sum []byte) (done bool, err error) {
	var first answer
	err = a.desk.People.Store.View(ctx, func(s store.Snapshot) (err error) {
		first, err = a.answers.Get(s, id)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && !a.now().Before(first.Expires):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("looking up an idempotency key: %w", err)
	case !bytes.Equal(first.Digest, sum):
		return false, &reply.Refused{Status: http.StatusUnprocessableEntity, Kind: reply.KindIdempotency}
	case first.Status == 0:
		return false, errRepeated
	}
	w.Header().Set("Idempotency-Replayed", "true")
	return true, reply.JSON(w, first.Status, first.Body)
}

// digest tells requests apart: every part with its length before it. What the token may do by its owner's present role and
// scope is one: whoever lost some of it is not to read again what they could then see (PROTOCOL 20).
func digest(r *http.Request, op helpdesk.Operator) []byte {
	h := sha256.New()
	body, _ := r.Context().Value(bodyKey{}).([]byte)
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), body, fmt.Appendf(nil, "%s %q %t", op.Role, op.Groups, op.Groups == nil)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return h.Sum(nil)
}

// remembered reads the body of a request that names a key, so that the digest knows it, and gives the handler
// the same bytes again. A body over the limit is left to the handler to refuse.
func remembered(r *http.Request) (*http.Request, error) {
	if len(r.Header.Values("Idempotency-Key")) == 0 || r.Body == nil {
		return r, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return r, err
	}
	if err != nil {
		return r, &reply.Refused{Status: http.StatusBadRequest, Kind: reply.KindMalformed}
	}
	r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, nil
}

// Sweep forgets answers whose time is over, in small bites. Call it once in a while.
func (a *API) Sweep(ctx context.Context) error {
	now, st := a.now(), a.desk.People.Store
	for after, more := "", true; more; {
		var dead []string
		err := st.View(ctx, func(s store.Snapshot) error {
			dead, more = nil, false
			seen := 0
			return a.answers.Scan(s, "", after, 0, func(id string, x answer) error {
				if seen++; seen > 500 || len(dead) == 32 {
					more = true
					return store.ErrStop
				}
				if after = id; !now.Before(x.Expires) {
					dead = append(dead, id)
				}
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("looking for old answers: %w", err)
		}
		if err := a.forget(ctx, now, dead); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) forget(ctx context.Context, now time.Time, dead []string) error {
	if len(dead) == 0 {
		return nil
	}
	err := a.desk.People.Store.Update(ctx, func(tx store.Tx) error {
		for _, id := range dead {
			x, err := a.answers.Get(tx, id)
			if errors.Is(err, store.ErrNotFound) || err == nil && now.Before(x.Expires) {
				continue
			}
			if err != nil {
				return err
			}
			if err := a.answers.Delete(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("forgetting old answers: %w", err)
	}
	return nil
}
