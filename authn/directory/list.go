package directory

import (
	"context"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
)

// Users returns a page of the users in the scope of p. For a principal with a group scope it reads one group after
// another, so that neither the page nor the cursor reveals users outside the scope (protocol rule 21).
func (s *Service) Users(ctx context.Context, p admin.Principal, q account.UserQuery) ([]account.User, string, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	q.WithDisplayStatus = true
	var users []account.User
	var next string
	var err error
	if p.Scoped() {
		users, next, err = s.usersInScope(ctx, p, q)
		if err == nil && next != "" {
			next, err = s.cursorUnlessLast(ctx, p, q, next)
		}
	} else {
		users, next, err = s.accounts.ListUsers(ctx, q)
	}
	if err != nil {
		return nil, "", err
	}
	for i := range users {
		users[i] = admin.WithoutSecrets(users[i])
	}
	return users, next, nil
}

// cursorUnlessLast returns the cursor, or an empty string if no user in the scope follows. An empty last page would
// reveal members outside the scope.
func (s *Service) cursorUnlessLast(ctx context.Context, p admin.Principal, q account.UserQuery, cursor string) (string, error) {
	for q.After, q.Limit = cursor, 1; q.After != ""; {
		users, next, err := s.usersInScope(ctx, p, q)
		if err != nil || len(users) > 0 {
			return cursor, err
		}
		q.After = next
	}
	return "", nil
}

// usersInScope returns a page of the users of the groups of p. A user appears in the first of their groups only.
func (s *Service) usersInScope(ctx context.Context, p admin.Principal, q account.UserQuery) (users []account.User, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	groups := slices.Compact(slices.Sorted(slices.Values(p.Groups)))
	begin, _, _ := strings.Cut(q.After, "/")
	for _, g := range groups {
		if string(g) < begin || q.Group != "" && g != q.Group {
			continue
		}
		sub := account.UserQuery{Group: g, WithDisplayStatus: q.WithDisplayStatus, Limit: q.Limit - len(users), Placeholders: true, Filter: func(u account.User) bool {
			return p.InScope(&u) && (q.Group != "" || slices.Min(u.Groups) == g) && u.MatchesPrefix(q.Prefix) && (q.Filter == nil || q.Filter(u))
		}}
		if string(g) == begin {
			sub.After = q.After
		}
		if sub.Limit == 0 {
			return users, string(g) + "/", nil
		}
		part, more, err := s.accounts.ListUsers(ctx, sub)
		if err != nil {
			return nil, "", err
		}
		users = append(users, part...)
		if more != "" {
			if len(users) == q.Limit {
				more = string(g) + "/" + string(users[len(users)-1].ID)
			}
			return users, more, nil
		}
	}
	return users, "", nil
}
