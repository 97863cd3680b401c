// Package oath computes the one-time codes of RFC 4226 and reads and writes what surrounds them: typed codes,
// secrets, otpauth URIs and QR codes. It decides nothing: which counters are acceptable belongs to the kinds
// that share it, totp and hotp.
package oath

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"log/slog"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"barillet/factors"
)

// Digits is the length of every code.
const Digits = 6

// Sizes of a secret, in bytes.
const (
	secretBytes    = 20 // RFC 4226 §4, R6 recommends 160 bits; 32 base32 characters need no padding in any app
	MinSecretBytes = 16 // RFC 4226 §4, R6 requires 128 bits; anybody can compute the codes of an empty secret
	maxSecretBytes = 64 // the block of HMAC-SHA-512: no app makes a longer secret
)

// Secret is a secret shared with a device. It does not print itself.
type Secret []byte

// New returns a random secret.
func NewSecret() Secret {
	s := make(Secret, secretBytes)
	rand.Read(s) // never fails: the process ends instead
	return s
}

func (Secret) String() string       { return "[redacted]" }
func (Secret) GoString() string     { return "[redacted]" }
func (Secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Base32 returns the secret as users type it into an app: base32 without padding.
func (s Secret) Base32() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s)
}

// Digest returns a text by which the secret is recognised in another spelling. RFC 2104 §2 fills a key up with
// zeros, so zeros at the end make no other key.
func (s Secret) Digest() string {
	sum := sha256.Sum256(bytes.TrimRight(s, "\x00"))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Check returns an ImportError if the secret cannot be accepted from another service.
func (s Secret) Check() error {
	switch {
	case len(s) == 0:
		return factors.ImportError("no_secret")
	case len(s) < MinSecretBytes:
		return factors.ImportError("short")
	case len(s) > maxSecretBytes:
		return factors.ImportError("long")
	case bytes.Count(s, s[:1]) == len(s):
		return factors.ImportError("weak") // one repeated byte is the first guess of anybody
	}
	return nil
}

// Match compares code with those of the counters first to last, and returns the earliest and the latest that match.
// It compares every code in constant time, so that its duration does not depend on which counter matches.
func (s Secret) Match(code string, first, last int64) (earliest, latest int64, ok bool) {
	b32 := base32.StdEncoding.EncodeToString(s)
	found := 0
	for counter := max(first, 0); counter <= last; counter++ {
		want, err := hotp.GenerateCodeCustom(b32, uint64(counter), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			continue // only for a secret that is not base32, which Match has encoded itself
		}
		same := subtle.ConstantTimeCompare([]byte(want), []byte(code))
		earliest += int64(same&^found) * (counter - earliest)
		latest += int64(same) * (counter - latest)
		found |= same
	}
	return earliest, latest, found == 1
}

// DecodeBase32 reads a secret as users and programs write it: with or without padding, blanks and hyphens.
func DecodeBase32(text string) (Secret, error) {
	text = strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(text))
	text = strings.TrimRight(text, "=")
	s, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") { // the decoder ignores line breaks
		return nil, factors.ImportError("base32")
	}
	return s, Secret(s).Check()
}

// AMR returns the name of the authentication method, RFC 8176 §2.
func AMR() []string { return []string{"otp"} }
