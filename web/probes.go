package web

import (
	"fmt"
	"io"
	"net/http"

	"barillet/authn/account"
	"barillet/web/reply"
)

// getHealth answers 200 while the process serves requests.
func (s *server) getHealth(w http.ResponseWriter, _ *http.Request) {
	writePlain(w, http.StatusOK, "ok\n")
}

// getReady answers 200 if the store can be read, and 503 otherwise. It counts the records that could not be read.
func (s *server) getReady(w http.ResponseWriter, r *http.Request) {
	if err := s.Accounts.View(r.Context(), func(account.Reader) error { return nil }); err != nil {
		reply.Report(r, err)
		reply.RetryAfter(w, 0)
		writePlain(w, http.StatusServiceUnavailable, "not ready\n")
		return
	}
	if n := s.damagedRecords(); n > 0 {
		writePlain(w, http.StatusOK, fmt.Sprintf("ready, damaged records: %d\n", n))
		return
	}
	writePlain(w, http.StatusOK, "ready\n")
}

func (s *server) damagedRecords() int {
	if s.DamagedRecords == nil {
		return 0
	}
	return s.DamagedRecords()
}

func writePlain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // fails only if the client has disconnected
}
