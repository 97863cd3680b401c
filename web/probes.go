package web

import (
	"io"
	"net/http"

	"barillet/authn/account"
	"barillet/web/reply"
)

// getHealth answers 200 while the process serves requests.
func (s *server) getHealth(w http.ResponseWriter, _ *http.Request) {
	writePlain(w, http.StatusOK, "ok\n")
}

// getReady answers 200 if the store can be read, and 503 otherwise.
func (s *server) getReady(w http.ResponseWriter, r *http.Request) {
	if err := s.Accounts.View(r.Context(), func(account.Reader) error { return nil }); err != nil {
		reply.Report(r, err)
		reply.RetryAfter(w, 0)
		writePlain(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	writePlain(w, http.StatusOK, "ready\n")
}

func writePlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // fails only if the client has disconnected
}
