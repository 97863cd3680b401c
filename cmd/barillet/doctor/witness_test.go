package doctor_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"barillet/cmd/barillet/doctor"
)

// TestWitness_NotesTheAwaitedRequestOnly fails if a client can pretend to be the request of a check.
func TestWitness_NotesTheAwaitedRequestOnly(t *testing.T) {
	var w doctor.Witness
	socket := doctor.Handler(&doctor.Inside{}, &w, http.NotFoundHandler())
	call := func(method string, out any) {
		t.Helper()
		got := httptest.NewRecorder()
		socket.ServeHTTP(got, httptest.NewRequest(method, "/check/witness", nil))
		if err := json.NewDecoder(bytes.NewReader(got.Body.Bytes())).Decode(out); err != nil {
			t.Fatalf("%v: %s", err, got.Body)
		}
	}
	note := func(nonce, host string) {
		r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		r.Host = host
		r.Header.Set(doctor.Header, nonce)
		w.Note(r)
	}
	taken := func() (seen *doctor.Seen) {
		t.Helper()
		call(http.MethodGet, &seen)
		return seen
	}
	var first, nonce string
	note("", "before.example")
	call(http.MethodPost, &first)
	call(http.MethodPost, &nonce)
	for _, wrong := range []string{"", first, nonce + "x", nonce[1:]} {
		note(wrong, "forged.example")
	}
	if seen := taken(); seen != nil {
		t.Errorf("got %+v, want none of the requests with another nonce", seen)
	}
	call(http.MethodPost, &nonce)
	note(nonce, "login.example")
	note("", "forged.example")
	if seen := taken(); seen == nil || seen.Host != "login.example" {
		t.Errorf("got %+v, want the request with the nonce", seen)
	}
	note(nonce, "late.example")
	if seen := taken(); seen != nil {
		t.Errorf("got %+v, want none after the end", seen)
	}
}
