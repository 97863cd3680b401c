package webauthn_test

import (
	"encoding/base64"
	"encoding/json"
	"testing"

	"barillet/factors/webauthn"
)

func TestNew_RejectsUnusableConfiguration(t *testing.T) {
	good := webauthn.Config{RPID: rpID, RPDisplayName: "Barillet", Origins: []string{origin}}
	tests := []struct {
		name  string
		spoil func(*webauthn.Config)
		ok    bool
	}{
		{"a sound configuration", func(*webauthn.Config) {}, true},
		{"a sub-domain and a port", func(c *webauthn.Config) { c.Origins = []string{"https://fr.login.example:8443"} }, true},
		{"localhost without TLS", func(c *webauthn.Config) { c.RPID, c.Origins = "localhost", []string{"http://localhost:8080"} }, true},
		{"no domain", func(c *webauthn.Config) { c.RPID = "" }, false},
		{"a domain in capitals", func(c *webauthn.Config) { c.RPID = "Login.example" }, false},
		{"an address for a domain", func(c *webauthn.Config) { c.RPID, c.Origins = "127.0.0.1", []string{"http://127.0.0.1"} }, false},
		{"no origin", func(c *webauthn.Config) { c.Origins = nil }, false},
		{"an unrelated origin", func(c *webauthn.Config) { c.Origins = []string{"https://other.example"} }, false},
		{"an origin whose name only ends alike", func(c *webauthn.Config) { c.Origins = []string{"https://evillogin.example"} }, false},
		{"an origin with a path", func(c *webauthn.Config) { c.Origins = []string{origin + "/"} }, false},
		{"an origin with a default port", func(c *webauthn.Config) { c.Origins = []string{origin + ":443"} }, false},
		{"an origin without TLS", func(c *webauthn.Config) { c.Origins = []string{"http://login.example"} }, false},
		{"an unknown attestation", func(c *webauthn.Config) { c.Attestation = "always" }, false},
		{"an unknown user verification", func(c *webauthn.Config) { c.UserVerification = "yes" }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := good
			tt.spoil(&c)
			if _, err := webauthn.New(c); (err == nil) != tt.ok {
				t.Errorf("got %v, want sound: %t", err, tt.ok)
			}
		})
	}
}

func TestBeginEnrol_Options(t *testing.T) {
	w := newFactor(t, webauthn.Config{})
	prompt, _, err := w.BeginEnrol(noon, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Challenge   string
		Timeout     int
		Attestation string
		Extensions  struct{ CredProps bool }
		Selection   struct{ ResidentKey, UserVerification string } `json:"authenticatorSelection"`
		Params      []struct{ Alg int }                            `json:"pubKeyCredParams"`
	}
	if err := json.Unmarshal(prompt.JSON, &got); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(got.Challenge)
	if err != nil || len(raw) != 32 {
		t.Errorf("got a challenge of %d bytes, %v; want 32", len(raw), err)
	}
	if got.Timeout != 300_000 || got.Attestation != "direct" || !got.Extensions.CredProps ||
		got.Selection.ResidentKey != "discouraged" || got.Selection.UserVerification != "discouraged" {
		t.Errorf("got %s", prompt.JSON)
	}
	if len(got.Params) != 3 || got.Params[0].Alg != -7 || got.Params[1].Alg != -8 || got.Params[2].Alg != -257 {
		t.Errorf("got algorithms %v, want ES256, EdDSA, RS256", got.Params)
	}
	bad := who
	bad.Origin = "https://other.example"
	if _, _, err := w.BeginEnrol(noon, bad, nil); err == nil {
		t.Error("an origin that is not served: got no error")
	}
}
