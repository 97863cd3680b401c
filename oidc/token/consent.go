package token

import (
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/oidc/client"
	"barillet/store"
)

// Consent is what a user once allowed a client, stored below "<user>/<client>". It outlives the grants.
type Consent struct {
	Scopes  []string  `json:"scopes"`
	Created time.Time `json:"created"` // of the first consent
}

func consentID(u account.UserID, c client.ID) string { return string(u) + "/" + string(c) }

// Consent loads the consent of a user to a client, and reports whether there is one.
func (s *Service) Consent(r store.Reader, u account.UserID, c client.ID) (Consent, bool, error) {
	given, err := s.consents.Get(r, consentID(u, c))
	there, err := store.Found(err)
	return given, there, err
}

// AddConsent adds scopes to the consent of a user to a client.
func (s *Service) AddConsent(tx store.Tx, now time.Time, u account.UserID, c client.ID, scopes []string) error {
	given, there, err := s.Consent(tx, u, c)
	if err != nil {
		return err
	}
	if there {
		given.Scopes = slices.Compact(slices.Sorted(slices.Values(slices.Concat(given.Scopes, scopes))))
	} else {
		given = Consent{Scopes: scopes, Created: now}
	}
	return s.consents.Put(tx, consentID(u, c), given)
}
