package directory

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// FindGroup returns the group with an id or a name, as an import finds it. It returns NotFound for a group outside the scope of p.
func (s *Service) FindGroup(ctx context.Context, p admin.Principal, idOrName string) (account.Group, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return account.Group{}, err
	}
	var g account.Group
	err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		if g, err = groupNamed(r, idOrName); account.Missing(err) || err == nil && !p.CoversGroups([]account.GroupID{g.ID}) {
			g, err = account.Group{}, errcode.New(errcode.NotFound)
		}
		return err
	})
	return g, err
}

// GroupNames returns the names of the groups of users in the scope of p, by id. A deleted group has none.
func (s *Service) GroupNames(ctx context.Context, p admin.Principal, users []account.User) (map[account.GroupID]string, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, err
	}
	names := map[account.GroupID]string{}
	err := s.accounts.View(ctx, func(r account.Reader) error {
		clear(names)
		for i := range users {
			for _, id := range users[i].Groups {
				if _, known := names[id]; known || !p.CoversGroups([]account.GroupID{id}) {
					continue
				}
				switch g, err := r.Group(id); {
				case err == nil:
					names[id] = g.Name
				case !account.Missing(err):
					return err
				}
			}
		}
		return nil
	})
	return names, err
}
