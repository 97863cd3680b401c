package webauthn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"barillet/factors"
	"barillet/factors/webauthn"
)

const (
	rpID   = "login.example"
	origin = "https://login.example"
)

var (
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	who  = factors.Subject{Handle: []byte("handle-of-anne-00"), Login: "anne@garage.example", Name: "Anne", Origin: origin}
)

// flag bits of WebAuthn L3 §6.1.
const (
	up = 1 << iota
	_
	uv
	be
	bs
	_
	at
	ed
)

// soft is a security key in software of which every part of an answer can be spoilt.
type soft struct {
	signer  crypto.Signer
	alg     int64
	id      []byte
	counter uint32
}

func newSoft(t testing.TB, alg int64) *soft {
	t.Helper()
	s := &soft{alg: alg, id: []byte("credential " + rand.Text())}
	var err error
	switch alg {
	case -7:
		s.signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case -8:
		_, s.signer, err = ed25519.GenerateKey(rand.Reader)
	case -257:
		s.signer, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *soft) cose() map[int64]any {
	switch k := s.signer.Public().(type) {
	case *ecdsa.PublicKey:
		raw, err := k.Bytes()
		if err != nil {
			panic(err)
		}
		return map[int64]any{1: 2, 3: s.alg, -1: 1, -2: raw[1:33], -3: raw[33:]}
	case ed25519.PublicKey:
		return map[int64]any{1: 1, 3: s.alg, -1: 6, -2: []byte(k)}
	case *rsa.PublicKey:
		return map[int64]any{1: 3, 3: s.alg, -1: k.N.Bytes(), -2: big.NewInt(int64(k.E)).Bytes()}
	}
	panic("unknown key")
}

func sign(signer crypto.Signer, message []byte) []byte {
	sum, opts := sha256.Sum256(message), crypto.SignerOpts(crypto.SHA256)
	digest := sum[:]
	if _, ok := signer.(ed25519.PrivateKey); ok {
		digest, opts = message, crypto.Hash(0)
	}
	sig, err := signer.Sign(rand.Reader, digest, opts)
	if err != nil {
		panic(err)
	}
	return sig
}

// answer is the parts of an answer before they are signed and packed.
type answer struct {
	client map[string]any
	raw    func([]byte) []byte // changes the client data's bytes; nil: does not
	rpID   string
	flags  byte
	count  uint32
	aaguid []byte
	id     []byte // in the authenticator data
	key    any    // COSE_Key; []byte: as it is
	tail   []byte // after the authenticator data
	format string
	stmt   func(signed []byte) any // the attestation statement
	sig    func([]byte) []byte     // changes the signature
	outer  map[string]any          // members of the answer to set
	inner  map[string]any          // members of "response" to set
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func enc(v any) []byte {
	if raw, ok := v.([]byte); ok {
		return raw
	}
	mode, err := cbor.CTAP2EncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	out, err := mode.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}

// creation is a sound answer to creation options, attested by the key itself.
func (s *soft) creation(t testing.TB, options []byte) *answer {
	a := &answer{
		client: map[string]any{"type": "webauthn.create", "challenge": challenge(t, options), "origin": origin, "crossOrigin": false},
		rpID:   rpID, flags: up | at, count: s.counter, aaguid: make([]byte, 16), id: s.id, key: s.cose(), format: "packed",
	}
	a.stmt = func(signed []byte) any { return map[string]any{"alg": s.alg, "sig": sign(s.signer, signed)} }
	return a
}

// assertion is a sound answer to request options.
func (s *soft) assertion(t testing.TB, options []byte) *answer {
	return &answer{
		client: map[string]any{"type": "webauthn.get", "challenge": challenge(t, options), "origin": origin, "crossOrigin": false},
		rpID:   rpID, flags: up, count: s.counter, id: s.id,
	}
}

func challenge(t testing.TB, options []byte) string {
	t.Helper()
	var o struct {
		Challenge string `json:"challenge"`
	}
	if err := json.Unmarshal(options, &o); err != nil || o.Challenge == "" {
		t.Fatalf("options %s: no challenge: %v", options, err)
	}
	return o.Challenge
}

func (a *answer) clientData() []byte {
	out, err := json.Marshal(a.client)
	if err != nil {
		panic(err)
	}
	if a.raw != nil {
		out = a.raw(out)
	}
	return out
}

func (a *answer) authData() []byte {
	sum := sha256.Sum256([]byte(a.rpID))
	out := append(sum[:], a.flags)
	out = binary.BigEndian.AppendUint32(out, a.count)
	if a.flags&at != 0 {
		out = append(out, a.aaguid...)
		out = binary.BigEndian.AppendUint16(out, uint16(len(a.id)))
		out = append(append(out, a.id...), enc(a.key)...)
	}
	return append(out, a.tail...)
}

func (a *answer) pack(response map[string]any) []byte {
	for k, v := range a.inner {
		response[k] = v
	}
	out := map[string]any{"id": b64(a.id), "rawId": b64(a.id), "type": "public-key", "response": response,
		"clientExtensionResults": map[string]any{}}
	for k, v := range a.outer {
		out[k] = v
	}
	raw, err := json.Marshal(out)
	if err != nil {
		panic(err)
	}
	return raw
}

func (a *answer) created() []byte {
	client, data := a.clientData(), a.authData()
	sum := sha256.Sum256(client)
	object := enc(map[string]any{"fmt": a.format, "attStmt": a.stmt(slices.Concat(data, sum[:])), "authData": data})
	return a.pack(map[string]any{"clientDataJSON": b64(client), "attestationObject": b64(object), "transports": []string{"usb", "nfc"}})
}

func (a *answer) asserted(signer crypto.Signer) []byte {
	client, data := a.clientData(), a.authData()
	sum := sha256.Sum256(client)
	sig := sign(signer, slices.Concat(data, sum[:]))
	if a.sig != nil {
		sig = a.sig(sig)
	}
	return a.pack(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(sig)})
}

// maker attests keys with a certificate of its own CA, as WebAuthn L3 §8.2.1 requires.
func maker(t testing.TB, aaguid []byte) (certificates []any, leaf *ecdsa.PrivateKey) {
	t.Helper()
	issue := func(c, parent *x509.Certificate, public any, by crypto.Signer) []byte {
		raw, err := x509.CreateCertificate(rand.Reader, c, parent, public, by)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	newKey := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	from, to := time.Unix(0, 0), time.Unix(1<<33, 0)
	ca, root := newKey(), &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Root"},
		NotBefore: from, NotAfter: to, IsCA: true, BasicConstraintsValid: true}
	ext, err := asn1.Marshal(aaguid)
	if err != nil {
		t.Fatal(err)
	}
	leaf = newKey()
	cert := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: from, NotAfter: to, BasicConstraintsValid: true,
		Subject: pkix.Name{Country: []string{"SE"}, Organization: []string{"Test"},
			OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Test Key"},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: ext}}}
	return []any{issue(cert, root, leaf.Public(), ca)}, leaf
}

func newFactor(t testing.TB, cfg webauthn.Config) *webauthn.WebAuthn {
	t.Helper()
	cfg.RPID, cfg.RPDisplayName, cfg.Origins = rpID, "Barillet", []string{origin}
	w, err := webauthn.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// enrol takes a key through a sound enrolment.
func enrol(t testing.TB, w *webauthn.WebAuthn, s *soft, id string, spoil func(*answer)) factors.Device {
	t.Helper()
	prompt, pending, err := w.BeginEnrol(noon, who, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := s.creation(t, prompt.JSON)
	if spoil != nil {
		spoil(a)
	}
	got, err := w.FinishEnrol(noon, who, pending, a.created())
	if err != nil || !got.Accepted() {
		t.Fatalf("enrolling: got %q, %v; want accepted", got.Rejected, err)
	}
	got.Device.ID = factors.DeviceID(id)
	return got.Device
}
