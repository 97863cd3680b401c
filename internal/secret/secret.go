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
	"unicode"
)

// Value is a bearer value on its way to or from the person: a session, a login, a link, a short code. It
// prints as [redacted] in whatever way it is printed; Reveal is the one way out.
//
// The value is behind a pointer, for fmt asks no method of a Secret in an unexported field: there it prints an
// address. So Secrets are not compared with ==; Same does.
type Value struct{ value *string }

const redacted = "[redacted]"

// From takes a value as it came from a cookie, a form or a link.
func From(value string) Value { return Value{&value} }

// New draws 256 bits, as 43 characters of base64url.
func New() Value {
	var b [32]byte
	rand.Read(b[:]) // never fails: Go 1.24 crypto/rand
	return From(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Reveal gives the value itself, for a cookie, a mail or a page.
func (s Value) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero tells whether there is no value at all.
func (s Value) IsZero() bool { return s.Reveal() == "" }

// Equal tells, in constant time, whether both hold one value.
func (s Value) Equal(t Value) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(t.Reveal())) == 1
}

// Hash is the record key under which a bearer value of 112 bits and more is kept: its SHA-256 in hex.
func (s Value) Hash() string {
	sum := sha256.Sum256([]byte(s.Reveal()))
	return hex.EncodeToString(sum[:])
}

func (s Value) String() string               { return redacted }
func (s Value) GoString() string             { return redacted }
func (s Value) Format(f fmt.State, _ rune)   { io.WriteString(f, redacted) }
func (s Value) LogValue() slog.Value         { return slog.StringValue(redacted) }
func (s Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// NormalizeShortCode forgives what people do to a short code: case, hyphens and blanks, O for 0, I and L for 1.
func NormalizeShortCode(typed string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			r -= 'a' - 'A'
		case r == '-' || r == '‐' || r == '‑' || r == '–' || unicode.IsSpace(r): // phones turn a dash into another
			return -1
		}
		switch r {
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, typed)
}
