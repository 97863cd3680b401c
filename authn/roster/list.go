// Package roster lists users and administrators by the indexes of package account, so that no call reads every user. It also
// compares the indexes with the users.
package roster

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/authn/account/index"
	"barillet/store"
)

// UserQuery selects users. The zero value selects all except placeholders, in the order of their ids. Users reads the users of
// one condition only: of IDs, Role, Group, AtRisk, Statuses or Devices, Scope and Prefix the first that is set. A Prefix of three
// characters comes before AtRisk, Statuses and Devices if there is no Scope.
type UserQuery struct {
	IDs               []account.UserID         // these users only; nil: all
	Prefix            string                   // start of a word of a name, login or address, as input.Words compares it
	Group             account.GroupID          // members of this group only
	Scope             []account.GroupID        // users all of whose groups are these only, the members of one group after another; nil: all
	Statuses          []account.Status         // with one of these display statuses; nil: any
	Devices           []int                    // with so many usable primary devices, up to MaxDevices; nil: any number
	Role              account.Role             // with this role; "": any user
	AtRisk            bool                     // active, with at most one usable primary device
	Visible           func(*account.User) bool // users whom the caller may know of; nil: all but placeholders
	Filter            func(account.User) bool  // additional condition; nil: none
	WithDisplayStatus bool                     // set User.DisplayStatus, before Filter is called
	After             string                   // cursor of an earlier call
	Seal              func(string) string      // seals a cursor that can be of a user who is not visible; nil: such a cursor is as it is
	Limit             int                      // 1 to 200; 0 means 200
}

// MaxDevices is the largest number in UserQuery.Devices. It means as many or more.
const MaxDevices = index.MaxDevices

// maxVisible is the maximum of visible users whom one call of Users reads before it returns what it found, with a cursor. Neither page
// nor cursor depends on others (protocol rule 21), unless more than half of store.PageReads users in a row are not visible.
const maxVisible = store.PageReads / 2

// Users returns the selected users. next is the cursor of the next page; "" at the end.
func Users(ctx context.Context, s *account.Service, q UserQuery) (users []account.User, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		w := walk{s: s, r: s.Reader(snap), snap: snap, q: q, now: s.Now()}
		users, next = nil, ""
		seen, last := 0, ""
		w.visit = func(cursor string, u account.User) error {
			if q.Visible == nil && u.Placeholder || q.Visible != nil && !q.Visible(&u) {
				return nil
			}
			if seen++; len(users) == q.Limit || seen > maxVisible {
				next = last
				return store.ErrStop
			}
			last = cursor
			selected, err := w.selects(&u)
			if selected {
				users = append(users, u)
			}
			return err
		}
		stopped, err := w.run()
		if next == "" && stopped != "" {
			if next = stopped; q.Seal != nil {
				next = q.Seal(stopped)
			}
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing users: %w", err)
	}
	return users, next, nil
}

// selects reports whether the query selects a user, apart from Group, Scope and Visible. It sets the display status. Whether an active
// user is locked out is a record of its own, so selects reads it last.
func (w *walk) selects(u *account.User) (bool, error) {
	q := &w.q
	if (q.IDs != nil && !slices.Contains(q.IDs, u.ID)) ||
		(q.Group != "" && !slices.Contains(u.Groups, q.Group)) ||
		(q.Statuses != nil && !slices.ContainsFunc(q.Statuses, func(s account.Status) bool { return u.Status == stored(s) })) ||
		(q.Devices != nil && !slices.Contains(q.Devices, min(w.s.CountPrimary(u), MaxDevices))) ||
		(q.Role != "" && !slices.ContainsFunc(u.Roles, func(a account.RoleAssignment) bool { return a.Role == q.Role })) ||
		(q.AtRisk && (u.Status != account.StatusActive || w.s.CountPrimary(u) > 1)) ||
		(q.source() != byName && !u.MatchesPrefix(q.Prefix)) {
		return false, nil
	}
	if q.WithDisplayStatus || q.Statuses != nil {
		var err error
		if u.DisplayStatus, err = w.r.DisplayStatus(u, w.now); err != nil {
			return false, err
		}
	}
	return (q.Statuses == nil || slices.Contains(q.Statuses, u.DisplayStatus)) && (q.Filter == nil || q.Filter(*u)), nil
}

// stored returns the status that the record of a user with a display status has.
func stored(s account.Status) account.Status {
	switch s {
	case account.StatusLocked, account.StatusRecovery, account.StatusExpired:
		return account.StatusActive
	}
	return s
}
