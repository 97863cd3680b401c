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

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/store"
	"barillet/web/reply"
)

// answerTTL is how long a repeat gets the first answer.
const answerTTL = 24 * time.Hour

// storedResponse is what is remembered of a request that named an idempotency key. It is written in the Update of the act
// itself, so that the act, its being done and its answer are one.
type storedResponse struct {
	Claim   string          `json:"claim"`  // which request took the key
	Digest  []byte          `json:"digest"` // of method, path, query, body and what the token may do
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body,omitempty"` // without secrets
	Expires time.Time       `json:"expires"`
}

// errKeyTaken undoes an act whose key another request took first, whose answer is stored with it.
var errKeyTaken = errors.New("the idempotency key was taken a moment ago")

// idempotentCall is one call that creates or sends, made by answering. Of what it came to, shown goes to the caller and kept is the
// same without its secrets; status 0: that was not the act.
type idempotentCall struct {
	do     func(r *http.Request) (outcome any, err error)
	answer func(outcome any) (status int, shown, kept any, err error)
}

// answering makes an act whose answer follows from what its Update came to, a T (authn.Work.Outcome): so it is kept in
// that very Update, and no crash comes between. An Update of the call that came to something else, such as a wrong
// password that was counted, is not the act and takes no key.
func answering[T any](do func(r *http.Request) (T, error), answer func(T) (status int, shown, kept any, err error)) idempotentCall {
	return idempotentCall{
		do: func(r *http.Request) (any, error) { return do(r) },
		answer: func(outcome any) (int, any, any, error) {
			out, ok := outcome.(T)
			if !ok {
				return 0, nil, nil, nil
			}
			return answer(out)
		},
	}
}

// reply does the act and answers, where no key is named.
func (x idempotentCall) reply(w http.ResponseWriter, r *http.Request) error {
	out, err := x.do(r)
	if err != nil {
		return err
	}
	status, shown, _, err := x.answer(out)
	if err != nil {
		return err
	}
	return reply.JSON(w, status, shown)
}

// bodyKey is where remembered leaves a body for the digest.
type bodyKey struct{}

// once answers with what do came to, and with the first answer when the request repeats one that named the
// same key (PROTOCOL 26). Without a key it only answers.
func (a *API) once(w http.ResponseWriter, r *http.Request, op admin.Principal, do idempotentCall) error {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return do.reply(w, r)
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > 255 || !isCursor(keys[0]) {
		return badParameter("Idempotency-Key")
	}
	id := hex.EncodeToString(a.directory.Admin.Accounts.Pepper.MAC("idempotency", []byte(op.ID), []byte(keys[0])))
	mine := storedResponse{Claim: rand.Text(), Digest: digest(r, op), Expires: a.now().Add(answerTTL)}
	claimed := r.WithContext(account.WithTxHook(r.Context(), a.claimKey(id, mine, do)))
	for {
		if done, err := a.replay(w, r.Context(), id, mine.Digest); done || err != nil {
			return err
		}
		err := do.reply(w, claimed)
		switch {
		case errors.Is(err, errKeyTaken): // another request with the key was faster: its answer is there
			continue
		case err == nil:
			return nil
		}
		// What another request with the key did may be why this one failed.
		if done, failed := a.replay(w, r.Context(), id, mine.Digest); done || failed != nil {
			return failed
		}
		return err
	}
}

// claimKey takes the key within the Update of the act, with its answer, or undoes the act because the key is taken.
func (a *API) claimKey(id string, mine storedResponse, do idempotentCall) func(*account.Tx) error {
	return func(tx *account.Tx) error {
		status, _, body, err := do.answer(tx.Result())
		if err != nil || status == 0 {
			return err
		}
		mine := mine
		mine.Status = status
		if mine.Body, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding the answer to keep: %w", err)
		}
		old, err := a.answers.Get(tx.Raw, id)
		switch {
		case err == nil && old.Claim == mine.Claim:
			return nil // a further change of the same call
		case err == nil && tx.Op.Now.Before(old.Expires):
			return errKeyTaken
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up an idempotency key: %w", err)
		}
		if err := a.answers.Put(tx.Raw, id, mine); err != nil {
			return fmt.Errorf("taking an idempotency key: %w", err)
		}
		return nil
	}
}

// replay answers a request whose key was used before. done tells whether it was.
func (a *API) replay(w http.ResponseWriter, ctx context.Context, id string, sum []byte) (done bool, err error) {
	var first storedResponse
	err = a.directory.Admin.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		first, err = a.answers.Get(s, id)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound), err == nil && !a.now().Before(first.Expires):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("looking up an idempotency key: %w", err)
	case !bytes.Equal(first.Digest, sum):
		return false, &reply.HTTPError{Status: http.StatusUnprocessableEntity, Kind: reply.KindIdempotency}
	}
	w.Header().Set("Idempotency-Replayed", "true")
	return true, reply.JSON(w, first.Status, first.Body)
}

// digest tells requests apart: every part with its length before it. What the token may do by its owner's present role and
// scope is one: whoever lost some of it is not to read again what they could then see (PROTOCOL 20).
func digest(r *http.Request, op admin.Principal) []byte {
	h := sha256.New()
	body, _ := r.Context().Value(bodyKey{}).([]byte)
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), body, fmt.Appendf(nil, "%s %q %t", op.Role, op.Groups, op.Groups == nil)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return h.Sum(nil)
}

// bufferBody reads the body of a request that names a key, so that the digest knows it, and gives the handler
// the same bytes again. A body over the limit is left to the handler to refuse.
func bufferBody(r *http.Request) (*http.Request, error) {
	if len(r.Header.Values("Idempotency-Key")) == 0 || r.Body == nil {
		return r, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if _, over := errors.AsType[*http.MaxBytesError](err); over {
		return r, err
	}
	if err != nil {
		return r, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindMalformed}
	}
	r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
	r.Body = io.NopCloser(bytes.NewReader(body))
	return r, nil
}

// DeleteExpired forgets answers whose time is over, in small bites. Call it once in a while.
func (a *API) DeleteExpired(ctx context.Context) error {
	now, st := a.now(), a.directory.Admin.Accounts.Store
	for after, more := "", true; more; {
		var dead []string
		err := st.View(ctx, func(s store.Snapshot) error {
			dead, more = nil, false
			seen := 0
			return a.answers.Scan(s, "", after, 0, func(id string, x storedResponse) error {
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
		if err := a.deleteAnswers(ctx, now, dead); err != nil {
			return err
		}
	}
	return nil
}

func (a *API) deleteAnswers(ctx context.Context, now time.Time, dead []string) error {
	if len(dead) == 0 {
		return nil
	}
	err := a.directory.Admin.Accounts.Store.Update(ctx, func(tx store.Tx) error {
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
