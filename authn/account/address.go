package account

import (
	"strings"

	"barillet/store"
)

// maxLogin is the longest address in bytes: RFC 5321 section 4.5.3.1.3 leaves 254 within the angle brackets.
const maxLogin = 254

// NormalizeLogin normalises a mail address or sign-in name as it is compared and indexed: outer blanks cut, printable
// ASCII only (a domain in another script comes in punycode), no quoted local part, A–Z lowered. Anything else
// is refused, for folding Unicode makes look-alikes equal (U+212A, the Kelvin sign, lowers to "k").
func NormalizeLogin(typed string) (string, bool) {
	s := strings.Trim(typed, " \t\r\n")
	if s == "" || len(s) > maxLogin {
		return "", false
	}
	b := []byte(s)
	for i, c := range b {
		switch {
		case c < 0x21 || c > 0x7e || strings.IndexByte(`"(),:;<>[\]`, c) >= 0:
			return "", false
		case 'A' <= c && c <= 'Z':
			b[i] = c + 'a' - 'A'
		}
	}
	if len(store.Addresses.Prefix+store.Escape(string(b))) > store.MaxKey {
		return "", false // hundreds of percent signs, which a key holds as three bytes each
	}
	return string(b), true
}

// NormalizeEmail is Address for something that mail can be sent to: one @ with a local part of 1 to 64 bytes
// before it and a dotted or local domain behind it.
func NormalizeEmail(typed string) (string, bool) {
	s, ok := NormalizeLogin(typed)
	if !ok {
		return "", false
	}
	local, domain, found := strings.Cut(s, "@")
	if !found || local == "" || len(local) > 64 || domain == "" || strings.Contains(domain, "@") {
		return "", false
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return "", false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") ||
			strings.ContainsAny(label, "!#$%&'*+/=?^_`{|}~") {
			return "", false
		}
	}
	return s, true
}
