package directory_test

import (
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/factors"
)

// TestAttack_UnlockToContinueGuessing: a caller with the password of a user and a token of the help desk tries codes
// and unlocks whenever a wait begins. The odds of protocol rule 17 hold for twenty wrong codes a day.
func TestAttack_UnlockToContinueGuessing(t *testing.T) {
	s := newEnv(t)
	another := &authntest.Phone{Env: s.Env, Secret: foreignSecret} // of no user here
	wrong, unlocked := 0, 0
	guess := func() bool {
		started, err := s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, password)
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
		if s.Directory.Unlock(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician) == nil {
			unlocked++
		}
	}
	if wrong > 100 || unlocked > 5 { // 100 is the most in a row that NIST SP 800-63B-4 §3.2.2 allows
		t.Errorf("%d wrong codes were judged at once, after %d unlocks", wrong, unlocked)
	}
	if err := s.Directory.Unlock(t.Context(), authntest.AsOperator, s.From, authntest.Technician); err != nil {
		t.Errorf("the operator, who has no limit: %v", err)
	}
	s.Clock.Advance(24 * time.Hour)
	if err := s.Directory.Unlock(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician); err != nil {
		t.Errorf("a day later: %v", err)
	}
}
