package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"

	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/web/idempotency"
	"barillet/web/reply"
)

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

// approvable is answering for an operation that may wait for an approval instead (protocol rule 11). The response is then the approval.
func approvable[T any](a *API, do func(r *http.Request) (T, *approval.Approval, error), answer func(T) (status int, shown, kept any, err error)) idempotentCall {
	return idempotentCall{
		do: func(r *http.Request) (any, error) {
			done, waits, err := do(r)
			if err == nil && waits != nil {
				return *waits, nil
			}
			return done, err
		},
		answer: func(outcome any) (int, any, any, error) {
			switch out := outcome.(type) {
			case approval.Approval:
				waits := a.approval(out)
				return http.StatusAccepted, waits, waits, nil
			case T:
				return answer(out)
			}
			return 0, nil, nil, nil
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
	err := a.keys.Once(r.Context(), idempotency.Request{Principal: op.ID, Key: keys[0], Digest: digest(r, op), Keep: func(outcome any) (int, any, error) {
		status, _, kept, err := do.answer(outcome)
		return status, kept, err
	}}, func(ctx context.Context) error {
		return do.reply(w, r.WithContext(ctx))
	}, func(first idempotency.Answer) error {
		w.Header().Set("Idempotency-Replayed", "true")
		return reply.JSON(w, first.Status, first.Body)
	})
	if errors.Is(err, idempotency.ErrOtherRequest) {
		return &reply.HTTPError{Status: http.StatusUnprocessableEntity, Kind: reply.KindIdempotency}
	}
	return err
}

// digest returns a hash of the request. The permissions of the token are a part, so that a token whose owner lost
// permissions cannot read an earlier response (protocol rule 20).
func digest(r *http.Request, op admin.Principal) []byte {
	body, _ := r.Context().Value(bodyKey{}).([]byte)
	return idempotency.Digest([]byte(r.Method), []byte(r.URL.EscapedPath()), []byte(r.URL.RawQuery), body, op.Rights())
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
