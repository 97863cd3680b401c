package webauthn_test

import (
	"testing"

	library "github.com/go-webauthn/webauthn/webauthn"

	"github.com/go-webauthn/webauthn/protocol"

	"barillet/factors"
	"barillet/factors/webauthn"
)

func FuzzFinishEnrol(f *testing.F) {
	w := newFactor(f, webauthn.Config{})
	prompt, pending, err := w.BeginEnrol(noon, who, nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, alg := range []int64{-7, -8, -257} {
		s := newSoft(f, alg)
		a := s.creation(f, prompt.JSON)
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
	keys := []*soft{newSoft(f, -7), newSoft(f, -8), newSoft(f, -257)}
	for _, s := range keys {
		have = append(have, enrol(f, w, s, "d"+string(rune('0'+len(have))), nil))
	}
	prompt, pending, err := w.BeginVerify(noon, who, have)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range keys {
		f.Add(s.assertion(f, prompt.JSON).asserted(s.signer))
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
