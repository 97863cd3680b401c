package account

import (
	"encoding/base64"
	"errors"
	"fmt"

	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

// ReserveUnique reserves a value that only one device may have, such as a credential id (WebAuthn L3 §7.1 step 26). It returns
// Taken if another device has the value.
func (tx *Tx) ReserveUnique(id UserID, unique string) error {
	if unique == "" {
		return nil
	}
	key := uniqueKey(unique)
	_, err := tx.s.uniques.Get(tx.Raw, key)
	switch {
	case err == nil:
		return errcode.New(errcode.Taken)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("looking up a credential: %w", err)
	}
	if err := tx.s.uniques.Put(tx.Raw, key, id); err != nil {
		return fmt.Errorf("reserving a credential: %w", err)
	}
	return nil
}

func uniqueKey(unique string) string { return secret.From(unique).Hash() }

// ReleaseUnique releases the value of a removed device.
func (tx *Tx) ReleaseUnique(d factors.Device) error {
	if d.Unique == "" {
		return nil
	}
	if err := tx.s.uniques.Delete(tx.Raw, uniqueKey(d.Unique)); err != nil {
		return fmt.Errorf("releasing a credential: %w", err)
	}
	return nil
}

// UniqueSecret returns the value by which a secret that came from outside is recognised: an HMAC under the pepper, so that
// the store does not disclose it. At most one user has a secret.
func (s *Service) UniqueSecret(digest string) string {
	return "key:" + base64.RawURLEncoding.EncodeToString(s.Pepper.MAC("imported key", []byte(digest)))
}
