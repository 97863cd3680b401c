package webauthn

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"testing"

	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"barillet/factors"
)

// members are the members of a key before it is encoded. A nil value removes one.
type members map[int64]any

func (m members) with(changes members) []byte {
	all := maps.Clone(m)
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ int64, v any) bool { return v == nil })
	raw, err := webauthncbor.Marshal(all)
	if err != nil {
		panic(err)
	}
	return raw
}

// A key that the library would store, and for which nobody or anybody can sign, is refused at its enrolment.
func TestCheckKey_RefusesEachWrongMember(t *testing.T) {
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := p256.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	n := big.N.Bytes()
	es := members{1: 2, 3: int(webauthncose.AlgES256), -1: 1, -2: point[1:33], -3: point[33:]}
	okp := members{1: 1, 3: int(webauthncose.AlgEdDSA), -1: 6, -2: []byte(ed)}
	rs := members{1: 3, 3: int(webauthncose.AlgRS256), -1: n, -2: []byte{1, 0, 1}}
	for name, c := range map[string]struct {
		raw  []byte
		want factors.Reason
	}{
		"ES256":                         {es.with(nil), factors.ReasonNone},
		"EdDSA":                         {okp.with(nil), factors.ReasonNone},
		"RS256":                         {rs.with(nil), factors.ReasonNone},
		"nothing":                       {nil, factors.ReasonFormat},
		"more after it":                 {append(es.with(nil), 0), factors.ReasonFormat},
		"no type":                       {es.with(members{1: nil}), factors.ReasonFormat},
		"a type that is no number":      {es.with(members{1: 2.0}), factors.ReasonFormat},
		"an enormous type":              {es.with(members{1: uint64(1) << 63}), factors.ReasonFormat},
		"no algorithm":                  {es.with(members{3: nil}), factors.ReasonFormat},
		"an algorithm not offered":      {es.with(members{3: int(webauthncose.AlgES384)}), factors.ReasonPolicy},
		"ES256 of another type":         {es.with(members{1: 1}), factors.ReasonFormat},
		"ES256 on another curve":        {es.with(members{-1: 2}), factors.ReasonFormat},
		"ES256 on no curve":             {es.with(members{-1: nil}), factors.ReasonFormat},
		"ES256 on a curve of bytes":     {es.with(members{-1: []byte{1}}), factors.ReasonFormat},
		"ES256 with another member":     {es.with(members{4: 1}), factors.ReasonFormat},
		"ES256 with a short x":          {es.with(members{-2: point[1:32]}), factors.ReasonFormat},
		"ES256 with a long y":           {es.with(members{-3: append(bytes.Clone(point[33:]), 0)}), factors.ReasonFormat},
		"ES256 with a text as y":        {es.with(members{-3: string(bytes.Repeat([]byte("y"), 32))}), factors.ReasonFormat},
		"ES256 off the curve":           {es.with(members{-2: bytes.Repeat([]byte{1}, 32)}), factors.ReasonFormat},
		"EdDSA of another type":         {okp.with(members{1: 2}), factors.ReasonFormat},
		"EdDSA on another curve":        {okp.with(members{-1: 7}), factors.ReasonFormat},
		"EdDSA on no curve":             {okp.with(members{-1: nil}), factors.ReasonFormat},
		"EdDSA with another member":     {okp.with(members{-3: []byte{1}}), factors.ReasonFormat},
		"EdDSA with a short point":      {okp.with(members{-2: []byte(ed)[:31]}), factors.ReasonFormat},
		"EdDSA with the neutral point":  {okp.with(members{-2: append([]byte{1}, make([]byte, 31)...)}), factors.ReasonFormat},
		"EdDSA with a point of order 4": {okp.with(members{-2: make([]byte, 32)}), factors.ReasonFormat},
		"RS256 of another type":         {rs.with(members{1: 2}), factors.ReasonFormat},
		"RS256 with another member":     {rs.with(members{-3: []byte{1}}), factors.ReasonFormat},
		"RS256 without a modulus":       {rs.with(members{-1: []byte{}}), factors.ReasonFormat},
		"RS256 without an exponent":     {rs.with(members{-2: []byte{}}), factors.ReasonFormat},
		"RS256 with a zero before":      {rs.with(members{-1: append([]byte{0}, n...)}), factors.ReasonFormat},
		"RS256 with a zero exponent":    {rs.with(members{-2: []byte{0, 1, 0, 1}}), factors.ReasonFormat},
		"RS256 with an even modulus":    {rs.with(members{-1: append(bytes.Clone(n[:255]), n[255]&^1)}), factors.ReasonFormat},
		"RS256 with an even exponent":   {rs.with(members{-2: []byte{1, 0, 2}}), factors.ReasonFormat},
		"RS256 of 2040 bits":            {rs.with(members{-1: n[1:]}), factors.ReasonPolicy},
		"RS256 of more than 4096 bits":  {rs.with(members{-1: bytes.Repeat([]byte{0x81}, 513)}), factors.ReasonPolicy},
		"RS256 with a small exponent":   {rs.with(members{-2: []byte{3}}), factors.ReasonPolicy},
		"RS256 with a large exponent":   {rs.with(members{-2: []byte{0x80, 0, 0, 1}}), factors.ReasonPolicy},
	} {
		if got := checkKey(c.raw); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
