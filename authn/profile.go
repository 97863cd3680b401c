package authn

import (
	"errors"
	"fmt"
	"slices"

	"barillet/store"
)

// UpdateProfile stores a person whose names, addresses or custom members were changed in this run; was is the person as
// loaded. CodeTaken when a new address belongs to somebody; CodeInvalid for what a person cannot be. Every index
// follows. When an address moved, the Epoch rises and every session ends (PROTOCOL 2); when it is the one that
// mail goes to, so do open tickets and the invitation, which lie in the mailbox of before. moved tells of it, the
// caller audits and tells the person. It touches at most 54 keys of the 64 of an Update.
func (w *Tx) UpdateProfile(u *User, was *User) (moved bool, err error) {
	if err := u.check(); err != nil {
		return false, err
	}
	if err := w.moveAddresses(u.ID, was.indexed(), u.indexed()); err != nil {
		return false, err
	}
	if err := w.moveNames(was.nameKeys(), u.nameKeys()); err != nil {
		return false, err
	}
	moved = u.Login != was.Login || u.Email != was.Email || u.SecondEmail != was.SecondEmail
	if moved {
		u.Epoch++
		if _, err := w.RevokeSessions(u, ""); err != nil {
			return false, err
		}
	}
	if u.Email != was.Email {
		if err := w.revokeLinks(u); err != nil {
			return false, err
		}
	}
	return moved, w.Save(u)
}

// moveAddresses lists the person under the new addresses and no longer under the old ones.
func (w *Tx) moveAddresses(id UserID, was, now []string) error {
	for _, a := range now {
		if slices.Contains(was, a) {
			continue
		}
		key := store.Escape(a)
		_, err := w.s.addresses.Get(w.Raw, key)
		switch {
		case err == nil:
			return Refuse(CodeTaken)
		case !errors.Is(err, store.ErrNotFound):
			return fmt.Errorf("looking up an address: %w", err)
		}
		if err := w.s.addresses.Put(w.Raw, key, id); err != nil {
			return fmt.Errorf("storing an address: %w", err)
		}
	}
	for _, a := range was {
		if slices.Contains(now, a) {
			continue
		}
		if err := w.s.addresses.Delete(w.Raw, store.Escape(a)); err != nil {
			return fmt.Errorf("freeing an address: %w", err)
		}
	}
	return nil
}

func (w *Tx) moveNames(was, now []string) error {
	for _, key := range now {
		if slices.Contains(was, key) {
			continue
		}
		if err := w.s.names.Put(w.Raw, key, struct{}{}); err != nil {
			return fmt.Errorf("storing a name: %w", err)
		}
	}
	for _, key := range was {
		if slices.Contains(now, key) {
			continue
		}
		if err := w.s.names.Delete(w.Raw, key); err != nil {
			return fmt.Errorf("forgetting a name: %w", err)
		}
	}
	return nil
}

// revokeLinks ends the tickets and the invitation of a person.
func (w *Tx) revokeLinks(u *User) error {
	for _, t := range u.Tickets {
		if err := w.DeleteLink(t.Link); err != nil {
			return err
		}
	}
	if err := w.DeleteLink(u.Invited.Link); err != nil {
		return err
	}
	u.Tickets, u.Invited = nil, Invitation{}
	return nil
}
