package directory_test

import (
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

// A caller with a token of the help desk sends a user password links in a loop.
func TestAttack_PasswordMailsToOneUser(t *testing.T) {
	s := newEnv(t)
	queued := func() int { return len(s.Mails()) }
	before, sent := queued(), 0
	for i := range 120 {
		p := authntest.AsHelpDesk
		if i%2 == 0 {
			p = authntest.AsSuperAdmin // the limit is that of all administrators together
		}
		_, err := s.Directory.ResetPassword(t.Context(), p, s.From, authntest.Technician, true)
		switch {
		case err == nil:
			sent++
		case errcode.Of(err) != errcode.RateLimited:
			t.Fatalf("call %d: got %v", i+1, err)
		}
	}
	if got := queued() - before; sent != 5 || got != 5 {
		t.Errorf("got %d calls and %d emails, want 5", sent, got)
	}
	s.Clock.Advance(2 * time.Hour)
	if _, err := s.Directory.ResetPassword(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, true); err != nil {
		t.Errorf("two hours later: %v", err)
	}
	sent = 0
	for range 24 * 12 {
		s.Clock.Advance(5 * time.Minute)
		if _, err := s.Directory.ResetPassword(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, true); err == nil {
			sent++
		}
	}
	if sent > 40 { // a span after a pause contains almost twice the count
		t.Errorf("got %d emails in a day", sent)
	}
}
