package authn_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
)

// Somebody without recovery codes is asked for one all the same: what is typed moves that counter and no other,
// or a guesser would spend the person's six-digit codes by a door that does not have them.
func TestARecoveryCodeThatNobodyHasMovesNoOtherCounter(t *testing.T) {
	h := newHouse(t)
	u, p, _ := h.Member(amelie, nil)
	h.Clock.Advance(time.Minute)
	stranger := h.at("198.51.100.7")
	for range 6 {
		login := h.password(stranger, amelie).Secret
		if _, err := h.Authn.Verify(t.Context(), stranger, login, factors.InputBackup, []byte("0000-0000-0000-0000")); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.counters(u.ID).Unknown.Codes.Streak; got != 0 {
		t.Errorf("%d wrong six-digit codes counted, want none", got)
	}
	login := h.password(stranger, amelie).Secret
	if done, err := h.Authn.Verify(t.Context(), stranger, login, factors.InputCode, p.Next()); err != nil || !done.Accepted() {
		t.Errorf("the person's own code: %+v, %v", done.Verification, err)
	}
}

// A ticket gives a login more time at each step, but the password that it began with does not count for ever.
func TestAPasswordProofEndsAfterAnHourHoweverOftenATicketIsShown(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	_, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	login := h.password(h.From, amelie).Secret
	for minutes := 0; minutes < 60; minutes += 9 {
		if _, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal()); err != nil {
			t.Fatalf("after %d minutes: %v", minutes, err)
		}
		h.Clock.Advance(9 * time.Minute)
	}
	_, err := h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal())
	refused(t, err, errcode.Expired, "presenting it in the second hour")
}
