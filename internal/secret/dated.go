package secret

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

// A dated value begins with the time at which it was made: eleven hexadecimal digits, in milliseconds, until the year 2527. 32
// characters of base64url follow, which are 192 random bits. The time is no secret.
const (
	dateSize   = 11
	randomSize = 24
	datedSize  = dateSize + randomSize*4/3 // as New
	keyHash    = 20                        // bytes of SHA-256 in a key
)

// Dated returns a value with a time. The random bytes are used once.
func Dated(at time.Time, random [randomSize]byte) Value {
	text := fmt.Appendf(make([]byte, 0, datedSize), "%0*x", dateSize, uint64(at.UnixMilli())&(1<<(4*dateSize)-1))
	return From(string(base64.RawURLEncoding.AppendEncode(text, random[:])))
}

// Key returns the record key of a value: its time, then 160 bits of the SHA-256 of the whole text, both in hex. So records that
// are made together are stored together, and expire together: a commit changes few pages. A value without a time has one
// of zeros, so an unknown value costs the same read. A prefix before the last 43 characters, such as the kind of a token, is
// not part of the time.
func (v Value) Key() string {
	text := v.Reveal()
	var plain [128]byte // on the stack
	sum := sha256.Sum256(append(plain[:0], text...))
	var key [dateSize + 2*keyHash]byte
	for i := range dateSize {
		key[i] = '0'
	}
	if at := len(text) - datedSize; at >= 0 && isDate(text[at:at+dateSize]) {
		copy(key[:], text[at:])
	}
	hex.Encode(key[dateSize:], sum[:keyHash])
	return string(key[:])
}

// KeyID returns the public id of the record with a key: 64 bits of its hash. It authenticates nothing.
func KeyID(key string) string { return key[dateSize : dateSize+16] }

func isDate(digits string) bool {
	for i := range len(digits) {
		if c := digits[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
