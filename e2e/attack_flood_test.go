package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// floodTime is how long the floods of this file last. On a busy machine they go on until a limit is reached.
const floodTime = 5 * time.Second

// size returns the size of the store in bytes.
func (h *Env) size() int64 {
	h.tb.Helper()
	info, err := os.Stat(filepath.Join(h.Data, "barillet.db"))
	if err != nil {
		h.tb.Fatal(err)
	}
	return info.Size()
}

// quickly signs in as a visitor, and fails the test if that takes longer than a second. On a busy machine, it may take twice as
// long as the sign-in before the attack.
func (m *Member) quickly(v *Visitor, when string, before time.Duration) {
	v.tb.Helper()
	if took, limit := m.timed(v), max(time.Second, 2*before); took > limit {
		v.tb.Errorf("%s: the sign-in took %v, want at most %v", when, took, limit)
	}
}

// timed signs in as a visitor and returns how long that took.
func (m *Member) timed(v *Visitor) time.Duration {
	v.tb.Helper()
	began := time.Now()
	m.signIn(v)
	return time.Since(began)
}

// A client with a stolen password sends text that is no code, and users who are signed in rename a device and answer at the
// step-up, as fast as they can.
func TestAttack_RefusalsFillTheDisk(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	victim, honest, insider := h.Member(t, "amelie@garage.example"), h.Member(t, "karim@garage.example"), h.Member(t, "lea@garage.example")
	known := h.Visitor(t)
	known.Address = "10.66.0.7" // the address of the flood
	h.Clock.NextStep()
	calm := honest.timed(known)
	known.Post("/logout")
	device := insider.Get("/account").find(t, `/account/devices/([^/"]+)/rename`)

	before := h.size()
	var sent, limited atomic.Int64
	var flood sync.WaitGroup
	ends := time.Now().Add(floodTime)
	send := func(v *Visitor, path string, fields ...string) {
		page, err := v.Try(path, fields...)
		if sent.Add(1); err == nil && page.Status == http.StatusTooManyRequests {
			limited.Add(1)
		}
	}
	goesOn := func() bool {
		now := time.Now()
		return now.Before(ends) || now.Before(ends.Add(patience)) && (limited.Load() == 0 || sent.Load() < 200)
	}
	for range 3 {
		v := h.Visitor(t)
		v.Address = "10.66.0.7"
		flood.Go(func() {
			for n := 0; goesOn(); n++ {
				if n%50 == 0 {
					send(v, "/login", "identifier", victim.Login, "password", victim.Password)
				}
				send(v, "/login/factor", "code", "no code")
			}
		})
	}
	flood.Go(func() {
		for n := 0; goesOn(); n++ {
			send(insider.Visitor, "/account/devices/"+device+"/rename", "name", fmt.Sprint("Téléphone ", n))
			send(insider.Visitor, "/account/prove", "code", "no code", "next", "/account")
		}
	})
	time.Sleep(floodTime / 3)
	h.Clock.NextStep()
	honest.quickly(h.from(t, 1), "during the flood", calm)
	h.Clock.NextStep()
	honest.quickly(known, "during the flood, on a known browser at the same address", calm)
	flood.Wait()

	if sent.Load() < 200 || limited.Load() == 0 {
		t.Errorf("got %d requests, of which %d were limited", sent.Load(), limited.Load())
	}
	if grown := h.size() - before; grown > 1<<20 {
		t.Errorf("the store grew by %d bytes after %d requests, want 1 MiB at most", grown, sent.Load())
	}
	h.Clock.NextStep()
	honest.quickly(h.from(t, 2), "after the flood", calm)
	for n := range 5 {
		if !victim.guess(h, 10+n) {
			t.Errorf("wrong code %d was not checked", n+1)
		}
	}
	if victim.guess(h, 20) {
		t.Error("a sixth wrong code in a row was checked: the flood delayed the count")
	}
	h.Restart()
	h.Clock.NextStep()
	honest.quickly(h.from(t, 3), "after a restart", calm)
	log := h.Run("audit", "list", "--json").OK(t)
	t.Logf("%d requests; the log has %d bytes", sent.Load(), len(log))
}
