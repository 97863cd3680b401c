package web

import (
	"fmt"
	"io"
	"net/http"

	"barillet/authn/account"
	"barillet/web/reply"
)

// getHealth answers 200 while the process serves requests.
func (s *server) getHealth(w http.ResponseWriter, r *http.Request) {
	if s.Witness != nil {
		s.Witness(r)
	}
	writePlain(w, http.StatusOK, "ok\n")
}

// Readiness is the answer to /readyz.
type Readiness struct {
	Err      error  // why the service cannot write; nil: it can
	Reason   string // with Err: "disk" or "store"
	LowSpace bool   // the disk is nearly full
	Free     string // free space, such as "40 MiB"
	// LogContradicted reports that the audit log contradicts its last signed head. Users can sign in meanwhile.
	LogContradicted bool
}

// getReady answers 200 if the store can be written, and 503 with a reason otherwise. It counts the records that could not be
// read, and has a line if the free space is low, and one if the audit log contradicts its head.
func (s *server) getReady(w http.ResponseWriter, r *http.Request) {
	var state Readiness
	if err := s.Accounts.View(r.Context(), func(account.Reader) error { return nil }); err != nil {
		state = Readiness{Err: err, Reason: "store"}
	} else if s.Ready != nil {
		state = s.Ready(r.Context())
	}
	text := "ready"
	if state.Err != nil {
		reply.Report(r, state.Err)
		reply.RetryAfter(w, 0)
		text = "not ready: " + state.Reason
	} else if n := s.damagedRecords(); n > 0 {
		text += fmt.Sprintf(", damaged records: %d", n)
	}
	if state.LowSpace {
		text += "\nfree space is low: " + state.Free
	}
	if state.LogContradicted {
		text += "\naudit log contradicts its last head"
	}
	status := http.StatusOK
	if state.Err != nil {
		status = http.StatusServiceUnavailable
	}
	writePlain(w, status, text+"\n")
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
