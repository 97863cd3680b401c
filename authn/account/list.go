package account

import (
	"context"
	"fmt"
	"strings"

	"barillet/internal/errcode"
	"barillet/store"
)

// UserQuery asks for people. The zero value is everybody, in the order of their ids.
type UserQuery struct {
	Prefix            string          // the beginning of a first name, last name, login or address; in any case
	Group             GroupID         // members of this garage only
	Filter            func(User) bool // further conditions; nil: none
	WithDisplayStatus bool            // User.State is told, to Keep as well
	Placeholders      bool            // those who only stand for somebody are listed too: see shadow.go
	After             string          // the cursor of an earlier call
	Limit             int             // 1 to 200; 0 means 200
}

// maxScanned is how many records one call reads at most before it gives what it has with a cursor.
const maxScanned = 5000

// ListUsers lists people. next is the cursor for more, "" at the end.
func (s *Service) ListUsers(ctx context.Context, q UserQuery) (people []User, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	now := s.Now()
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		people, next = nil, ""
		r, seen := Reader{s, snap}, 0
		visit := func(cursor string, u User) error {
			if seen++; len(people) == q.Limit || seen > maxScanned {
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
				people = append(people, u)
			}
			return nil
		}
		err := r.walk(snap, q, visit)
		if len(people) < q.Limit && seen <= maxScanned {
			next = ""
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing people: %w", err)
	}
	return people, next, nil
}

// walk visits people through the index that the query needs.
func (r Reader) walk(snap store.Snapshot, q UserQuery, visit func(cursor string, u User) error) error {
	byIndex := func(id string, _ struct{}) error {
		u, err := r.User(UserID(id[strings.LastIndexByte(id, '/')+1:]))
		if errcode.Of(err) == errcode.NotFound {
			return nil
		}
		if err != nil || q.Prefix != "" && u.firstKey(FoldName(q.Prefix)) != id {
			return err
		}
		return visit(id, u)
	}
	switch {
	case q.Prefix != "":
		return r.s.names.Scan(snap, FoldName(q.Prefix), q.After, 0, byIndex)
	case q.Group != "":
		return r.s.members.Scan(snap, string(q.Group)+"/", q.After, 0, byIndex)
	}
	return r.s.users.Scan(snap, "", q.After, 0, func(id string, u User) error { return visit(id, u) })
}

// ListAdministrators lists the people who have a role, in the order of their ids. It looks for them among the standings, which are
// small, 5,000 in one reading at most. next is the cursor for more, "" at the end.
func (s *Service) ListAdministrators(ctx context.Context, after string) (staff []User, next string, err error) {
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		staff, next = nil, ""
		r, seen := Reader{s, snap}, 0
		return s.summaries.Scan(snap, "", after, 0, func(id string, st Summary) error {
			if seen++; seen > maxScanned {
				next = after
				return store.ErrStop
			}
			if after = id; len(st.Roles) == 0 {
				return nil
			}
			u, err := r.User(UserID(id))
			if err == nil {
				staff = append(staff, u)
			}
			return err
		})
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing who has a role: %w", err)
	}
	return staff, next, nil
}
