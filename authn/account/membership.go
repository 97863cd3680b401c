package account

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/store"
)

// AddToGroup adds a user, loaded in this transaction, to a group. joined is false if the user is a member already. It returns
// NotFound if there is no such group, and Invalid if the user has the maximum number of groups. The caller audits and
// saves the user, and calls DeletePlaceholders after the Update.
func (tx *Tx) AddToGroup(u *User, id GroupID) (joined bool, err error) {
	if _, err := tx.Group(id); err != nil || slices.Contains(u.Groups, id) {
		return false, err
	}
	if len(u.Groups) >= maxGroups {
		return false, errcode.InvalidField("groupIds", "too_many")
	}
	u.Groups, u.Joins = append(slices.Clone(u.Groups), id), u.Joins.Add(string(id), tx.Op.Now)
	if err := tx.s.members.Put(tx.Raw, string(id)+"/"+string(u.ID)); err != nil {
		return false, fmt.Errorf("storing a membership: %w", err)
	}
	return true, nil
}

// RemoveFromGroup removes a user, loaded in this transaction, from a group, which may be deleted. left is false if the user
// is not a member. Role assignments do not change. The caller saves the user.
func (tx *Tx) RemoveFromGroup(u *User, id GroupID) (left bool, err error) {
	at := slices.Index(u.Groups, id)
	if at < 0 {
		return false, nil
	}
	u.Groups = slices.Delete(slices.Clone(u.Groups), at, at+1)
	if err := tx.s.members.Delete(tx.Raw, string(id)+"/"+string(u.ID)); err != nil {
		return false, fmt.Errorf("deleting a membership: %w", err)
	}
	return true, nil
}

// maxRemovedAtOnce is the maximum number of members that one Update removes from a deleted group. Each needs five of the
// 96 keys of an Update.
const maxRemovedAtOnce = 16

// EmptyAtOnce is how many Updates a request spends on the members of a group that it deletes; a sweep removes the others.
const EmptyAtOnce = 8

// EmptyGroup removes the members of a deleted group, in at most this many Updates (0: no limit), and calls pause after each. It can be
// interrupted at any point and repeated. AddToGroup finds no
// deleted group, so no member is added meanwhile. Role assignments and API tokens keep the id of the group: without it they
// would apply to all groups.
func (s *Service) EmptyGroup(ctx context.Context, id GroupID, updates int, pause func()) error {
	for n := 0; updates == 0 || n < updates; n++ {
		var ids []UserID
		err := s.Store.View(ctx, func(snap store.Snapshot) error {
			ids = nil
			return s.members.Scan(snap, string(id)+"/", "", 0, func(key string) error {
				if len(ids) == maxRemovedAtOnce {
					return store.ErrStop
				}
				ids = append(ids, UserID(key[strings.LastIndexByte(key, '/')+1:]))
				return nil
			})
		})
		if err != nil {
			return fmt.Errorf("listing members of deleted group %q: %w", id, err)
		}
		_, err = Update(ctx, s, s.NewOperation(RequestInfo{}), func(tx *Tx) (struct{}, error) { return struct{}{}, tx.emptyGroup(id, ids) })
		if err != nil {
			return fmt.Errorf("emptying deleted group %q: %w", id, err)
		}
		if len(ids) == 0 {
			return nil
		}
		pause()
	}
	return nil
}

// emptyGroup removes the members from a deleted group. If there are none, it marks the group as emptied.
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
		left := false
		u, err := tx.User(uid)
		if err == nil {
			left, err = tx.RemoveFromGroup(&u, id)
		}
		switch {
		case err == nil && left:
			err = tx.Save(&u)
		case err == nil, Missing(err): // the user has left or was deleted since the members were listed, is damaged, or the entry is wrong
			err = tx.s.members.Delete(tx.Raw, string(id)+"/"+string(uid))
		}
		if err != nil {
			return fmt.Errorf("removing a member of a deleted group: %w", err)
		}
	}
	return nil
}

// MemberIDs returns the ids of the users who are listed in the groups, without reading the users. A member of two groups is there twice.
// If there are more than limit, it returns at least limit+1 of them.
func (r Reader) MemberIDs(snap store.Snapshot, groups []GroupID, limit int) ([]string, error) {
	ids := []string{}
	for _, g := range groups {
		if _, err := r.Group(g); Missing(err) { // a deleted group means no users
			continue
		} else if err != nil {
			return nil, err
		}
		if err := r.s.members.Scan(snap, string(g)+"/", "", 0, func(id string) error {
			if ids = append(ids, id[len(g)+1:]); len(ids) > limit {
				return store.ErrStop
			}
			return nil
		}); err != nil {
			return nil, fmt.Errorf("listing members of group %q: %w", g, err)
		}
	}
	return ids, nil
}
