package rootkeys

import (
	"slices"
	"time"
)

// maxReplacedKeys limits the older keys of a kind in a key file.
const maxReplacedKeys = 12

// OlderMasters returns the master keys before Master, the last one first. They open a store that was wrapped by one of them, such as
// a restored backup.
func (h Keys) OlderMasters() []Master {
	if h.replaced == nil {
		return nil
	}
	return h.replaced.masters
}

// PasswordPeppers returns the peppers that verify passwords. The first one hashes new passwords.
func (h Keys) PasswordPeppers() []Pepper {
	if h.replaced == nil || len(h.replaced.passwords) == 0 {
		return []Pepper{h.Pepper}
	}
	return h.replaced.passwords
}

// Created returns when the key was made; the zero time if it was made with the store.
func (k Master) Created() time.Time { return k.created }

// Created returns when the key was made; the zero time if it was made with the store.
func (p Pepper) Created() time.Time { return p.key.created }

// MasterOf returns the master key with an id, or the zero value.
func (h Keys) MasterOf(id string) Master {
	for _, k := range append([]Master{h.Master}, h.OlderMasters()...) {
		if k.ID() == id {
			return k
		}
	}
	return Master{}
}

// WithNewMaster returns the keys with a new master key, and the present one as an older one.
func (h Keys) WithNewMaster(now time.Time) Keys {
	return Keys{Master{newKey(), now.UTC().Truncate(time.Second)}, h.Pepper, &replacedKeys{
		masters: append([]Master{h.Master}, h.OlderMasters()...), passwords: h.passwords()}}
}

// WithNewPasswordPepper returns the keys with a new pepper for passwords. It keeps the present ones, unless they were leaked: then no
// present password verifies.
func (h Keys) WithNewPasswordPepper(now time.Time, leaked bool) Keys {
	passwords := []Pepper{newPepper(newKey(), now.UTC().Truncate(time.Second))}
	if !leaked {
		passwords = append(passwords, h.PasswordPeppers()...)
	}
	return Keys{h.Master, h.Pepper, &replacedKeys{h.OlderMasters(), passwords}}
}

// Without returns the keys without an older master key or an older pepper for passwords. It returns false if there is none with
// the id.
func (h Keys) Without(id string) (Keys, bool) {
	masters := slices.DeleteFunc(slices.Clone(h.OlderMasters()), func(k Master) bool { return k.ID() == id })
	passwords := h.passwords()
	if len(passwords) > 1 {
		passwords = append(passwords[:1:1], slices.DeleteFunc(slices.Clone(passwords[1:]), func(p Pepper) bool { return p.ID() == id })...)
	}
	found := len(masters) < len(h.OlderMasters()) || len(passwords) < len(h.passwords())
	return Keys{h.Master, h.Pepper, &replacedKeys{masters, passwords}}, found
}

func (h Keys) passwords() []Pepper {
	if h.replaced == nil {
		return nil
	}
	return h.replaced.passwords
}

// IsFull reports whether the key file has no place for another older key: one must be forgotten first.
func (h Keys) IsFull() bool {
	return len(h.OlderMasters()) >= maxReplacedKeys || len(h.passwords()) > maxReplacedKeys
}
