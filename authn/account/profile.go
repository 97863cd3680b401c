package account

import (
	"errors"
	"fmt"
	"slices"

	"barillet/internal/errcode"
	"barillet/store"
)

// UpdateProfile stores a user whose names, addresses or custom members changed, with their index entries. was is the user as
// loaded in this transaction. It returns Taken if another user has a new address, and Invalid if a field is wrong.
//
// If an address changed, the epoch rises and every session ends (protocol rule 2). If it is the primary address, tickets and the
// invitation end too, because the old mailbox contains their links. The caller audits and notifies the user. UpdateProfile touches
// at most 86 of the 96 keys of an Update.
func (tx *Tx) UpdateProfile(u *User, was *User) error {
	if err := u.validate(); err != nil {
		return err
	}
	if err := tx.moveAddresses(u.ID, was.indexedAddresses(), u.indexedAddresses()); err != nil {
		return err
	}
	if err := tx.moveKeys(tx.s.names, was.nameKeys(), u.nameKeys()); err != nil {
		return err
	}
	if u.Login != was.Login || u.Email != was.Email || u.SecondEmail != was.SecondEmail {
		u.Epoch++
		if _, err := tx.RevokeSessions(u, ""); err != nil {
			return err
		}
	}
	if u.Email != was.Email {
		if err := tx.revokeLinks(u); err != nil {
			return err
		}
	}
	return tx.Save(u)
}

// moveAddresses replaces the address index entries of a user.
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
			return fmt.Errorf("deleting an address: %w", err)
		}
	}
	return nil
}

// revokeLinks ends the tickets and the invitation of a user.
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
