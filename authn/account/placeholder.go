package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"barillet/internal/errcode"
	"barillet/store"
)

// A shadow is a person's record for somebody whom an operator of some garages invited and who is known elsewhere in
// the house already. To that operator it is whom they invited, by every answer (PROTOCOL 21); for everybody else it
// is not there. It has no entry among the addresses and names, so nobody signs in as it, and no mail is sent to it.
// It ends when the operator deletes it, or when the person joins a garage of its.

// maxPlaceholders is how many shadows one address can have; beyond it the oldest is found by its id alone.
const maxPlaceholders = 16

// PlaceholdersFor are the shadows that go by an address, sign-in name or other.
func (r Reader) PlaceholdersFor(address string) ([]User, error) {
	ids, err := r.s.placeholders.Get(r.Raw, store.Escape(address))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("looking up shadows: %w", err)
	}
	var out []User
	for _, id := range ids {
		u, err := r.User(id)
		if errcode.Of(err) == errcode.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// AllLogins are the addresses that are a person's, sign-in name included; a shadow goes by them and is not found by them.
func (u *User) AllLogins() []string {
	plain := *u
	plain.Placeholder = false
	return plain.indexedAddresses()
}

func (tx *Tx) listPlaceholder(u *User) error {
	return tx.updatePlaceholderLists(u, func(ids []UserID) []UserID {
		return append(ids[max(0, len(ids)+1-maxPlaceholders):], u.ID)
	})
}

func (tx *Tx) unlistPlaceholder(u *User) error {
	return tx.updatePlaceholderLists(u, func(ids []UserID) []UserID {
		return slices.DeleteFunc(ids, func(id UserID) bool { return id == u.ID })
	})
}

// updatePlaceholderLists changes the list of every address that the shadow goes by.
func (tx *Tx) updatePlaceholderLists(u *User, change func([]UserID) []UserID) error {
	for _, a := range u.AllLogins() {
		key := store.Escape(a)
		ids, err := tx.s.placeholders.Get(tx.Raw, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("looking up shadows: %w", err)
		}
		if ids = change(ids); len(ids) > 0 {
			err = tx.s.placeholders.Put(tx.Raw, key, ids)
		} else {
			err = tx.s.placeholders.Delete(tx.Raw, key)
		}
		if err != nil {
			return fmt.Errorf("listing a shadow: %w", err)
		}
	}
	return nil
}

// DeletePlaceholders deletes those that stand in one of a person's garages for them. Call it once the person is stored there. Each
// ends in an Update of its own, for there can be many, of twenty garages each. What a crash leaves is seen by whoever
// invited it, until they delete it or the person is made a member once more.
func (s *Service) DeletePlaceholders(ctx context.Context, id UserID) error {
	var found []UserID
	err := s.View(ctx, func(r Reader) (err error) {
		found, err = r.placeholdersInGroupsOf(id)
		return err
	})
	for _, shadow := range found {
		if err != nil {
			break
		}
		_, err = Update(ctx, s, s.NewOperation(RequestInfo{}), func(tx *Tx) (struct{}, error) { return struct{}{}, tx.deletePlaceholder(shadow) })
	}
	if errcode.Of(err) == errcode.NotFound { // the person was deleted meanwhile
		return nil
	}
	return err
}

// placeholdersInGroupsOf are the shadows of a person in a garage that the person is in.
func (r Reader) placeholdersInGroupsOf(id UserID) (found []UserID, err error) {
	u, err := r.User(id)
	if err != nil {
		return nil, err
	}
	for _, a := range u.indexedAddresses() {
		shadows, err := r.PlaceholdersFor(a)
		if err != nil {
			return nil, err
		}
		for i := range shadows {
			beside := slices.ContainsFunc(shadows[i].Groups, func(g GroupID) bool { return slices.Contains(u.Groups, g) })
			if beside && !slices.Contains(found, shadows[i].ID) {
				found = append(found, shadows[i].ID)
			}
		}
	}
	return found, nil
}

// deletePlaceholder deletes one that may be gone by now.
func (tx *Tx) deletePlaceholder(id UserID) error {
	x, err := tx.User(id)
	if errcode.Of(err) == errcode.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	x.Status = StatusDeactivated
	if err := tx.revokeLinks(&x); err != nil {
		return err
	}
	return tx.Delete(&x)
}
