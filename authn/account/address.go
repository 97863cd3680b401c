package account

import (
	"cmp"
	"strings"

	"barillet/internal/input"
	"barillet/store"
)

// maxLogin is the maximum length of a login or an email address in bytes (RFC 5321 §4.5.3.1.3, without the angle brackets).
const maxLogin = 254

// NormalizeLogin returns the form in which a login or an email address is compared and indexed: without outer blanks and
// characters that cannot be seen, in lower case, printable ASCII only, without a quoted local part. A domain in another
// script becomes punycode. NormalizeLogin returns false for other text, because Unicode case folding makes different names
// equal: U+212A, the Kelvin sign, becomes "k".
func NormalizeLogin(typed string) (string, bool) {
	if len(typed) > 8*maxLogin { // too long in every form, so it is not processed
		return "", false
	}
	s := input.Address(typed)
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		domain, ok := input.Domain(s[at+1:])
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
	if len(store.Placeholders.Prefix+store.Escape(string(b))) > store.MaxKey { // the longest prefix of a key with an address
		return "", false
	}
	return string(b), true
}

// NormalizeEmail is NormalizeLogin for an address that can receive email: a local part of 1 to 64 bytes, one @ and a
// domain. The domain may be a single label.
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

// Given contains a login and addresses as they were given, where this differs from the normalized form. The service compares
// and sends to the normalized form, and shows this one.
type Given struct {
	Login       string `json:"login,omitempty"`
	Email       string `json:"email,omitempty"`
	SecondEmail string `json:"secondEmail,omitempty"`
}

// SetLogin sets the login. It returns false, and an empty login, if the text is none.
func (u *User) SetLogin(typed string) (ok bool) {
	u.Login, ok = NormalizeLogin(typed)
	u.Given.Login = given(typed, u.Login)
	return ok
}

// SetEmail sets the primary address. It returns false, and an empty address, if the text is none.
func (u *User) SetEmail(typed string) (ok bool) {
	u.Email, ok = NormalizeEmail(typed)
	u.Given.Email = given(typed, u.Email)
	return ok
}

// SetSecondEmail sets the second address; an empty text removes it. It returns false if the text is none.
func (u *User) SetSecondEmail(typed string) (ok bool) {
	if typed == "" {
		u.SecondEmail, u.Given.SecondEmail = "", ""
		return true
	}
	u.SecondEmail, ok = NormalizeEmail(typed)
	u.Given.SecondEmail = given(typed, u.SecondEmail)
	return ok
}

// given returns the text of Given for an address.
func given(typed, normalized string) string {
	if shown := input.Address(typed); normalized != "" && shown != normalized {
		return shown
	}
	return ""
}

// AsGiven returns the login and the addresses as they were given.
func (u *User) AsGiven() Given {
	return Given{cmp.Or(u.Given.Login, u.Login), cmp.Or(u.Given.Email, u.Email), cmp.Or(u.Given.SecondEmail, u.SecondEmail)}
}
