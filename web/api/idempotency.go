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

// answerTTL is how long a repeated request gets the first response.
const answerTTL = 24 * time.Hour

// storedResponse is the response of a request with an idempotency key. It is written in the Update of the operation
// itself, so that operation and response are stored together.
type storedResponse struct {
	Claim   string          `json:"claim"`  // identifies the request that took the key
	Digest  []byte          `json:"digest"` // of method, path, query, body and permissions of the token
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body,omitempty"` // without secrets
	Expires time.Time       `json:"expires" ahead:"24h"`
}

// errKeyTaken rolls back an operation whose key another request took first. That request stored its response.
var errKeyTaken = errors.New("idempotency key taken by another request")

// idempotentCall is a call that creates or sends something; answering returns one. answer returns the status, the
// response for the caller, and the response to store, which has no secrets. Status 0 means that the outcome is not that
// of the operation.
type idempotentCall struct {
	do     func(r *http.Request) (outcome any, err error)
	answer func(outcome any) (status int, shown, kept any, err error)
}

// answering returns a call whose response depends only on the result T of its Update (account.Tx.Result). The response
// is stored in that Update, so that a crash cannot separate them. An Update with another result, such as the count of a
// wrong password, is not the operation and takes no key.
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

// reply performs the operation without a key and writes the response.
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

// bodyKey is the context key of the body that bufferBody read, for the digest.
type bodyKey struct{}

// once performs the call and writes the response. If the request repeats an earlier one with the same key, it writes
// the response of that one (protocol rule 26).
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
		case errors.Is(err, errKeyTaken): // another request with the key stored its response first
			continue
		case err == nil:
			return nil
		}
		// This request may have failed because another one with the key succeeded.
		if done, failed := a.replay(w, r.Context(), id, mine.Digest); done || failed != nil {
			return failed
		}
		return err
	}
}

// claimKey returns a hook that stores the key and the response in the Update of the operation. The hook fails with
// errKeyTaken if the key is taken.
func (a *API) claimKey(id string, mine storedResponse, do idempotentCall) func(*account.Tx) error {
	return func(tx *account.Tx) error {
		status, _, body, err := do.answer(tx.Result())
		if err != nil || status == 0 {
			return err
		}
		mine := mine
		mine.Status = status
		if mine.Body, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encoding response: %w", err)
		}
		old, err := a.answers.Get(tx.Raw, id)
		switch {
		case err == nil && old.Claim == mine.Claim:
			return nil // another Update of the same call
		case err == nil && tx.Op.Now.Before(old.Expires):
			return errKeyTaken
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("reading idempotency key: %w", err)
		}
		if err := a.answers.Put(tx.Raw, id, mine); err != nil {
			return fmt.Errorf("storing idempotency key: %w", err)
		}
		return nil
	}
}

// replay writes the stored response of a key. done reports whether there is one.
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
		return false, fmt.Errorf("reading idempotency key: %w", err)
	case !bytes.Equal(first.Digest, sum):
		return false, &reply.HTTPError{Status: http.StatusUnprocessableEntity, Kind: reply.KindIdempotency}
	}
	w.Header().Set("Idempotency-Replayed", "true")
	return true, reply.JSON(w, first.Status, first.Body)
}

// digest returns a hash of the request. Each part follows its length. The permissions of the token are a part, so that
// a token whose owner lost permissions cannot read an earlier response (protocol rule 20).
func digest(r *http.Request, op admin.Principal) []byte {
	h := sha256.New()
	body, _ := r.Context().Value(bodyKey{}).([]byte)
	_, limited := op.CoolOff()
	for _, part := range [][]byte{[]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), body, fmt.Appendf(nil, "%s %q %t %t", op.Role, op.Groups, op.Groups == nil, limited)} {
		fmt.Fprintf(h, "%d:", len(part))
		h.Write(part)
	}
	return h.Sum(nil)
}

// bufferBody reads the body of a request with a key for the digest, and returns a request with the same body. The
// handler rejects a body above the limit.
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

// Sweep returns the sweep of expired responses.
func (a *API) Sweep() store.TableSweep {
	return store.NewSweep(a.answers, func(x storedResponse) bool { return !a.now().Before(x.Expires) })
}
