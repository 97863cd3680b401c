package e2e_test

import (
	"sync"
	"testing"
)

// ready gives so many visitors who have proven the person's password and stand before the second step.
func (m *Member) ready(h *Env, n int) []*Visitor {
	m.tb.Helper()
	visitors := make([]*Visitor, n)
	for i := range visitors {
		visitors[i] = h.Visitor(m.tb)
		m.give(visitors[i]).want(m.tb, "/login/factor")
	}
	return visitors
}

// together sends the same form from every visitor at the same moment and gives the pages; a zero one for a
// request that was cut off.
func together(visitors []*Visitor, path string, fields ...string) []Sheet {
	pages := make([]Sheet, len(visitors))
	start := make(chan struct{})
	var all sync.WaitGroup
	for i, v := range visitors {
		all.Go(func() {
			<-start
			pages[i], _ = v.Try(path, fields...)
		})
	}
	close(start)
	all.Wait()
	return pages
}

// count is how many pages are this one.
func count(pages []Sheet, path string) int {
	n := 0
	for _, page := range pages {
		if page.Is(path) {
			n++
		}
	}
	return n
}

// alive is how many of the visitors are signed in.
func alive(visitors []*Visitor) int {
	n := 0
	for _, v := range visitors {
		if v.signedIn() {
			n++
		}
	}
	return n
}

func TestOnce_CodeRejectedAfterUse(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	visitors := m.ready(h, 2)
	code := m.Phone.Next()
	visitors[0].Post("/login/factor", "code", code).want(t, "/account")
	// The code is rejected as used and not counted. Six counted failures would cause a wait.
	for range 6 {
		page := visitors[1].Post("/login/factor", "code", code).want(t, "/login/factor")
		if !page.Says("Ce code a déjà servi") {
			t.Fatalf("got %s, want that the code was used already", page.words())
		}
	}
	visitors[1].Post("/login/factor", "code", m.Phone.Next()).want(t, "/account")

	// An earlier step after a later one, and the same code in another shape.
	early := m.Phone.Code()
	h.Clock.NextStep()
	late := m.Phone.Code()
	again := m.ready(h, 2)
	again[0].Post("/login/factor", "code", late[:3]+" "+late[3:]).want(t, "/account")
	for _, used := range []string{early, late, late[:3] + " " + late[3:]} {
		if again[1].Post("/login/factor", "code", used).Is("/account") {
			t.Errorf("the code of a used step is accepted again")
		}
	}
}

func TestOnce_ConcurrentCodeGivesOneSession(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	visitors := m.ready(h, 24)
	pages := together(visitors, "/login/factor", "code", m.Phone.Next())
	if got := count(pages, "/account"); got != 1 {
		t.Errorf("got %d sessions for one code, want 1", got)
	}
	for _, page := range pages {
		if page.Status >= 500 || page.Status == 0 {
			t.Errorf("got status %d, want a refusal", page.Status)
		}
	}
	if got := alive(visitors); got != 1 {
		t.Errorf("got %d browsers signed in, want 1", got)
	}
	m.signIn(h.Visitor(t))
}

func TestOnce_ConcurrentRecoveryCodeGivesOneSession(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	visitors := m.ready(h, 24)
	pages := together(visitors, "/login/factor/recovery", "code", m.Codes[0])
	if got := count(pages, "/enrol"); got != 1 {
		t.Errorf("got %d sessions for one recovery code, want 1", got)
	}
	if got := alive(visitors); got != 1 {
		t.Errorf("got %d browsers signed in, want 1", got)
	}
	m.signIn(h.Visitor(t))
}

func TestOnce_CodeRejectedAfterKill(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	visitors := m.ready(h, 2)
	code := m.Phone.Next()
	visitors[0].Post("/login/factor", "code", code).want(t, "/account")
	h.Kill()
	h.Restart()
	if !visitors[0].signedIn() {
		t.Error("a session that was told is gone after the power cut")
	}
	if page := visitors[1].Post("/login/factor", "code", code); !page.Says("Ce code a déjà servi") {
		t.Errorf("got %s: %s, want that the code was used already", page.Path, page.words())
	}
	m.signIn(h.Visitor(t))
}

func TestOnce_CodeWorksOnceIfKilledDuringUse(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	for range 3 {
		visitors := m.ready(h, 12)
		code := m.Phone.Next()
		answers := make(chan Sheet, len(visitors))
		for _, v := range visitors {
			go func() {
				page, _ := v.Try("/login/factor", "code", code)
				answers <- page
			}()
		}
		// The power fails at the first answer, while the others are on their way.
		pages := []Sheet{<-answers}
		h.Kill()
		for range len(visitors) - 1 {
			pages = append(pages, <-answers)
		}
		h.Restart()
		told := count(pages, "/account")
		if got := alive(visitors); got < told || got > 1 {
			t.Errorf("got %d browsers signed in by one code, want 1 at most, and all of the %d that were told", got, told)
		}
		// A client without a response tries again. It is rejected if the first attempt used the code.
		together(visitors, "/login/factor", "code", code)
		if got := alive(visitors); got < told || got > 1 {
			t.Errorf("got %d browsers signed in by one code after a second try, want 1 at most", got)
		}
		m.signIn(h.Visitor(t))
	}
}
