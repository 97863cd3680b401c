package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"testing"

	jose "github.com/go-jose/go-jose/v4"

	"barillet/oidc/client"
)

// An attacker registers a client with a name that users read as the service, or as another name.
func TestRegister_RejectsConfusableName(t *testing.T) {
	_, p := open(t)
	for name, bad := range map[string]bool{
		"Baril1et": true, "8ari11et": true, "Bàrillet": true, "Ｂａｒｉｌｌｅｔ": true, "𝐁arillet": true, "B\u0430rillet": true,
		"B\u03b1rillet": true, "Barillet!": true, "Garage  Lumi\u00e8re": true, "Bari\u200bllet 2": true, "\u202etelliraB": true,
		"Planning\u2066": true, "Plan\u00adning": true, "\u2028": true, "Plann\u0456ng": true,
		"Écran d’atelier": false, "Планирование API": false, "日本API": false, "Φόρμα": false, "Paie 2026": false, "Barillet de secours": false,
	} {
		_, err := p.Register(t.Context(), by, client.Registration{Name: name, Redirects: []string{"https://a.example/cb"}})
		e, ok := errors.AsType[*client.MetadataError](err)
		if bad != (ok && e.Member == "client_name") {
			t.Errorf("%q: got %v, want rejected %t", name, err, bad)
		}
	}
}

// A client registers a key that an attacker can forge for, or whose signatures cost seconds to verify.
func TestRegister_RejectsUnsuitableKey(t *testing.T) {
	_, p := open(t)
	wide := func(bits int) *rsa.PublicKey {
		n := new(big.Int).Lsh(big.NewInt(1), uint(bits-1))
		return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
	}
	curve := func(c elliptic.Curve) *ecdsa.PublicKey {
		k, err := ecdsa.GenerateKey(c, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &k.PublicKey
	}
	few := wide(2048)
	few.E = 1
	many := make([]jose.JSONWebKey, 17)
	for i := range many {
		many[i] = jose.JSONWebKey{Key: curve(elliptic.P256())}
	}
	for name, c := range map[string]struct {
		keys []jose.JSONWebKey
		good bool
	}{
		"RSA of 2048 bits":          {[]jose.JSONWebKey{{Key: wide(2048)}}, true},
		"RSA of 4096 bits":          {[]jose.JSONWebKey{{Key: wide(4096)}}, true},
		"P-256":                     {[]jose.JSONWebKey{{Key: curve(elliptic.P256())}}, true},
		"RSA of 1024 bits":          {[]jose.JSONWebKey{{Key: wide(1024)}}, false},
		"RSA of 4097 bits":          {[]jose.JSONWebKey{{Key: wide(4097)}}, false},
		"RSA of 65536 bits":         {[]jose.JSONWebKey{{Key: wide(65536)}}, false},
		"an exponent of one":        {[]jose.JSONWebKey{{Key: few}}, false},
		"P-521, which no alg needs": {[]jose.JSONWebKey{{Key: curve(elliptic.P521())}}, false},
		"a key for encryption":      {[]jose.JSONWebKey{{Key: curve(elliptic.P256()), Use: "enc"}}, false},
		"seventeen keys":            {many, false},
	} {
		raw, err := json.Marshal(jose.JSONWebKeySet{Keys: c.keys})
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Register(t.Context(), by, client.Registration{Name: "Planning", Redirects: []string{"https://a.example/cb"}, AuthMethod: "private_key_jwt", Keys: raw})
		if e, ok := errors.AsType[*client.MetadataError](err); c.good != (err == nil) || !c.good && (!ok || e.Member != "jwks") {
			t.Errorf("%s: got %v, want accepted %t", name, err, c.good)
		}
	}
}
