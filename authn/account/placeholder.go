package account

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"barillet/internal/errcode"
	"barillet/store"
)

// A placeholder account hides from a scoped administrator that an address already exists elsewhere (protocol rule 21). The
// administrator sees it as the user whom they invited; no other principal sees it. It has no index entry, so that nobody can
// sign in to it, and no email is sent to it. It ends when the administrator deletes it, or when the user is added to one of
// its groups.

// maxPlaceholders is the maximum number of placeholders that can be found by one address. Older ones can be found only by id.
const maxPlaceholders = 16

// PlaceholdersFor returns the placeholders of an address, which may be a login.
func (r Reader) PlaceholdersFor(address string) ([]User, error) {
	ids, err := r.s.placeholders.Get(r.Raw, store.Escape(address))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("looking up placeholders: %w", err)
	}
	var out []User
	for _, id := range ids {
		u, err := r.User(id)
		if Missing(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// AllLogins returns the login and the addresses of the user, also those of a placeholder.
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

// updatePlaceholderLists changes the list of placeholders of each address of u.
func (tx *Tx) updatePlaceholderLists(u *User, change func([]UserID) []UserID) error {
	for _, a := range u.AllLogins() {
		key := store.Escape(a)
		ids, err := tx.s.placeholders.Get(tx.Raw, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("looking up placeholders: %w", err)
		}
		if ids = change(ids); len(ids) > 0 {
			err = tx.s.placeholders.Put(tx.Raw, key, ids)
		} else {
			err = tx.s.placeholders.Delete(tx.Raw, key)
		}
		if err != nil {
			return fmt.Errorf("storing placeholders: %w", err)
		}
	}
	return nil
}

// DeletePlaceholders deletes the placeholders of the user in the groups that the user is in, or in all. Call it after the Update that adds
// the user to a group, and before the one that deletes the user. It deletes each in its own Update, because a placeholder may have twenty groups. If it is interrupted, a
// placeholder stays until its administrator deletes it or the user is added to a group again.
func (s *Service) DeletePlaceholders(ctx context.Context, id UserID, all bool) error {
	var found []UserID
	err := s.View(ctx, func(r Reader) (err error) {
		found, err = r.placeholdersInGroupsOf(id, all)
		return err
	})
	for _, placeholder := range found {
		if err != nil {
			break
		}
		_, err = Update(ctx, s, s.NewOperation(RequestInfo{}), func(tx *Tx) (struct{}, error) { return struct{}{}, tx.deletePlaceholder(placeholder) })
	}
	if errcode.Of(err) == errcode.NotFound { // the user was deleted meanwhile
		return nil
	}
	return err
}

// placeholdersInGroupsOf returns the placeholders of a user that have a group of the user, or all.
func (r Reader) placeholdersInGroupsOf(id UserID, all bool) (found []UserID, err error) {
	u, err := r.User(id)
	if err != nil {
		return nil, err
	}
	for _, a := range u.indexedAddresses() {
		placeholders, err := r.PlaceholdersFor(a)
		if err != nil {
			return nil, err
		}
		for i := range placeholders {
			common := all || slices.ContainsFunc(placeholders[i].Groups, func(g GroupID) bool { return slices.Contains(u.Groups, g) })
			if common && !slices.Contains(found, placeholders[i].ID) {
				found = append(found, placeholders[i].ID)
			}
		}
	}
	return found, nil
}

// deletePlaceholder deletes a placeholder, if it still exists.
func (tx *Tx) deletePlaceholder(id UserID) error {
	u, err := tx.User(id)
	if errcode.Of(err) == errcode.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	u.Status = StatusDeactivated
	if err := tx.revokeLinks(&u); err != nil {
		return err
	}
	return tx.Delete(&u)
}
