package webauthn_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"math/big"
	"strings"
	"testing"

	"barillet/factors"
	"barillet/factors/webauthn"
)

func TestFinishEnrol_AcceptsValidKeys(t *testing.T) {
	none := func(a *answer) {
		a.format, a.stmt = "none", func([]byte) any { return map[string]any{} }
	}
	aaguid, _ := hex.DecodeString("2fc0579f811347eab116bb5a8db9202a")
	attested := func(a *answer) {
		certificates, leaf := maker(t, aaguid)
		a.aaguid = aaguid
		a.stmt = func(m []byte) any { return map[string]any{"alg": -7, "sig": sign(leaf, m), "x5c": certificates} }
	}
	tests := []struct {
		name  string
		alg   int64
		spoil func(*answer)
		model string
	}{
		{"ES256 without attestation", -7, none, ""},
		{"ES256 attested by itself", -7, nil, ""},
		{"ES256 attested by its maker", -7, attested, "YubiKey 5 NFC"},
		{"EdDSA without attestation", -8, none, ""},
		{"EdDSA attested by itself", -8, nil, ""},
		{"EdDSA attested by its maker", -8, attested, "YubiKey 5 NFC"},
		{"RS256 without attestation", -257, none, ""},
		{"RS256 attested by itself", -257, nil, ""},
		{"RS256 attested by its maker", -257, attested, "YubiKey 5 NFC"},
		{"a synced passkey", -7, func(a *answer) { a.flags |= be | bs }, ""},
		{"an extension output nobody asked for", -7, func(a *answer) {
			a.outer = map[string]any{"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": false}, "x": 1}}
		}, ""},
		{"an old browser without token binding in use", -7, func(a *answer) {
			a.client["tokenBinding"] = map[string]any{"status": "supported"}
		}, ""},
		{"client data with members of the future", -7, func(a *answer) { a.client["other_keys_can_be_added_here"] = "x" }, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, s := newFactor(t, webauthn.Config{}), newSoft(t, tt.alg)
			d := enrol(t, w, s, "d1", tt.spoil)
			if d.Unique != b64(s.id) || d.Kind != webauthn.Kind || !d.Added.Equal(noon) {
				t.Errorf("got device %+v; want its credential id as Unique, kind and time", d)
			}
			if got := webauthn.ModelName(d); got != tt.model {
				t.Errorf("got model %q, want %q", got, tt.model)
			}
			prompt, pending, err := w.BeginVerify(noon, who, []factors.Device{d})
			if err != nil {
				t.Fatal(err)
			}
			a := s.assertion(t, prompt.JSON)
			if tt.name == "a synced passkey" {
				a.flags |= be | bs
			}
			got, err := w.FinishVerify(noon, who, []factors.Device{d}, pending, a.asserted(s.signer))
			if err != nil || !got.Accepted() || got.Device.ID != "d1" || !got.Device.LastUsed.Equal(noon) {
				t.Errorf("got %+v, %v; want accepted", got, err)
			}
		})
	}
}

func TestFinishEnrol_RejectsEachBrokenStep(t *testing.T) {
	key := func(label int64, v any) func(*answer) {
		return func(a *answer) {
			k := a.key.(map[int64]any)
			if v == nil {
				delete(k, label)
			} else {
				k[label] = v
			}
			a.format, a.stmt = "none", func([]byte) any { return map[string]any{} }
		}
	}
	client := func(name string, v any) func(*answer) { return func(a *answer) { a.client[name] = v } }
	raw := func(f func([]byte) []byte) func(*answer) { return func(a *answer) { a.raw = f } }
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey := func(n []byte, e ...byte) func(*answer) {
		return func(a *answer) {
			a.key = map[int64]any{1: 3, 3: -257, -1: n, -2: e}
			a.format, a.stmt = "none", func([]byte) any { return map[string]any{} }
		}
	}
	edKey := func(x []byte) func(*answer) {
		return func(a *answer) {
			a.key = map[int64]any{1: 1, 3: -8, -1: 6, -2: x}
			a.format, a.stmt = "none", func([]byte) any { return map[string]any{} }
		}
	}
	n2048 := new(big.Int).SetBit(big.NewInt(1), 2047, 1).Bytes()
	wrong, format, policy := factors.ReasonWrong, factors.ReasonFormat, factors.ReasonPolicy
	tests := []struct {
		name  string
		spoil func(*answer)
		want  factors.Reason
	}{
		{"step 5: client data that is not UTF-8", raw(func(b []byte) []byte { return append(b[:len(b)-1], []byte(",\"x\":\"\xff\"}")...) }), format},
		{"step 5: client data with a byte order mark", raw(func(b []byte) []byte { return append([]byte("\xef\xbb\xbf"), b...) }), format},
		{"step 5: client data over 64 KiB", client("pad", strings.Repeat("x", 64<<10)), format},
		{"step 6: client data that is no object", raw(func([]byte) []byte { return []byte("[]") }), format},
		{"step 6: a member twice", raw(func(b []byte) []byte { return append([]byte(`{"type":"webauthn.create",`), b[1:]...) }), format},
		{"step 6: a member in another case", client("Origin", origin), format},
		{"step 6: something after the object", raw(func(b []byte) []byte { return append(b, "{}"...) }), format},
		{"step 7: the type of an assertion", client("type", "webauthn.get"), wrong},
		{"step 8: another challenge", client("challenge", b64(make([]byte, 32))), wrong},
		{"step 8: no challenge", client("challenge", ""), wrong},
		{"step 9: another origin", client("origin", "https://login.example.evil"), wrong},
		{"step 9: an origin in another case", client("origin", "https://LOGIN.example"), wrong},
		{"step 9: a default port", client("origin", origin+":443"), wrong},
		{"step 10: a framed page", client("crossOrigin", true), wrong},
		{"step 10: crossOrigin that is no boolean", client("crossOrigin", "false"), format},
		{"step 11: a top origin", client("topOrigin", origin), wrong},
		{"level 2 step 10: a token binding", client("tokenBinding", map[string]any{"status": "present", "id": "x"}), wrong},
		{"step 13: attestation that is no CBOR", func(a *answer) { a.inner = map[string]any{"attestationObject": "AAAA"} }, format},
		{"step 13: something after the authenticator data", func(a *answer) { a.tail = []byte{0} }, format},
		{"step 14: keys of another domain", func(a *answer) { a.rpID = "evil.example" }, wrong},
		{"step 15: nobody there", func(a *answer) { a.flags &^= up }, wrong},
		{"step 17: backed up but not eligible", func(a *answer) { a.flags |= bs }, wrong},
		{"section 6.1: no attested credential data", func(a *answer) { a.flags &^= at }, format},
		{"section 6.1: extensions announced and missing", func(a *answer) { a.flags |= ed }, format},
		{"step 20: ES384, not offered", key(3, -35), policy},
		{"step 20: no algorithm", key(3, nil), format},
		{"key: no type", key(1, nil), format},
		{"key: another type", key(1, 1), format},
		{"key: another curve", key(-1, 2), format},
		{"key: no curve", key(-1, nil), format},
		{"key: no y", key(-3, nil), format},
		{"key: x too short", key(-2, make([]byte, 31)), format},
		{"key: off the curve", key(-3, bytes.Repeat([]byte{7}, 32)), format},
		{"key: a member that is not for public keys", key(-4, []byte("d")), format},
		{"key: a label twice", func(a *answer) { k := enc(a.key); a.key = append([]byte{k[0] + 1}, append(k[1:], k[1:3]...)...) }, format},
		{"key: Ed25519 off the curve", edKey(append([]byte{2}, make([]byte, 31)...)), format},
		{"key: Ed25519 of order one", edKey(append([]byte{1}, make([]byte, 31)...)), format},
		{"key: Ed25519 of order four", edKey(make([]byte, 32)), format},
		{"key: Ed25519 not reduced", edKey(bytes.Repeat([]byte{0xff}, 32)), format},
		{"key: RSA under 2048 bits", rsaKey(small.N.Bytes(), 1, 0, 1), policy},
		{"key: RSA exponent 1", rsaKey(n2048, 1), policy},
		{"key: RSA exponent 3", rsaKey(n2048, 3), policy},
		{"key: RSA exponent even", rsaKey(n2048, 1, 0, 2), format},
		{"key: RSA modulus even", rsaKey(append(n2048[:255:255], 2), 1, 0, 1), format},
		{"key: RSA exponent missing", rsaKey(n2048), format},
		{"step 21: an attestation of phones", func(a *answer) { a.format = "android-key" }, policy},
		{"step 21: an unknown attestation", func(a *answer) { a.format = "Packed" }, policy},
		{"step 22: attestation signature of something else", func(a *answer) {
			old := a.stmt
			a.stmt = func(m []byte) any { return old(append(m, 0)) }
		}, wrong},
		{"step 22: attestation by another algorithm", func(a *answer) {
			old := a.stmt
			a.stmt = func(m []byte) any { s := old(m).(map[string]any); s["alg"] = -257; return s }
		}, wrong},
		{"step 22: none, with a statement", func(a *answer) { a.format = "none" }, wrong},
		{"step 22: a maker's certificate for another model", func(a *answer) {
			certificates, leaf := maker(t, bytes.Repeat([]byte{9}, 16))
			a.stmt = func(m []byte) any { return map[string]any{"alg": -7, "sig": sign(leaf, m), "x5c": certificates} }
		}, wrong},
		{"step 25: an empty credential id", func(a *answer) { a.id = nil }, format},
		{"step 25: a credential id of 1024 bytes", func(a *answer) { a.id = make([]byte, 1024) }, format},
		{"step 27: an id that is not the one attested", func(a *answer) { a.outer = map[string]any{"id": "QUJD", "rawId": "QUJD"} }, wrong},
		{"an id that is not the raw one", func(a *answer) { a.outer = map[string]any{"id": "QUJD"} }, format},
		{"another type of credential", func(a *answer) { a.outer = map[string]any{"type": "password"} }, format},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w, s := newFactor(t, webauthn.Config{}), newSoft(t, -7)
			prompt, pending, err := w.BeginEnrol(noon, who, nil)
			if err != nil {
				t.Fatal(err)
			}
			a := s.creation(t, prompt.JSON)
			tt.spoil(a)
			got, err := w.FinishEnrol(noon, who, pending, a.created())
			if err != nil || got.Rejected != tt.want || got.Device.Kind != "" {
				t.Errorf("got %q with device %q, %v; want %q and no device", got.Rejected, got.Device.Kind, err, tt.want)
			}
		})
	}
}

// RFC 9053 §7.1.1: a coordinate has the length of the field, with leading zeros. One key of 128 has one.
func TestFinishEnrol_AcceptsLeadingZeroCoordinate(t *testing.T) {
	w := newFactor(t, webauthn.Config{})
	s := newSoft(t, -7)
	for s.cose()[-2].([]byte)[0] != 0 {
		s = newSoft(t, -7)
	}
	enrol(t, w, s, "zero", nil)
	prompt, pending, err := w.BeginEnrol(noon, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := s.creation(t, prompt.JSON)
	cut := s.cose()
	cut[-2] = cut[-2].([]byte)[1:]
	a.key = cut
	if got, err := w.FinishEnrol(noon, who, pending, a.created()); err != nil || got.Rejected != factors.ReasonFormat {
		t.Errorf("a coordinate of 31 bytes: got %q, %v; want %q", got.Rejected, err, factors.ReasonFormat)
	}
}
