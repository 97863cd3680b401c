package oath

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"barillet/factors"
)

// The longest parts of a label, in characters. The QR code holds the whole label even if every character is escaped.
const (
	maxIssuer = 40
	maxLogin  = 254
	maxName   = 20
)

// Account returns the account part of a new secret's label. Apps replace an entry of the same issuer and account. That
// is wanted after a reset, but not for a second secret on one phone. So Account returns the bare login if it is free,
// then the login with the device's name, then with a number.
func Account(subject factors.Subject, taken map[string]bool) string {
	login := clean(subject.Login, maxLogin)
	if !taken[login] {
		return login
	}
	if name := clean(subject.Device, maxName); name != "" && !taken[login+" ("+name+")"] {
		return login + " (" + name + ")"
	}
	for n := 2; ; n++ {
		if a := login + " (" + strconv.Itoa(n) + ")"; !taken[a] {
			return a
		}
	}
}

// URI returns the secret in the form that authenticator apps read. kind is "totp" or "hotp"; more is appended to the
// query. The algorithm, the digits and the period have their defaults and are left out: some apps reject them, and the
// QR code is smaller. URI does not use url.Values, which writes a blank as "+", as apps then show it.
func URI(kind, issuer, account string, s Secret, more string) string {
	issuer = clean(issuer, maxIssuer)
	if issuer == "" {
		return "otpauth://" + kind + "/" + escape(account) + "?secret=" + s.Base32() + more
	}
	return "otpauth://" + kind + "/" + escape(issuer) + ":" + escape(account) + "?secret=" + s.Base32() + "&issuer=" + escape(issuer) + more
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// clean returns s as it may stand in a label: without colons, which separate issuer and account, without unprintable
// characters, and at most limit characters long.
func clean(s string, limit int) string {
	s = strings.Map(func(c rune) rune {
		switch {
		case c == ':' || c == unicode.ReplacementChar:
			return -1
		case unicode.IsSpace(c):
			return ' '
		case !unicode.IsPrint(c):
			return -1
		}
		return c
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > limit {
		s = strings.TrimSpace(string(r[:limit]))
	}
	return s
}
