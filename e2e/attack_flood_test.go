package e2e_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barillet/internal/audit"
)

// floodTime is how long the floods of this file last. On a busy machine they go on until a limit is reached.
const floodTime = 5 * time.Second

// minFlood is how many requests of a flood prove something. maxFloodEvents is how many events they may write: the budgets of the
// minutes that the test lets pass, however many requests there are and however long they take.
const (
	minFlood       = 300
	maxFloodEvents = 200
)

// size returns the size of the store in bytes.
func (h *Env) size() int64 {
	h.tb.Helper()
	info, err := os.Stat(filepath.Join(h.Data, "barillet.db"))
	if err != nil {
		h.tb.Fatal(err)
	}
	return info.Size()
}

// quickly checks that the best of five sign-ins takes at most a second. If not, the machine can be too busy. An attacked program must
// then still be at most twice as slow as one beside it that nobody attacks.
func (m *Member) quickly(h *Env, when string, visitor func() *Visitor) {
	h.tb.Helper()
	took := m.best(h, visitor)
	h.tb.Logf("%s: a sign-in took %v", when, took)
	if took <= time.Second {
		return
	}
	calm := Open(h.tb, EnvOptions{Config: proxied})
	beside := calm.Member(h.tb, m.Login).best(calm, func() *Visitor { return calm.Visitor(h.tb) })
	if took > 2*beside {
		h.tb.Errorf("%s: a sign-in took %v, and %v without an attack", when, took, beside)
	}
}

// best signs in until that takes at most a second, five times at most, and returns the shortest time.
func (m *Member) best(h *Env, visitor func() *Visitor) time.Duration {
	h.tb.Helper()
	best := time.Hour
	for n := 0; n < 5 && best > time.Second; n++ {
		v := visitor()
		h.Clock.NextStep()
		began := time.Now()
		m.signIn(v)
		best = min(best, time.Since(began))
	}
	return best
}

// A client with a stolen password sends text that is no code, and users who are signed in rename a device and answer at the
// step-up, as fast as they can.
func TestAttack_RefusalsFillTheDisk(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	victim, honest, insider := h.Member(t, "amelie@garage.example"), h.Member(t, "karim@garage.example"), h.Member(t, "lea@garage.example")
	known := h.Visitor(t)
	known.Address = "10.66.0.7" // the address of the flood
	h.Clock.NextStep()
	honest.signIn(known)
	from := func(n int) func() *Visitor { return func() *Visitor { return h.from(t, n) } }
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
		return now.Before(ends) || now.Before(ends.Add(patience)) && (limited.Load() == 0 || sent.Load() < minFlood)
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
	honest.quickly(h, "during the flood", from(1))
	honest.quickly(h, "during the flood, on a known browser at the same address", func() *Visitor {
		known.Post("/logout")
		return known
	})
	flood.Wait()

	if sent.Load() < minFlood || limited.Load() == 0 {
		t.Errorf("got %d requests, of which %d were limited", sent.Load(), limited.Load())
	}
	if grown := h.size() - before; grown > 1<<20 {
		t.Errorf("the store grew by %d bytes after %d requests, want 1 MiB at most", grown, sent.Load())
	}
	honest.quickly(h, "after the flood", from(2))
	for n := range 5 {
		if !victim.guess(h, 10+n) {
			t.Errorf("wrong code %d was not checked", n+1)
		}
	}
	if victim.guess(h, 20) {
		t.Error("a sixth wrong code in a row was checked: the flood delayed the count")
	}
	h.Restart()
	honest.quickly(h, "after a restart", from(3))
	log := h.Run("audit", "list", "--json").OK(t)
	written := strings.Count(log, `"`+audit.FactorUpdated+`"`) + strings.Count(log, `: format"`)
	t.Logf("%d requests wrote %d events; the log has %d bytes", sent.Load(), written, len(log))
	if written > maxFloodEvents {
		t.Errorf("%d requests wrote %d events, want at most %d", sent.Load(), written, maxFloodEvents)
	}
}
