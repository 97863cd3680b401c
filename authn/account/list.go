package account

import (
	"context"
	"fmt"
	"strings"

	"barillet/authn/account/index"
	"barillet/store"
)

// UserQuery selects users. The zero value selects all except placeholders, in the order of their ids.
type UserQuery struct {
	Prefix            string          // start of a word of a name, login or address, as input.Words compares it
	Group             GroupID         // members of this group only
	Filter            func(User) bool // additional condition; nil: none
	WithDisplayStatus bool            // set User.DisplayStatus, before Filter is called
	Placeholders      bool            // list placeholder accounts too
	After             string          // cursor of an earlier call
	Limit             int             // 1 to 200; 0 means 200
}

// maxScanned is the maximum number of records that one call reads. It then returns what it found, with a cursor.
const maxScanned = 5000

// ListUsers returns the selected users. next is the cursor of the next page; "" at the end.
func (s *Service) ListUsers(ctx context.Context, q UserQuery) (users []User, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	now := s.Now()
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		users, next = nil, ""
		r, seen := Reader{s, snap}, 0
		visit := func(cursor string, u User) error {
			if seen++; len(users) == q.Limit || seen > maxScanned {
				return store.ErrStop
			}
			next = cursor
			if u.Placeholder && !q.Placeholders {
				return nil
			}
			if q.WithDisplayStatus {
				var err error
				if u.DisplayStatus, err = r.DisplayStatus(&u, now); err != nil {
					return err
				}
			}
			if q.Filter == nil || q.Filter(u) {
				users = append(users, u)
			}
			return nil
		}
		err := r.walk(snap, q, visit)
		if len(users) < q.Limit && seen <= maxScanned {
			next = ""
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing users: %w", err)
	}
	return users, next, nil
}

// walk calls visit for each user, in the order of the index that the query needs.
func (r Reader) walk(snap store.Snapshot, q UserQuery, visit func(cursor string, u User) error) error {
	prefix := index.SearchPrefix(q.Prefix)
	byIndex := func(id string, _ struct{}) error {
		u, err := r.User(UserID(id[strings.LastIndexByte(id, '/')+1:]))
		if Missing(err) {
			return nil
		}
		if err != nil || q.Prefix != "" && u.firstKey(prefix) != id {
			return err
		}
		return visit(id, u)
	}
	switch {
	case q.Prefix != "" && prefix == "":
		return nil
	case q.Prefix != "":
		return r.s.names.Scan(snap, prefix, q.After, 0, byIndex)
	case q.Group != "":
		return r.s.members.Scan(snap, string(q.Group)+"/", q.After, 0, byIndex)
	}
	return r.s.users.Scan(snap, "", q.After, 0, func(id string, u User) error {
		r.s.endRecoveryOverlap(&u)
		return visit(id, u)
	})
}

// ListAdministrators returns the users who have a role, in the order of their ids. It scans the summaries, at most 5,000 in
// one call. next is the cursor of the next page; "" at the end.
func (s *Service) ListAdministrators(ctx context.Context, after string) (administrators []User, next string, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		administrators, next = nil, ""
		r, seen := Reader{s, snap}, 0
		return s.summaries.Scan(snap, "", after, 0, func(id string, sum Summary) error {
			if seen++; seen > maxScanned {
				next = after
				return store.ErrStop
			}
			if after = id; len(sum.Roles) == 0 {
				return nil
			}
			u, err := r.User(UserID(id))
			if err == nil {
				administrators = append(administrators, u)
			}
			if Missing(err) {
				return nil
			}
			return err
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing administrators: %w", err)
	}
	return administrators, next, nil
}
