package secret

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"barillet/internal/input"
)

// Value is a bearer secret that a user or a client holds. fmt, log/slog and encoding/json print it as [redacted]; only Reveal
// returns it. The zero value is no secret.
//
// The text is behind a pointer, because fmt calls no method of an unexported field; it prints the address instead. Compare
// values with Equal, not with ==.
type Value struct{ value *string }

const redacted = "[redacted]"

// From returns a value with the text of a cookie, a form or a link.
func From(value string) Value { return Value{&value} }

// New returns a random value of 256 bits, as 43 characters of base64url.
func New() Value {
	var b [32]byte
	rand.Read(b[:]) // never fails
	return From(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Reveal returns the text, for a cookie, an email or a page.
func (v Value) Reveal() string {
	if v.value == nil {
		return ""
	}
	return *v.value
}

// IsZero reports whether the text is empty.
func (v Value) IsZero() bool { return v.Reveal() == "" }

// Equal reports whether both values have the same text, in constant time.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(w.Reveal())) == 1
}

// Hash returns the SHA-256 of the text in hex. It is the record key of a value of 112 bits or more without a time,
// such as a text of a client.
func (v Value) Hash() string {
	var plain [128]byte // on the stack: each request computes several hashes
	sum := sha256.Sum256(append(plain[:0], v.Reveal()...))
	var text [2 * sha256.Size]byte
	hex.Encode(text[:], sum[:])
	return string(text[:])
}

func (v Value) String() string               { return redacted }
func (v Value) GoString() string             { return redacted }
func (v Value) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (v Value) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// ShortCodeAlphabet is Crockford's base32: the characters of a short code that is normalized.
const ShortCodeAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NormalizeShortCode returns a typed short code in upper case, with 0 for O and 1 for I and L. It drops hyphens, blanks and
// characters that cannot be seen.
func NormalizeShortCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		case r == '-':
			return -1
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, input.Code(typed))
}
