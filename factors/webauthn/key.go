package webauthn

import (
	"bytes"
	"crypto/ecdh"
	"maps"
	"math/big"
	"slices"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"barillet/factors"
)

// cose is a COSE_Key: its members by label (RFC 9052 §7).
type cose map[int64]webauthncbor.RawMessage

// The labels (RFC 9053 §7, RFC 8230 §4). -1 is the curve, or the modulus; -2 is x, or the exponent.
const (
	labelType  = 1
	labelAlg   = 3
	labelMinus = -1
)

// checkKey checks a credential public key at registration (WebAuthn L3 §7.1 step 20, §6.5.1.1). It refuses a key that
// cannot be verified, and one for which anybody can sign. With attestation "none" the library checks only the algorithm.
func checkKey(raw []byte) factors.Reason {
	var k cose
	if webauthncbor.Unmarshal(raw, &k) != nil { // refuses a repeated label, a tag, anything after the map
		return factors.ReasonFormat
	}
	kind, ok1 := k.number(labelType)
	alg, ok2 := k.number(labelAlg)
	if !ok1 || !ok2 {
		return factors.ReasonFormat
	}
	switch webauthncose.COSEAlgorithmIdentifier(alg) {
	case webauthncose.AlgES256:
		return k.checkES256(kind)
	case webauthncose.AlgEdDSA:
		return k.checkEdDSA(kind)
	case webauthncose.AlgRS256:
		return k.checkRS256(kind)
	}
	return factors.ReasonPolicy // not one of those offered
}

// labelled reports whether the key has exactly these members. WebAuthn L3 §6.5.1.1 forbids optional ones.
func (k cose) labelled(labels ...int64) bool {
	slices.Sort(labels)
	return slices.Equal(slices.Sorted(maps.Keys(k)), labels)
}

func (k cose) number(label int64) (int64, bool) {
	var n int64
	// Major types 0 and 1: an integer, and not a float or a null that would decode to one.
	if raw := k[label]; len(raw) == 0 || raw[0]>>5 > 1 || webauthncbor.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	return n, true
}

func (k cose) bytes(label int64) []byte {
	var b []byte
	if raw := k[label]; len(raw) == 0 || raw[0]>>5 != 2 || webauthncbor.Unmarshal(raw, &b) != nil {
		return nil
	}
	return b
}

// checkES256 accepts a point of P-256, uncompressed (WebAuthn L3 §5.8.5, RFC 9053 §7.1.1).
func (k cose) checkES256(kind int64) factors.Reason {
	curve, ok := k.number(labelMinus)
	x, y := k.bytes(-2), k.bytes(-3)
	if !ok || kind != int64(webauthncose.EllipticKey) || curve != int64(webauthncose.P256) ||
		!k.labelled(1, 3, -1, -2, -3) || len(x) != 32 || len(y) != 32 {
		return factors.ReasonFormat
	}
	if _, err := ecdh.P256().NewPublicKey(slices.Concat([]byte{4}, x, y)); err != nil {
		return factors.ReasonFormat // off the curve
	}
	return factors.ReasonNone
}

// checkEdDSA accepts a point of Ed25519 (WebAuthn L3 §5.8.5, RFC 8032 §5.1.3) of full order.
func (k cose) checkEdDSA(kind int64) factors.Reason {
	curve, ok := k.number(labelMinus)
	x := k.bytes(-2)
	if !ok || kind != int64(webauthncose.OctetKey) || curve != int64(webauthncose.Ed25519) || !k.labelled(1, 3, -1, -2) || !onEd25519(x) {
		return factors.ReasonFormat
	}
	return factors.ReasonNone
}

// onEd25519 reports whether the 32 bytes are a point of the curve whose order is not small. For one of the eight small
// points anybody can make a valid signature.
func onEd25519(raw []byte) bool {
	if len(raw) != 32 {
		return false
	}
	be := slices.Clone(raw)
	slices.Reverse(be)
	be[0] &= 0x7f // the sign of x
	one := big.NewInt(1)
	p := new(big.Int).Sub(new(big.Int).Lsh(one, 255), big.NewInt(19))
	y := new(big.Int).SetBytes(be)
	if y.Cmp(p) >= 0 || y.Cmp(one) == 0 { // not reduced; the neutral point
		return false
	}
	// x^2 = (y^2 - 1) / (d y^2 + 1) must be a square, d = -121665/121666. It is one when numerator times
	// denominator is.
	d := new(big.Int).Mul(big.NewInt(-121665), new(big.Int).ModInverse(big.NewInt(121666), p))
	yy := new(big.Int).Mul(y, y)
	v := new(big.Int).Add(new(big.Int).Mul(d, yy), one)
	uv := new(big.Int).Mul(new(big.Int).Sub(yy, one), v)
	if big.Jacobi(uv.Mod(uv, p), p) < 0 {
		return false
	}
	// The same point on Curve25519 is u = (1+y)/(1-y) (RFC 7748 §4.1). X25519 multiplies by eight among the
	// rest, and refuses what then vanishes: the small points.
	u := new(big.Int).Mul(new(big.Int).Add(one, y), new(big.Int).ModInverse(new(big.Int).Mod(new(big.Int).Sub(one, y), p), p))
	le := u.Mod(u, p).FillBytes(make([]byte, 32))
	slices.Reverse(le)
	point, err := ecdh.X25519().NewPublicKey(le)
	if err != nil {
		return false
	}
	scalar, err := ecdh.X25519().NewPrivateKey(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		return false
	}
	_, err = scalar.ECDH(point)
	return err == nil
}

// checkRS256 accepts 2048 to 4096 bits and an odd exponent of at least 65537 (WebAuthn L3 §5.8.5, RFC 8230 §4, FIPS 186-5 §5.1).
// More bits would only make each verification slower.
func (k cose) checkRS256(kind int64) factors.Reason {
	n, e := k.bytes(-1), k.bytes(-2)
	if kind != int64(webauthncose.RSAKey) || !k.labelled(1, 3, -1, -2) || len(n) == 0 || len(e) == 0 || n[0] == 0 || e[0] == 0 {
		return factors.ReasonFormat
	}
	modulus := new(big.Int).SetBytes(n)
	exponent := new(big.Int).SetBytes(e)
	if modulus.Bit(0) == 0 || exponent.Bit(0) == 0 {
		return factors.ReasonFormat
	}
	if modulus.BitLen() < 2048 || modulus.BitLen() > 4096 || exponent.BitLen() > 31 || exponent.Cmp(big.NewInt(65537)) < 0 {
		return factors.ReasonPolicy
	}
	return factors.ReasonNone
}
