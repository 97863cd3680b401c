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

// A thief of a client's secret or key calls from many networks. Each assertion is stored until it expires.
func TestAttack_StolenClientSecretFillsTheStore(t *testing.T) {
	h, s := open(t)
	key, set := newKey(t)
	register := func(r client.Registration) client.Information {
		t.Helper()
		r.Redirects = []string{"https://app.example/cb"}
		c, err := s.Register(t.Context(), by, r)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	keyed, secret, other := register(client.Registration{Name: "Planning", AuthMethod: client.AuthJWT, Keys: set}), register(client.Registration{Name: "Fleet"}),
		register(client.Registration{Name: "Parts"})
	for name, credentials := range map[string]func(i int) client.Credentials{
		"key": func(i int) client.Credentials {
			return assertion(t, key, fmt.Sprintf(`{"iss":%q,"sub":%[1]q,"aud":"https://login.example","jti":"%d","exp":%d}`, keyed.ID, i, h.Clock.Now().Unix()+60))
		},
		"secret": func(int) client.Credentials { return client.Credentials{ID: secret.ID, Secret: secret.Secret} },
	} {
		accepted := 0
		for i := range throttle.ClientProofs.Count + 20 {
			_, err := s.Authenticate(t.Context(), credentials(i))
			if err == nil {
				accepted++
			} else if !errors.Is(err, client.ErrTooMany) {
				t.Fatalf("%s: got %v", name, err)
			}
		}
		if accepted != throttle.ClientProofs.Count {
			t.Errorf("%s: got %d accepted, want %d", name, accepted, throttle.ClientProofs.Count)
		}
	}
	counts, err := storetest.Count(t.Context(), h.Store)
	if n := counts[store.Assertions.Prefix]; err != nil || n > throttle.ClientProofs.Count {
		t.Errorf("got %d assertions, %v", n, err)
	}
	if _, err := s.Authenticate(t.Context(), client.Credentials{ID: other.ID, Secret: other.Secret}); err != nil {
		t.Errorf("another client: %v", err)
	}
}
