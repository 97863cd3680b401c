package totp

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"

	"barillet/factors"
)

// The longest parts of a label, in characters: with every one of them escaped, the QR code still holds the whole.
const (
	maxIssuer = 40
	maxLogin  = 254
	maxName   = 20
)

// account is the account part of a new key's label. Apps replace an entry of the same issuer and account, which
// is wanted after a reset and unwanted for a second key on one phone: so the bare login as long as it is free,
// then the login with the device's name, then with a number.
func account(who factors.Subject, taken map[string]bool) string {
	login := clean(who.Login, maxLogin)
	if !taken[login] {
		return login
	}
	if name := clean(who.Device, maxName); name != "" && !taken[login+" ("+name+")"] {
		return login + " (" + name + ")"
	}
	for n := 2; ; n++ {
		if a := login + " (" + strconv.Itoa(n) + ")"; !taken[a] {
			return a
		}
	}
}

// uri is the key in the form that authenticator apps read. Algorithm, digits and period are the defaults and are
// left out: some apps stumble over them, and the QR code is smaller. It is built here because url.Values and the
// library write a blank as "+", which apps show as such, and leave "&" alone in the path, which cuts the issuer.
func uri(issuer, account, b32 string) string {
	issuer = clean(issuer, maxIssuer)
	if issuer == "" {
		return "otpauth://totp/" + escape(account) + "?secret=" + b32
	}
	return "otpauth://totp/" + escape(issuer) + ":" + escape(account) + "?secret=" + b32 + "&issuer=" + escape(issuer)
}

func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// clean makes a text fit for a label: no colon, which parts issuer from account, nothing unprintable, no more
// than limit characters.
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

// grouped cuts a key into fours.
func grouped(b32 string) string {
	var out strings.Builder
	for i, c := range b32 {
		if i > 0 && i%4 == 0 {
			out.WriteByte(' ')
		}
		out.WriteRune(c)
	}
	return out.String()
}
