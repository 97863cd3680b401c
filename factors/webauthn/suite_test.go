package webauthn_test

import (
	"testing"
	"time"

	"barillet/factors"
	"barillet/factors/factortest"
	"barillet/factors/webauthn"
)

// token is a software key as the shared suite wants one; it counts.
type token struct{ *soft }

func (k token) Enrol(t testing.TB, _ time.Time, p factors.Prompt) []byte {
	k.counter++
	return k.creation(t, p.JSON).created()
}

func (k token) Prove(t testing.TB, _ time.Time, p factors.Prompt) []byte {
	k.counter++
	return k.assertion(t, p.JSON).asserted(k.signer)
}

func TestFactor(t *testing.T) {
	factortest.Run(t, factortest.Case{
		Factor: newFactor(t, webauthn.Config{}),
		New:    func(t testing.TB) factortest.Token { return token{newSoft(t, -7)} },
		Who:    who,
	})
}
