package input

import "strings"

// maxLogin is the maximum length of a login or an email address in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
const maxLogin = 254

// Login returns the form in which a login or an email address is compared and indexed: without outer blanks and
// characters that cannot be seen, in lower case, printable ASCII only, without a quoted local part. A domain in another
// script becomes punycode. Login returns false for other text, because Unicode case folding makes different names
// equal: U+212A, the Kelvin sign, becomes "k".
func Login(typed string) (string, bool) {
	if len(typed) > 8*maxLogin { // too long in every form, so it is not processed
		return "", false
	}
	s := Address(typed)
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		domain, ok := Domain(s[at+1:])
		if !ok {
			return "", false
		}
		s = s[:at+1] + domain
	}
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
	return string(b), true
}

// Email is Login for an address that can receive email: a local part of 1 to 64 bytes, one @ and a
// domain. The domain may be a single label.
func Email(typed string) (string, bool) {
	s, ok := Login(typed)
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
