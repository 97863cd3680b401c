package roster

import (
	"context"
	"fmt"
	"slices"
	"sort"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/store"
)

// HolderQuery selects administrators by the roles that they hold.
type HolderQuery struct {
	All        bool              // with a role for all users
	Groups     []account.GroupID // with a role that is limited to groups, one of these among them
	Everywhere bool              // with any role
	MinRank    int               // that one of these roles has
	Filter     func(*account.User) bool
	Limit      int // 0: no limit
}

// Holders returns the selected administrators in the order of their ids; with more than the limit, some of them. It reads no user
// without such a role, except those whose roles are limited to more groups than the index has of one user.
func Holders(ctx context.Context, s *account.Service, q HolderQuery) (found []account.User, err error) {
	scopes := []string{""}
	if !q.Everywhere {
		scopes = nil
		if q.All {
			scopes = append(scopes, index.ScopeAll+"/")
		}
		for _, g := range q.Groups {
			scopes = append(scopes, string(g)+"/", index.ScopeMany+"/")
		}
	}
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		r, seen := s.Reader(snap), map[string]bool{}
		found = nil
		err := index.Scan(store.RoleHolders, snap, scopes, "", func(key string) error {
			rank, id := index.Holder(key)
			if rank < q.MinRank || seen[id] {
				return nil
			}
			seen[id] = true
			u, err := r.User(account.UserID(id))
			if account.Missing(err) {
				return nil
			}
			if err != nil || !q.selects(&u) {
				return err
			}
			if found = append(found, u); len(found) == q.Limit {
				return store.ErrStop
			}
			return nil
		})
		sort.Slice(found, func(i, j int) bool { return found[i].ID < found[j].ID })
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing administrators: %w", err)
	}
	return found, nil
}

// selects reports whether a holder by the index is one by their record.
func (q *HolderQuery) selects(u *account.User) bool {
	return slices.ContainsFunc(u.Active().Roles, func(a account.RoleAssignment) bool {
		return a.Role.Rank() >= q.MinRank && (q.Everywhere || q.All && len(a.Groups) == 0 ||
			slices.ContainsFunc(a.Groups, func(g account.GroupID) bool { return slices.Contains(q.Groups, g) }))
	}) && (q.Filter == nil || q.Filter(u))
}
