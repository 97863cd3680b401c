package directory

import (
	"context"
	"slices"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
)

// Users lists the people that this operator may know of. A scoped operator's list goes through their groups one
// by one, so that neither result nor cursor tells what lies outside (PROTOCOL 21).
func (d *Service) Users(ctx context.Context, op admin.Principal, q account.UserQuery) ([]account.User, string, error) {
	if err := op.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	q.WithDisplayStatus = true
	var people []account.User
	var next string
	var err error
	if op.Scoped() {
		people, next, err = d.within(ctx, op, q)
		if err == nil && next != "" {
			next, err = d.unlessLast(ctx, op, q, next)
		}
	} else {
		people, next, err = d.accounts.ListUsers(ctx, q)
	}
	if err != nil {
		return nil, "", err
	}
	for i := range people {
		people[i] = admin.WithoutSecrets(people[i])
	}
	return people, next, nil
}

// unlessLast is the cursor, or "" when nobody within lies behind it: a next page of nobody would tell a scoped
// operator of members who lie outside.
func (d *Service) unlessLast(ctx context.Context, op admin.Principal, q account.UserQuery, cursor string) (string, error) {
	for q.After, q.Limit = cursor, 1; q.After != ""; {
		people, next, err := d.within(ctx, op, q)
		if err != nil || len(people) > 0 {
			return cursor, err
		}
		q.After = next
	}
	return "", nil
}

// within lists the people of the operator's groups, each at the first of their groups.
func (d *Service) within(ctx context.Context, op admin.Principal, q account.UserQuery) (people []account.User, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	groups := slices.Compact(slices.Sorted(slices.Values(op.Groups)))
	begin, _, _ := strings.Cut(q.After, "/")
	for _, g := range groups {
		if string(g) < begin || q.Group != "" && g != q.Group {
			continue
		}
		sub := account.UserQuery{Group: g, WithDisplayStatus: q.WithDisplayStatus, Limit: q.Limit - len(people), Placeholders: true, Filter: func(u account.User) bool {
			return op.InScope(&u) && (q.Group != "" || slices.Min(u.Groups) == g) && starts(&u, q.Prefix) && (q.Filter == nil || q.Filter(u))
		}}
		if string(g) == begin {
			sub.After = q.After
		}
		if sub.Limit == 0 {
			return people, string(g) + "/", nil
		}
		part, more, err := d.accounts.ListUsers(ctx, sub)
		if err != nil {
			return nil, "", err
		}
		people = append(people, part...)
		if more != "" {
			if len(people) == q.Limit {
				more = string(g) + "/" + string(people[len(people)-1].ID)
			}
			return people, more, nil
		}
	}
	return people, "", nil
}

// starts is the condition of Query.Starts, where another index is walked.
func starts(u *account.User, with string) bool {
	fold := account.FoldName(with)
	return slices.ContainsFunc([]string{u.FirstName, u.LastName, u.Login, u.Email, u.SecondEmail}, func(name string) bool {
		return strings.HasPrefix(account.FoldName(name), fold)
	})
}
