package e2e_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proxied lets the tests name client addresses, as a proxy in front does. The limits themselves stay on.
const proxied = `trusted_proxies = ["127.0.0.0/8", "::1/128"]`

// from gives a visitor at the n-th of many addresses, each in a network of its own.
func (h *Env) from(tb testing.TB, n int) *Visitor {
	v := h.Visitor(tb)
	v.Address = fmt.Sprintf("10.%d.%d.7", n/250+1, n%250+1)
	return v
}

// guess tries one wrong code from an unknown browser and address. It reports whether the code was checked; if not, the
// response was 429.
func (m *Member) guess(h *Env, n int) bool {
	m.tb.Helper()
	v := h.from(m.tb, n)
	m.give(v).want(m.tb, "/login/factor")
	page := v.Post("/login/factor", "code", m.Phone.Wrong()).want(m.tb, "/login/factor")
	switch {
	case page.Says("Ce code n’est pas le bon"):
		return true
	case page.Status == http.StatusTooManyRequests && page.Says("Trop d’essais"):
		return false
	}
	m.tb.Fatalf("got status %d, want 429 or a wrong code; it says:\n%s", page.Status, page.words())
	return false
}

func TestLimits_WrongCodesPerUser(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	m := h.Member(t, "amelie@garage.example")
	n, judged := 0, 0
	try := func() bool {
		n++
		was := m.guess(h, n)
		if was {
			judged++
		}
		return was
	}
	// Five wrong codes in a row, then a wait for every browser and address (protocol rule 17).
	for try() {
	}
	if judged != 5 {
		t.Errorf("got %d wrong codes judged in a row, want 5", judged)
	}
	h.Kill()
	h.Restart()
	if try() {
		t.Error("a restart forgets the wait")
	}
	// A client that obeys Retry-After has at most 10 attempts in 15 minutes and at most 20 in a day.
	quarter := []time.Time{}
	for begin := h.Clock.Now(); h.Clock.Now().Before(begin.Add(23 * time.Hour)); h.Clock.Advance(5 * time.Minute) {
		if judged < 20 || h.Clock.Now().Sub(begin) > 22*time.Hour {
			for try() {
				quarter = append(quarter, h.Clock.Now())
			}
		}
	}
	for i := 10; i < len(quarter); i++ {
		if quarter[i].Sub(quarter[i-10]) < 15*time.Minute {
			t.Errorf("eleven wrong codes were judged within %v", quarter[i].Sub(quarter[i-10]))
		}
	}
	if judged > 20 {
		t.Errorf("got %d wrong codes judged in a day, want at most 20", judged)
	}
	// It ends by itself. The user then chooses another password, since the guesser knows theirs.
	h.Clock.Advance(25 * time.Hour)
	v := h.from(t, 0)
	m.give(v).want(t, "/login/factor")
	v.Post("/login/factor", "code", m.Phone.Next()).want(t, "/login/password")
	m.Password = h.Secret("new password of "+m.Login, "un autre mot de passe, long")
	v.Post("/login/password", "password", m.Password).want(t, "/account")
	h.Clock.NextStep()
	m.signIn(h.from(t, 1))
}

func TestLimits_KnownBrowserAndKeyWorkDuringGuessing(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	m := h.Member(t, "amelie@garage.example")
	amelie := h.Person(t, m.Login, m.Password, BrowserOptions{})
	amelie.signIn(m.Phone)
	key := amelie.Plug()
	amelie.addKey(m.Phone, "Clé bleue")
	amelie.signOut()
	for n := 1; m.guess(h, n); n++ {
	}

	// By a code from the browser that she always uses.
	amelie.signIn(m.Phone)
	amelie.signOut()
	for n := 1; m.guess(h, 100+n); n++ {
	}
	// The key works from an unknown browser.
	other := amelie.Elsewhere(t)
	key.Carry(other.Browser)
	other.give()
	other.byKey()
}

func TestLimits_RecoveryCodesCountSeparately(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	m := h.Member(t, "amelie@garage.example")
	judged := 0
	for n := range 20 {
		v := h.from(t, n)
		m.give(v).want(t, "/login/factor")
		page := v.Post("/login/factor/recovery", "code", "AAAA-BBBB-CCCC-DDDD")
		if page.Says("Ce code de secours ne convient pas") {
			judged++
		} else if page.Status != http.StatusTooManyRequests {
			t.Fatalf("got status %d, want 429:\n%s", page.Status, page.words())
		}
	}
	if judged != 10 {
		t.Errorf("got %d wrong recovery codes judged in an hour, want 10", judged)
	}
	m.signIn(h.from(t, 50))
	h.Clock.Advance(time.Hour + time.Second)
	v := h.from(t, 51)
	m.give(v)
	v.Post("/login/factor/recovery", "code", m.Codes[0]).want(t, "/enrol")
}

// The test uses a low hashing cost, so that the pool of hashes is never full and only the limits are tested.
func TestLimits_ThirtyUsersBehindOneAddress(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied + "\n[password]\nmemory_kib = 8192\npasses = 1\n"})
	var people []*Member
	for n := range 30 {
		people = append(people, h.Member(t, person(n)))
	}
	h.Clock.NextStep()
	var in atomic.Int32
	var all sync.WaitGroup
	for _, m := range people {
		code, v := m.Phone.Code(), h.Visitor(t)
		v.Address = "203.0.113.9"
		all.Go(func() {
			for _, form := range [][]string{{"/login", "identifier", m.Login, "password", m.Password}, {"/login/factor", "code", code}} {
				page, err := v.Try(form[0], form[1:]...)
				if err == nil && page.Is("/account") {
					in.Add(1)
				} else if err != nil || page.Status != http.StatusOK {
					t.Logf("%s: got %d, %v", form[0], page.Status, err)
				}
			}
		})
	}
	all.Wait()
	if got := in.Load(); got != 30 {
		t.Errorf("got %d of 30 signed in", got)
	}
}

func TestLimits_OnlyFailingAddressWaits(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	m := h.Member(t, "amelie@garage.example")
	refused := 0
	for n := range 30 {
		v := h.Visitor(t)
		v.Address = "203.0.113.9"
		page := v.Post("/login", "identifier", person(n), "password", "pas le bon mot de passe")
		if page.Status == http.StatusTooManyRequests {
			refused++
			if page.Header.Get("Retry-After") == "" {
				t.Error("a 429 does not say when to come back")
			}
		}
	}
	// One more is allowed each three seconds, so a slow machine sees a few more judged.
	if refused == 0 {
		t.Error("thirty failures from one address are all judged, want at most 20 a minute")
	}
	// Neither her own browser at that address waits, nor another address.
	m.Visitor.Address = "203.0.113.9"
	m.Post("/logout").want(t, "/logged-out")
	m.signIn(m.Visitor)
	m.signIn(h.from(t, 1))
	h.Clock.Advance(time.Minute)
	v := h.Visitor(t)
	v.Address = "203.0.113.9"
	m.signIn(v)
}
