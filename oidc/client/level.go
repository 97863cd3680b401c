package client

import (
	"slices"

	"barillet/authn/session"
)

// The levels of assurance that acr names, weakest first. Every session has a password and a second factor. "phr" is
// defined by the OpenID Connect Extended Authentication Profile.
const (
	LevelTwoFactor         = "urn:barillet:acr:aal2" // AAL2 of NIST SP 800-63B-4
	LevelPhishingResistant = "phr"                   // AAL2 by a phishing-resistant device
)

func Levels() []string { return []string{LevelTwoFactor, LevelPhishingResistant} }

// LevelOf returns the level of a session.
func LevelOf(b *session.Info) string {
	if b.PhishingResistant() {
		return LevelPhishingResistant
	}
	return LevelTwoFactor
}

// Reaches reports whether a level is at least another. An unknown level is never reached.
func Reaches(have, want string) bool {
	return slices.Contains(Levels(), want) && slices.Index(Levels(), have) >= slices.Index(Levels(), want)
}
