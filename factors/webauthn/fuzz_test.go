package webauthn_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"testing"

	library "github.com/go-webauthn/webauthn/webauthn"

	"github.com/go-webauthn/webauthn/protocol"

	"barillet/factors"
	"barillet/factors/webauthn"
)

// fixedKeys are the same in every process: a fuzzer's workers must know the keys that the seeds were made with.
func fixedKeys(t testing.TB) []*soft {
	t.Helper()
	seed := bytes.Repeat([]byte{5}, 32)
	p256, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed)
	if err != nil {
		t.Fatal(err)
	}
	return []*soft{{signer: p256, alg: -7, id: []byte("one")}, {signer: ed25519.NewKeyFromSeed(seed), alg: -8, id: []byte("two")}}
}

// fixed puts a challenge that every process knows into a ceremony.
func fixed(t testing.TB, options []byte, pending factors.Pending) ([]byte, factors.Pending) {
	drawn, known := []byte(challenge(t, options)), []byte(b64(bytes.Repeat([]byte{6}, 32)))
	return bytes.ReplaceAll(options, drawn, known), bytes.ReplaceAll(pending, drawn, known)
}

func FuzzFinishEnrol(f *testing.F) {
	w := newFactor(f, webauthn.Config{})
	prompt, pending, err := w.BeginEnrol(noon, who, nil)
	if err != nil {
		f.Fatal(err)
	}
	options, pending := fixed(f, prompt.JSON, pending)
	for _, s := range fixedKeys(f) {
		a := s.creation(f, options)
		f.Add(a.created())
		a.format, a.stmt = "none", func([]byte) any { return map[string]any{} }
		f.Add(a.created())
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := w.FinishEnrol(noon, who, pending, raw)
		if err != nil {
			t.Fatalf("got error %v, want an outcome", err)
		}
		if got.Accepted() != (got.Device.Unique != "") {
			t.Errorf("got %q with device %+v", got.Rejected, got.Device)
		}
	})
}

func FuzzFinishVerify(f *testing.F) {
	w := newFactor(f, webauthn.Config{})
	var have []factors.Device
	for _, s := range fixedKeys(f) {
		have = append(have, enrol(f, w, s, "of "+string(s.id), nil))
	}
	prompt, pending, err := w.BeginVerify(noon, who, have)
	if err != nil {
		f.Fatal(err)
	}
	options, pending := fixed(f, prompt.JSON, pending)
	for _, s := range fixedKeys(f) {
		raw := s.assertion(f, options).asserted(s.signer)
		if got, err := w.FinishVerify(noon, who, have, pending, raw); err != nil || !got.Accepted() {
			f.Fatalf("a seed is not sound: %q, %v", got.Rejected, err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := w.FinishVerify(noon, who, have, pending, raw)
		if err != nil {
			t.Fatalf("got error %v, want an outcome", err)
		}
		if got.Accepted() != (got.Device.ID != "") {
			t.Errorf("got %q with device %+v", got.Rejected, got.Device)
		}
	})
}

// BenchmarkVerify compares a whole judgement with the library's alone, in the same run.
func BenchmarkVerify(b *testing.B) {
	w, s := newFactor(b, webauthn.Config{}), newSoft(b, -7)
	have := []factors.Device{enrol(b, w, s, "d1", nil)}
	prompt, pending, err := w.BeginVerify(noon, who, have)
	if err != nil {
		b.Fatal(err)
	}
	raw := s.assertion(b, prompt.JSON).asserted(s.signer)
	b.Run("whole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if got, err := w.FinishVerify(noon, who, have, pending, raw); err != nil || !got.Accepted() {
				b.Fatal(got.Rejected, err)
			}
		}
	})
	lib, err := library.New(&library.Config{RPID: rpID, RPDisplayName: "Barillet", RPOrigins: []string{origin}})
	if err != nil {
		b.Fatal(err)
	}
	p := bare{library.Credential{ID: s.id, PublicKey: enc(s.cose())}}
	session := library.SessionData{Challenge: challenge(b, prompt.JSON), RelyingPartyID: rpID, UserID: who.Handle, AllowedCredentialIDs: [][]byte{s.id}}
	b.Run("library", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			parsed, err := protocol.ParseCredentialRequestResponseBytes(raw)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := lib.ValidateLogin(p, session, parsed); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type bare struct{ key library.Credential }

func (bare) WebAuthnID() []byte                          { return who.Handle }
func (bare) WebAuthnName() string                        { return who.Login }
func (bare) WebAuthnDisplayName() string                 { return who.Name }
func (p bare) WebAuthnCredentials() []library.Credential { return []library.Credential{p.key} }
