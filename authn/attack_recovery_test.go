package authn_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
)

// A user without recovery codes can submit one. It moves only the counter of recovery codes; otherwise an attacker could
// spend the budget of six-digit codes.
func TestVerify_CountsUnknownRecoveryCodeOnlyAsRecoveryCode(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	env.Clock.Advance(time.Minute)
	stranger := env.fromAddress("198.51.100.7")
	for range 6 {
		transaction := env.password(stranger, amelie).Secret
		if _, err := env.Authn.Verify(t.Context(), stranger, transaction, factors.InputBackup, []byte("0000-0000-0000-0000")); err != nil {
			t.Fatal(err)
		}
	}
	if got := env.counters(u.ID).Unknown.Codes.Streak; got != 0 {
		t.Errorf("%d wrong six-digit codes counted, want none", got)
	}
	transaction := env.password(stranger, amelie).Secret
	if done, err := env.Authn.Verify(t.Context(), stranger, transaction, factors.InputCode, p.Next()); err != nil || !done.Accepted() {
		t.Errorf("the user's own code: %+v, %v", done.Verification, err)
	}
}

// A ticket extends a transaction at each step, but only to an hour after the password.
func TestTransaction_EndsAfterAnHourDespiteTickets(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	_, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	transaction := env.password(env.From, amelie).Secret
	for minutes := 0; minutes < 60; minutes += 9 {
		if _, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal()); err != nil {
			t.Fatalf("after %d minutes: %v", minutes, err)
		}
		env.Clock.Advance(9 * time.Minute)
	}
	_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal())
	wantCode(t, err, errcode.Expired, "presenting it in the second hour")
}
