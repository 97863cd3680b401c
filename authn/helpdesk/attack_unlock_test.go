package helpdesk_test

import (
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/factors"
)

// TestAnOperatorUnlocksToGoOnGuessing: whoever knows a password and has a token of the help desk tries codes, and ends
// the wait whenever there is one. The odds of PROTOCOL 17 are those of twenty wrong codes a day.
func TestAnOperatorUnlocksToGoOnGuessing(t *testing.T) {
	s := openShop(t)
	another := &authntest.Phone{Env: s.Env, Secret: foreignSecret} // of nobody here
	wrong, unlocked := 0, 0
	guess := func() bool {
		started, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, password, "")
		if err != nil {
			return false
		}
		v, err := s.Authn.Verify(t.Context(), s.From, started.Secret, factors.InputCode, another.Code())
		return err == nil && v.Wait == 0
	}
	for range 200 {
		if guess() {
			wrong++
			continue
		}
		if s.Directory.Unlock(t.Context(), support, s.From, technician) == nil {
			unlocked++
		}
	}
	if wrong > 100 || unlocked > 5 { // 100 is the most in a row that NIST SP 800-63B-4 section 3.2.2 allows
		t.Errorf("%d wrong codes were judged at once, after %d unlocks", wrong, unlocked)
	}
	if err := s.Directory.Unlock(t.Context(), machine, s.From, technician); err != nil {
		t.Errorf("the machine's owner, who may do anything to the store: %v", err)
	}
	s.Clock.Advance(24 * time.Hour)
	if err := s.Directory.Unlock(t.Context(), support, s.From, technician); err != nil {
		t.Errorf("a day later: %v", err)
	}
}
