package client

import (
	"slices"

	"barillet/authn"
)

// The levels of assurance that acr names, weakest first. Every session of ours has a password and a second factor
// behind it, so there is none below the first. "phr" is of the OpenID Connect Extended Authentication Profile.
const (
	LevelTwoFactor         = "urn:barillet:acr:aal2" // NIST SP 800-63B AAL2
	LevelPhishingResistant = "phr"                   // AAL2 that withstands phishing: a security key
)

func Levels() []string { return []string{LevelTwoFactor, LevelPhishingResistant} }

// LevelOf is what was proven in a session.
func LevelOf(b *authn.Bearer) string {
	if b.PhishingResistant() {
		return LevelPhishingResistant
	}
	return LevelTwoFactor
}

// Reaches tells whether one level is at least another; no unknown one is reached.
func Reaches(have, want string) bool {
	return slices.Contains(Levels(), want) && slices.Index(Levels(), have) >= slices.Index(Levels(), want)
}
