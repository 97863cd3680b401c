package account

import (
	"errors"
	"fmt"
	"slices"

	"barillet/internal/errcode"
	"barillet/store"
)

// UpdateProfile stores a person whose names, addresses or custom members were changed in this run; was is the person as
// loaded. Taken when a new address belongs to somebody; Invalid for what a person cannot be. Every index
// follows. When an address moved, the Epoch rises and every session ends (PROTOCOL 2); when it is the one that
// mail goes to, so do open tickets and the invitation, which lie in the mailbox of before. moved tells of it, the
// caller audits and tells the person. It touches at most 54 keys of the 64 of an Update.
func (tx *Tx) UpdateProfile(u *User, was *User) (moved bool, err error) {
	if err := u.validate(); err != nil {
		return false, err
	}
	if err := tx.moveAddresses(u.ID, was.indexedAddresses(), u.indexedAddresses()); err != nil {
		return false, err
	}
	if err := tx.moveNames(was.nameKeys(), u.nameKeys()); err != nil {
		return false, err
	}
	moved = u.Login != was.Login || u.Email != was.Email || u.SecondEmail != was.SecondEmail
	if moved {
		u.Epoch++
		if _, err := tx.RevokeSessions(u, ""); err != nil {
			return false, err
		}
	}
	if u.Email != was.Email {
		if err := tx.revokeLinks(u); err != nil {
			return false, err
		}
	}
	return moved, tx.Save(u)
}

// moveAddresses lists the person under the new addresses and no longer under the old ones.
func (tx *Tx) moveAddresses(id UserID, was, now []string) error {
	for _, a := range now {
		if slices.Contains(was, a) {
			continue
		}
		key := store.Escape(a)
		_, err := tx.s.addresses.Get(tx.Raw, key)
		switch {
		case err == nil:
			return errcode.New(errcode.Taken)
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up an address: %w", err)
		}
		if err := tx.s.addresses.Put(tx.Raw, key, id); err != nil {
			return fmt.Errorf("storing an address: %w", err)
		}
	}
	for _, a := range was {
		if slices.Contains(now, a) {
			continue
		}
		if err := tx.s.addresses.Delete(tx.Raw, store.Escape(a)); err != nil {
			return fmt.Errorf("freeing an address: %w", err)
		}
	}
	return nil
}

func (tx *Tx) moveNames(was, now []string) error {
	for _, key := range now {
		if slices.Contains(was, key) {
			continue
		}
		if err := tx.s.names.Put(tx.Raw, key, struct{}{}); err != nil {
			return fmt.Errorf("storing a name: %w", err)
		}
	}
	for _, key := range was {
		if slices.Contains(now, key) {
			continue
		}
		if err := tx.s.names.Delete(tx.Raw, key); err != nil {
			return fmt.Errorf("forgetting a name: %w", err)
		}
	}
	return nil
}

// revokeLinks ends the tickets and the invitation of a person.
func (tx *Tx) revokeLinks(u *User) error {
	for _, t := range u.Tickets {
		if err := tx.DeleteLink(t.Link); err != nil {
			return err
		}
	}
	if err := tx.DeleteLink(u.Invited.Link); err != nil {
		return err
	}
	u.Tickets, u.Invited = nil, Invitation{}
	return nil
}
