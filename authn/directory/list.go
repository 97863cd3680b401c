package directory

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
)

// Users returns a page of the users in the scope of p. For a principal with a group scope it reads one group after
// another, so that neither the page nor the cursor reveals users outside the scope (protocol rule 21).
func (s *Service) Users(ctx context.Context, p admin.Principal, q roster.UserQuery) ([]account.User, string, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	q.WithDisplayStatus = true
	if p.Scoped() {
		if q.Role != "" { // users with a role are outside every scope
			return nil, "", nil
		}
		q.Scope, q.Visible = append([]account.GroupID{}, p.Groups...), p.InScope
		q.Seal = func(cursor string) string { return s.Admin.SealCursor(p.ID, cursor, false) }
	}
	var err error
	if q.After, _, err = s.Admin.OpenCursor(p.ID, q.After); err != nil {
		return nil, "", err
	}
	users, next, err := roster.Users(ctx, s.accounts, q)
	if err != nil {
		return nil, "", err
	}
	for i := range users {
		users[i] = admin.WithoutSecrets(users[i])
	}
	return users, next, nil
}
