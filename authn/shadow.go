package authn

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"barillet/store"
)

// A shadow is a person's record for somebody whom an operator of some garages invited and who is known elsewhere in
// the house already. To that operator it is whom they invited, by every answer (PROTOCOL 21); for everybody else it
// is not there. It has no entry among the addresses and names, so nobody signs in as it, and no mail is sent to it.
// It ends when the operator deletes it, or when the person joins a garage of its.

// mostShadows is how many shadows one address can have; beyond it the oldest is found by its id alone.
const mostShadows = 16

// ShadowsOf are the shadows that go by an address, sign-in name or other.
func (r Reader) ShadowsOf(address string) ([]User, error) {
	ids, err := r.s.shadows.Get(r.r, store.Escape(address))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, fmt.Errorf("looking up shadows: %w", err)
	}
	var out []User
	for _, id := range ids {
		u, err := r.User(id)
		if CodeOf(err) == CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

// GoesBy are the addresses that are a person's, sign-in name included; a shadow goes by them and is not found by them.
func (u *User) GoesBy() []string {
	plain := *u
	plain.Shadow = false
	return plain.indexed()
}

func (w *Work) listShadow(u *User) error {
	return w.eachShadowList(u, func(ids []UserID) []UserID {
		return append(ids[max(0, len(ids)+1-mostShadows):], u.ID)
	})
}

func (w *Work) unlistShadow(u *User) error {
	return w.eachShadowList(u, func(ids []UserID) []UserID {
		return slices.DeleteFunc(ids, func(id UserID) bool { return id == u.ID })
	})
}

// eachShadowList changes the list of every address that the shadow goes by.
func (w *Work) eachShadowList(u *User, change func([]UserID) []UserID) error {
	for _, a := range u.GoesBy() {
		key := store.Escape(a)
		ids, err := w.s.shadows.Get(w.Tx, key)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("looking up shadows: %w", err)
		}
		if ids = change(ids); len(ids) > 0 {
			err = w.s.shadows.Put(w.Tx, key, ids)
		} else {
			err = w.s.shadows.Delete(w.Tx, key)
		}
		if err != nil {
			return fmt.Errorf("listing a shadow: %w", err)
		}
	}
	return nil
}

// EndShadows deletes those that stand in one of a person's garages for them. Call it once the person is stored there. Each
// ends in an Update of its own, for there can be many, of twenty garages each. What a crash leaves is seen by whoever
// invited it, until they delete it or the person is made a member once more.
func (s *Service) EndShadows(ctx context.Context, id UserID) error {
	var found []UserID
	err := s.View(ctx, func(r Reader) (err error) {
		found, err = r.shadowsBeside(id)
		return err
	})
	for _, shadow := range found {
		if err != nil {
			break
		}
		_, err = Do(ctx, s, s.NewAct(Origin{}), func(w *Work) (struct{}, error) { return struct{}{}, w.endShadow(shadow) })
	}
	if CodeOf(err) == CodeNotFound { // the person was deleted meanwhile
		return nil
	}
	return err
}

// shadowsBeside are the shadows of a person in a garage that the person is in.
func (r Reader) shadowsBeside(id UserID) (found []UserID, err error) {
	u, err := r.User(id)
	if err != nil {
		return nil, err
	}
	for _, a := range u.indexed() {
		shadows, err := r.ShadowsOf(a)
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

// endShadow deletes one that may be gone by now.
func (w *Work) endShadow(id UserID) error {
	x, err := w.User(id)
	if CodeOf(err) == CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	x.Status = StatusGone
	if err := w.dropPapers(&x); err != nil {
		return err
	}
	return w.Delete(&x)
}
