package roster

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/store"
)

// Holding is an administrator with the roles that they hold in one place.
type Holding struct {
	User  account.User
	Group account.GroupID // "": all users, or with Many the groups of Roles
	Many  bool            // the user holds roles for more groups than the index has of one user
	Roles []account.RoleAssignment
}

// HoldingQuery selects holdings. The zero value selects all: those for all users first, then by group.
type HoldingQuery struct {
	Group account.GroupID // of this group only; "": all
	Role  account.Role    // with this role only; "": any
	After string          // cursor of an earlier call
	Limit int             // 1 to 200; 0 means 200
}

// Holdings returns a page of the holdings by the index of roles. next is the cursor of the next page; "" at the end. A page is short
// if a condition leaves out more than store.PageReads holdings. The record of a user whose roles are all lower than Role is not read.
func Holdings(ctx context.Context, s *account.Service, q HoldingQuery) (found []Holding, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	scopes := []string{""}
	if q.Group != "" {
		scopes = []string{string(q.Group) + "/", index.ScopeMany + "/"}
	}
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		r, read, last := s.Reader(snap), 0, ""
		found, next = nil, ""
		return index.Scan(store.RoleHolders, snap, scopes, q.After, func(key string) error {
			if read++; len(found) == q.Limit || read > store.PageReads {
				next = last
				return store.ErrStop
			}
			last = key
			rank, id := index.Holder(key)
			if rank < q.Role.Rank() {
				return nil
			}
			u, err := r.User(account.UserID(id))
			if account.Missing(err) {
				return nil
			}
			if err != nil {
				return err
			}
			if h := holding(u, index.HolderScope(key)); q.selects(&h) {
				found = append(found, h)
			}
			return nil
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing role assignments: %w", err)
	}
	return found, next, nil
}

// holding returns the roles of a user in a scope of the index.
func holding(u account.User, scope string) Holding {
	h := Holding{User: u, Many: scope == index.ScopeMany}
	if scope != index.ScopeAll && !h.Many {
		h.Group = account.GroupID(scope)
	}
	for _, a := range u.Roles {
		if scope == index.ScopeAll && len(a.Groups) == 0 || h.Many && len(a.Groups) > 0 || slices.Contains(a.Groups, account.GroupID(scope)) {
			h.Roles = append(h.Roles, a)
		}
	}
	return h
}

// selects reports whether the query selects a holding. It leaves out those that the record of the user lacks.
func (q *HoldingQuery) selects(h *Holding) bool {
	return slices.ContainsFunc(h.Roles, func(a account.RoleAssignment) bool {
		return (q.Role == "" || a.Role == q.Role) && (q.Group == "" || slices.Contains(a.Groups, q.Group))
	})
}
