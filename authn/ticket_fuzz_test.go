package authn_test

import (
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
)

func FuzzRedeemTicketCode(f *testing.F) {
	env := newTestEnv(f)
	u, _, _ := env.Member(amelie, nil)
	_, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	f.Add(code.Reveal())
	f.Add(strings.ToLower(code.Reveal()))
	f.Add("OOOO-IILL")
	f.Add("\x00‐–‑\u00a0\xff")
	plain := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r > 0x20 && r < 0x7f && r != '-' {
				return r
			}
			return -1
		}, strings.NewReplacer("O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s)))
	}
	f.Fuzz(func(t *testing.T, typed string) {
		env.t, env.T = t, t
		if len(typed) > 1<<10 {
			return
		}
		env.Clock.Advance(61 * time.Minute / 10) // ten attempts an hour are allowed
		if env.Clock.Now().After(env.User(string(u.ID)).Tickets[0].Expires.Add(-time.Hour)) {
			env.Change(u.ID, func(u *account.User) { u.Tickets[0].Expires = env.Clock.Now().Add(account.TicketTTL) })
		}
		transaction := env.password(env.From, amelie).Secret
		_, err := env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, typed)
		if err == nil && plain(typed) != plain(code.Reveal()) {
			t.Fatalf("%q was accepted instead of the code", typed)
		}
		if err != nil && errcode.Of(err) != errcode.InvalidTicket {
			t.Fatalf("%q: %v", typed, err)
		}
		if err != nil && typed == code.Reveal() {
			t.Fatalf("the code was rejected: %v", err)
		}
	})
}
