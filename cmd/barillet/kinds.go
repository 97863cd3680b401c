package main

import (
	"barillet/factors"
	"barillet/factors/hotp"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
)

// kinds returns the kinds of second factor, in the order in which the pages offer them. A kind is added here, and its
// page and words in package templates. keys may be nil, and mac too, if no ceremony takes place.
func kinds(keys *webauthn.WebAuthn, mac func(purpose string, parts ...[]byte) []byte) []factors.Factor {
	return []factors.Factor{
		totp.TOTP{},
		keys,
		hotp.HOTP{},
		recovery.Recovery{MAC: mac},
	}
}
