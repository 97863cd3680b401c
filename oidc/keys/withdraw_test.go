package keys_test

import (
	"errors"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/oidc/keys"
	"barillet/store"
)

func TestWithdraw_EndsALeakedKeyAtOnce(t *testing.T) {
	e := authntest.New(t)
	s := keys.New(keys.Config{Store: e.Store, Keyring: e.Ring, Accounts: e.Accounts, Now: e.Clock.Now})
	sign := func() string {
		t.Helper()
		token, err := s.Sign(t.Context(), keys.ES256, keys.TypeIDToken, []byte(`{"sub":"zoe"}`))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	accepted := func(token string) bool {
		t.Helper()
		_, ok, err := s.Verify(t.Context(), token, keys.TypeIDToken)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	signing := func() (id string) {
		t.Helper()
		all, err := s.List(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range all {
			if k.Alg == keys.ES256 && k.Signs {
				id = k.ID
			}
		}
		return id
	}
	withdraw := func(kid string) error {
		return s.Withdraw(t.Context(), account.RequestInfo{}, audit.System, kid)
	}
	first := sign()
	leaked := signing()
	if err := withdraw(leaked); err != nil {
		t.Fatal(err)
	}
	second := sign()
	if accepted(first) || !accepted(second) || signing() == leaked || signing() == "" {
		t.Errorf("the leaked key is accepted (%v), or no other one signs", accepted(first))
	}
	// A key that waits is published, so it is the next one.
	if err := s.Rotate(t.Context(), account.RequestInfo{}, audit.System); err != nil {
		t.Fatal(err)
	}
	set, _ := s.Published(t.Context())
	known := len(set.Keys)
	if err := withdraw(signing()); err != nil {
		t.Fatal(err)
	}
	if set, _ := s.Published(t.Context()); len(set.Keys) != known-1 || !accepted(sign()) || accepted(second) {
		t.Errorf("got %d keys, want the waiting one to sign, of %d", len(set.Keys), known)
	}
	e.Clock.Advance(100 * 24 * time.Hour)
	if !accepted(sign()) {
		t.Error("no key signs later")
	}
	// A key that was replaced never signs again.
	if err := s.Rotate(t.Context(), account.RequestInfo{}, audit.System); err != nil {
		t.Fatal(err)
	}
	replaced := signing()
	e.Clock.Advance(25 * time.Hour)
	second = sign()
	present := signing()
	if err := withdraw(present); err != nil || present == replaced {
		t.Fatal(err, present)
	}
	if got := signing(); got == replaced || got == present || got == "" || accepted(second) || !accepted(sign()) {
		t.Errorf("after a rotation %q signs, want neither the withdrawn nor the replaced key", got)
	}
	if err := withdraw(leaked); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a withdrawn key: got %v, want ErrNotFound", err)
	}
}
