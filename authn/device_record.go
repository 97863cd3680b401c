package authn

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/factors"
	"barillet/internal/audit"
	"barillet/store"
)

// auditDevice writes down what the person did to one of their devices.
func (tx *Tx) auditDevice(u *User, action string, d factors.Device) error {
	return tx.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: string(u.ID), Name: u.Login},
		Subject: string(u.ID), SubjectName: u.Login, Action: action, Outcome: audit.Success,
		Targets: []audit.Actor{{Type: audit.TypeDevice, ID: string(d.ID), Name: d.Name}},
		Detail:  map[string]string{"kind": string(d.Kind)}})
}

// takeUnique reserves what no two devices of the house may share, such as a credential id (L3 section 7.1, step 26).
func (tx *Tx) takeUnique(id UserID, unique string) error {
	if unique == "" {
		return nil
	}
	key := uniqueKey(unique)
	_, err := tx.s.uniques.Get(tx.Raw, key)
	switch {
	case err == nil:
		return Refuse(CodeTaken)
	case !errors.Is(err, store.ErrNotFound):
		return fmt.Errorf("looking up a credential: %w", err)
	}
	if err := tx.s.uniques.Put(tx.Raw, key, id); err != nil {
		return fmt.Errorf("reserving a credential: %w", err)
	}
	return nil
}

func uniqueKey(unique string) string { return SecretOf(unique).Hash() }

// dropUnique frees what a removed device held.
func (tx *Tx) dropUnique(d factors.Device) error {
	if d.Unique == "" {
		return nil
	}
	if err := tx.s.uniques.Delete(tx.Raw, uniqueKey(d.Unique)); err != nil {
		return fmt.Errorf("freeing a credential: %w", err)
	}
	return nil
}

// DeviceName judges what a person calls a device: 1 to 64 characters without control characters; "" only
// where it may be left open.
func DeviceName(typed string, open bool) (string, error) {
	name := strings.TrimSpace(typed)
	switch {
	case name == "" && open:
		return "", nil
	case name == "":
		return "", Invalid("name", "empty")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }):
		return "", Invalid("name", "control")
	case utf8.RuneCountInString(name) > MaxName:
		return "", Invalid("name", "too_long")
	}
	return name, nil
}
