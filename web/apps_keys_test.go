package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"barillet/internal/outbound"
	"barillet/oidc"
	"barillet/oidc/client"
)

// publisher is an application that publishes its keys.
type publisher struct {
	*httptest.Server
	mu    sync.Mutex
	body  string
	down  bool
	calls int
}

func newPublisher(t *testing.T) *publisher {
	p := &publisher{}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.calls++; p.down {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(p.body))
	}))
	t.Cleanup(p.Close)
	return p
}

// publishes puts these keys at the address, or whatever else is to be there.
func (p *publisher) publishes(keys ...jose.JSONWebKey) {
	body, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		panic(err)
	}
	p.says(string(body))
}

func (p *publisher) says(body string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.body = body
}

func (p *publisher) fails(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *publisher) asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls
}

// outside is the outbound client, open to this machine.
func outside(t *testing.T) *outbound.Client {
	t.Helper()
	allowed, err := outbound.ParseAllowed([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return outbound.New(outbound.Config{Allowed: allowed})
}

// fetching has a provider read keys by the outbound client, and judge addresses by it.
func fetching(client *outbound.Client) func(*oidc.Config) {
	return func(c *oidc.Config) {
		c.ClientCredentials = true
		c.Fetch = func(ctx context.Context, url string) ([]byte, error) {
			answer, err := client.Get(ctx, url, nil)
			if err == nil && answer.Status != http.StatusOK {
				err = errors.New("not there")
			}
			return answer.Body, err
		}
		c.Check = func(address string) error { _, err := client.Check(address); return err }
	}
}

type signer struct {
	*ecdsa.PrivateKey
	kid string
}

func newSigner(t *testing.T, kid string) signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer{key, kid}
}

func (s signer) public() jose.JSONWebKey {
	return jose.JSONWebKey{Key: s.Public(), KeyID: s.kid, Algorithm: "ES256", Use: "sig"}
}

// assertion returns an assertion of the application that this key signed.
func (a *app) assertion(s signer) string {
	t := a.place.T
	t.Helper()
	with, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.PrivateKey, KeyID: s.kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(map[string]any{"iss": a.ID, "sub": a.ID, "aud": a.place.url, "jti": oauth2.GenerateVerifier(),
		"exp": a.place.Clock.Now().Add(time.Minute).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := with.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// asserts is what the token endpoint answers to an assertion of the application that this key signed.
func (a *app) asserts(s signer) int {
	a.place.T.Helper()
	status, _, _ := a.post(oidc.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_assertion": {a.assertion(s)},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}, nil)
	return status
}

func TestClientKeys_AreCachedAndReloadedAfterRotation(t *testing.T) {
	p, provider := appPlace(t, fetching(outside(t)))
	at := newPublisher(t)
	first, second := newSigner(t, "k1"), newSigner(t, "k2")
	at.publishes(first.public())
	a := p.app(t, provider, func(r *client.Registration) {
		r.AuthMethod, r.KeysURI, r.Redirects, r.Scope, r.Grants = "private_key_jwt", at.URL+"/keys", nil, "stock:read", []string{"client_credentials"}
	})
	wants := func(what string, s signer, status, asked int) {
		t.Helper()
		if got := a.asserts(s); got != status || at.asked() != asked {
			t.Errorf("%s: got %d after %d questions, want %d after %d", what, got, at.asked(), status, asked)
		}
	}
	wants("the first use", first, http.StatusOK, 1)
	wants("the second use", first, http.StatusOK, 1)
	wants("an unknown name, within the minute", second, http.StatusUnauthorized, 1)
	p.Clock.Advance(61 * time.Second)
	wants("that name, a minute later", second, http.StatusUnauthorized, 2)
	at.publishes(first.public(), second.public())
	wants("published meanwhile, within the minute", second, http.StatusUnauthorized, 2)
	p.Clock.Advance(61 * time.Second)
	wants("a minute later again", second, http.StatusOK, 3)
	wants("a known name with another key", newSigner(t, "k2"), http.StatusUnauthorized, 3)
	at.publishes(second.public())
	p.Clock.Advance(time.Hour)
	wants("a key that was taken back, an hour later", first, http.StatusUnauthorized, 4)
	at.fails(true)
	p.Clock.Advance(2 * time.Hour)
	wants("the address is down", second, http.StatusOK, 5)
	wants("and is not asked at each call", second, http.StatusOK, 5)
	p.Clock.Advance(23 * time.Hour)
	wants("down for more than a day", second, http.StatusUnauthorized, 6)
	at.fails(false)
	for what, body := range map[string]string{"no JSON": "hello", "no set": `{}`, "more than 64 KiB": `{"keys":[` + strings.Repeat(" ", 65<<10) + `]}`} {
		at.says(body)
		p.Clock.Advance(2 * time.Minute)
		if got := a.asserts(second); got != http.StatusUnauthorized {
			t.Errorf("%s: got %d", what, got)
		}
	}
	private := second.public()
	private.Key = second.PrivateKey
	at.publishes(private)
	p.Clock.Advance(2 * time.Minute)
	if got := a.asserts(second); got != http.StatusUnauthorized {
		t.Errorf("a private key that is published: got %d", got)
	}
}

func TestRegistration_RejectsForbiddenAddress(t *testing.T) {
	_, provider := appPlace(t, fetching(outside(t)))
	for _, to := range []string{"https://10.0.0.7/out", "https://localhost/out", "https://169.254.169.254/", "http://app.example/out", "https://app.example:22/",
		"https://[::1]/", "https://me:secret@app.example/"} {
		r := usual()
		r.Backchannel = to
		_, err := provider.Clients.Register(t.Context(), by, r)
		if e, ok := errors.AsType[*client.MetadataError](err); !ok || e.Member != "backchannel_logout_uri" || strings.Contains(e.Why, to) {
			t.Errorf("a back channel to %s: got %v", to, err)
		}
		r = usual()
		r.AuthMethod, r.KeysURI = "private_key_jwt", to
		_, err = provider.Clients.Register(t.Context(), by, r)
		if e, ok := errors.AsType[*client.MetadataError](err); !ok || e.Member != "jwks_uri" {
			t.Errorf("keys at %s: got %v", to, err)
		}
	}
	r := usual()
	r.Backchannel = "http://127.0.0.1:9/out"
	c, err := provider.Clients.Register(t.Context(), by, r)
	if err != nil {
		t.Fatalf("an address that is allowed: %v", err)
	}
	r.Backchannel = "https://192.168.1.1/"
	if _, err := provider.Clients.Replace(t.Context(), by, c.ID, r, true); err == nil {
		t.Error("a client moved its back channel to the host of the service")
	}
}
