package client_test

import (
	"errors"
	"fmt"
	"testing"

	"barillet/internal/throttle"
	"barillet/oidc/client"
	"barillet/store"
	"barillet/store/storetest"
)

// A thief of a client's key calls from many networks. Each assertion is stored until it expires.
func TestAttack_StolenClientKeyFillsTheStore(t *testing.T) {
	h, s := open(t)
	key, set := newKey(t)
	register := func(name string) client.Information {
		t.Helper()
		c, err := s.Register(t.Context(), by, client.Registration{Name: name, AuthMethod: client.AuthJWT, Keys: set, Redirects: []string{"https://app.example/cb"}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	stolen, other := register("Planning"), register("Parts")
	call := func(c client.Information, i int) error {
		_, err := s.Authenticate(t.Context(), assertion(t, key,
			fmt.Sprintf(`{"iss":%q,"sub":%[1]q,"aud":"https://login.example","jti":"%d","exp":%d}`, c.ID, i, h.Clock.Now().Unix()+60)))
		return err
	}
	for i := range throttle.Assertions.Count {
		if err := call(stolen, i); err != nil {
			t.Fatalf("assertion %d: %v", i, err)
		}
	}
	if err := call(stolen, throttle.Assertions.Count); !errors.Is(err, client.ErrTooMany) {
		t.Errorf("one more: got %v, want ErrTooMany", err)
	}
	if counts, err := storetest.Count(t.Context(), h.Store); err != nil || counts[store.Assertions.Prefix] != throttle.Assertions.Count {
		t.Errorf("got %d assertions, %v", counts[store.Assertions.Prefix], err)
	}
	if err := call(other, 0); err != nil {
		t.Errorf("another client: %v", err)
	}
}

// An attacker repeats an assertion that was used, for example one from a log. It does not count: its client is still served.
func TestAttack_RepeatedAssertionsRefuseTheirClient(t *testing.T) {
	h, s := open(t)
	key, set := newKey(t)
	c, err := s.Register(t.Context(), by, client.Registration{Name: "Planning", AuthMethod: client.AuthJWT, Keys: set, Redirects: []string{"https://app.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	call := func(id string) error {
		_, err := s.Authenticate(t.Context(), assertion(t, key,
			fmt.Sprintf(`{"iss":%q,"sub":%[1]q,"aud":"https://login.example","jti":%q,"exp":%d}`, c.ID, id, h.Clock.Now().Unix()+60)))
		return err
	}
	if err := call("used"); err != nil {
		t.Fatal(err)
	}
	for range throttle.Assertions.Count {
		if err := call("used"); !errors.Is(err, client.ErrAuthentication) {
			t.Fatalf("a used assertion: got %v, want ErrAuthentication", err)
		}
	}
	if err := call("new"); err != nil {
		t.Errorf("the client: got %v", err)
	}
}
