package totp

import (
	"bytes"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"net/url"
	"strings"
	"time"

	"barillet/factors"
)

// maxSecretBytes is the longest key taken from elsewhere: that of HMAC-SHA-512. No app makes a longer one.
const maxSecretBytes = 64

var _ factors.Importer = TOTP{}

// Import implements factors.Importer: text is the otpauth URI that was in the QR code of the other house. The
// algorithm, digits and period must be those of this one, for the phone goes on showing what it shows. Codes of
// steps up to the present one are used up: the other house may have taken them.
func (TOTP) Import(now time.Time, who factors.Subject, text string) (factors.Device, error) {
	u, err := url.Parse(strings.TrimSpace(text))
	if err != nil || !strings.EqualFold(u.Scheme, "otpauth") {
		return factors.Device{}, factors.ImportError("no_otpauth")
	}
	switch strings.ToLower(u.Host) {
	case "totp":
	case "hotp":
		return factors.Device{}, factors.ImportError("hotp")
	default:
		return factors.Device{}, factors.ImportError("no_otpauth")
	}
	given, err := parameters(u.RawQuery)
	if err != nil {
		return factors.Device{}, err
	}
	switch strings.TrimPrefix(strings.ReplaceAll(strings.ToUpper(given["algorithm"]), "-", ""), "HMAC") {
	case "", "SHA1":
	default:
		return factors.Device{}, factors.ImportError("algorithm")
	}
	if d := given["digits"]; d != "" && d != "6" {
		return factors.Device{}, factors.ImportError("digits")
	}
	if p := given["period"]; p != "" && p != "30" {
		return factors.Device{}, factors.ImportError("period")
	}
	key, err := decode(given["secret"])
	if err != nil {
		return factors.Device{}, err
	}
	// RFC 2104 section 2: a key is filled up with zeros, so that those at its end make no other key.
	sum := sha256.Sum256(bytes.TrimRight(key, "\x00"))
	r := record{Secret: key, Account: account(who, nil), Last: stepOf(now)}
	d := factors.Device{Kind: Kind, Name: named(u, given["issuer"], r.Account), Added: now, Unique: base64.RawURLEncoding.EncodeToString(sum[:])}
	return r.write(d)
}

// parameters reads the ones that say what the key is, each at most once; others are passed over.
func parameters(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, factors.ImportError("no_otpauth")
	}
	given := map[string]string{}
	for name, all := range values {
		name = strings.ToLower(name)
		if _, twice := given[name]; twice || len(all) > 1 {
			return nil, factors.ImportError("twice")
		}
		given[name] = strings.TrimSpace(all[0])
	}
	return given, nil
}

// decode reads a key as people and programs write it: base32 with or without padding, blanks and hyphens.
func decode(b32 string) (secret, error) {
	b32 = strings.NewReplacer(" ", "", "-", "").Replace(strings.ToUpper(b32))
	b32 = strings.TrimRight(b32, "=")
	if b32 == "" {
		return nil, factors.ImportError("no_secret")
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(b32)
	switch {
	case err != nil || strings.ContainsAny(b32, "\r\n"): // which the decoder passes over
		return nil, factors.ImportError("base32")
	case len(key) < minSecretBytes:
		return nil, factors.ImportError("short")
	case len(key) > maxSecretBytes:
		return nil, factors.ImportError("long")
	case bytes.Count(key, key[:1]) == len(key):
		return nil, factors.ImportError("weak") // one byte over and over: anybody's first guess
	}
	return key, nil
}

// named is what the person will find the device under: the house that it comes from, as their app shows it.
func named(u *url.URL, issuer, login string) string {
	label, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":")
	for _, name := range []string{issuer, label, login} {
		if name = clean(name, maxIssuer); name != "" {
			return name
		}
	}
	return "otpauth"
}
