package account

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/store"
)

// AddToGroup makes a person, loaded in this run, a member of a garage; joined is false for whoever was one. The caller
// audits and saves, and calls DeletePlaceholders afterwards. NotFound: no such garage. Invalid: the person is in as many
// as there may be.
func (tx *Tx) AddToGroup(u *User, id GroupID) (joined bool, err error) {
	if _, err := tx.Group(id); err != nil || slices.Contains(u.Groups, id) {
		return false, err
	}
	if len(u.Groups) >= maxGroups {
		return false, errcode.InvalidField("groupIds", "too_many")
	}
	u.Groups = append(slices.Clone(u.Groups), id)
	if err := tx.s.members.Put(tx.Raw, string(id)+"/"+string(u.ID), struct{}{}); err != nil {
		return false, fmt.Errorf("storing a membership: %w", err)
	}
	return true, nil
}

// RemoveFromGroup takes a person, loaded in this run, out of a garage, be it there or not; left is false for whoever was
// not in it. Roles stay as they are: one that is limited to a garage is not limited to what its holder belongs to.
// The caller saves.
func (tx *Tx) RemoveFromGroup(u *User, id GroupID) (left bool, err error) {
	at := slices.Index(u.Groups, id)
	if at < 0 {
		return false, nil
	}
	u.Groups = slices.Delete(slices.Clone(u.Groups), at, at+1)
	if err := tx.s.members.Delete(tx.Raw, string(id)+"/"+string(u.ID)); err != nil {
		return false, fmt.Errorf("ending a membership: %w", err)
	}
	return true, nil
}

// maxRemovedAtOnce is how many people one Update takes out of a deleted garage: three keys each, of 64.
const maxRemovedAtOnce = 16

// EmptyGroup takes everybody out of a deleted garage. It can be broken off at any point and begun again. Nobody
// joins meanwhile, for Join finds the mark. Roles and tokens that are limited to the garage keep its id, which is
// nobody's: without it they would be for everybody.
func (s *Service) EmptyGroup(ctx context.Context, id GroupID) error {
	for {
		var ids []UserID
		err := s.Store.View(ctx, func(snap store.Snapshot) error {
			ids = nil
			return s.members.Scan(snap, string(id)+"/", "", maxRemovedAtOnce, func(key string, _ struct{}) error {
				ids = append(ids, UserID(key[strings.LastIndexByte(key, '/')+1:]))
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("looking for the members of deleted group %q: %w", id, err)
		}
		_, err = Update(ctx, s, s.NewOperation(RequestInfo{}), func(tx *Tx) (struct{}, error) { return struct{}{}, tx.emptyGroup(id, ids) })
		if err != nil {
			return fmt.Errorf("sweeping deleted group %q: %w", id, err)
		}
		if len(ids) == 0 {
			return nil
		}
	}
}

// emptyGroup takes these out of a deleted garage; with none left it is swept.
func (tx *Tx) emptyGroup(id GroupID, members []UserID) error {
	g, err := tx.s.groups.Get(tx.Raw, string(id))
	if err != nil {
		return fmt.Errorf("loading group %q: %w", id, err)
	}
	if g.Deleted.IsZero() {
		return fmt.Errorf("group %q is not deleted", id)
	}
	if len(members) == 0 {
		g.Emptied = true
		return tx.putGroup(&g)
	}
	for _, uid := range members {
		u, err := tx.User(uid)
		if errcode.Of(err) == errcode.NotFound {
			continue // deleted since it was listed, with every membership
		}
		if err != nil {
			return err
		}
		left, err := tx.RemoveFromGroup(&u, id)
		if err != nil {
			return err
		}
		if !left { // gone since it was listed
			continue
		}
		if err := tx.Save(&u); err != nil {
			return err
		}
	}
	return nil
}

// emptyDeletedGroups goes on with whatever deleted garage still has members.
func (s *Service) emptyDeletedGroups(ctx context.Context) error {
	var unfinished []GroupID
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		unfinished = nil
		return s.groups.Scan(snap, "", "", 0, func(_ string, g Group) error {
			if !g.Deleted.IsZero() && !g.Emptied {
				unfinished = append(unfinished, g.ID)
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("looking for deleted groups: %w", err)
	}
	for _, id := range unfinished {
		if err := s.EmptyGroup(ctx, id); err != nil {
			return err
		}
	}
	return nil
}
