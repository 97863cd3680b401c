package admin

import (
	"context"

	"barillet/authn/account"
	"barillet/internal/audit"
)

// maxActors is the maximum number of users whose logins NameActors reads.
const maxActors = 64

// NameActors sets the names of the actors that are administrators with a session. An event stores only their id (promise S3). A name
// is the present login of the user. A principal with a group scope reads those of users in the scope, and its own (protocol
// rule 21). Of the first maxActors users, those that are deleted have no name.
func (s *Service) NameActors(ctx context.Context, p Principal, entries []audit.Entry) error {
	if err := p.Require(PermRead); err != nil {
		return err
	}
	names := map[string]string{}
	return s.Accounts.View(ctx, func(r account.Reader) error {
		clear(names)
		for i := range entries {
			a := &entries[i].Actor
			if a.Type != audit.TypeUser || a.ID == "" || a.Name != "" || a.ID == entries[i].Subject {
				continue
			}
			name, known := names[a.ID]
			if !known && len(names) < maxActors {
				var err error
				if name, err = p.actorName(r, account.UserID(a.ID)); err != nil {
					return err
				}
				names[a.ID] = name
			}
			a.Name = name
		}
		return nil
	})
}

// actorName returns the login of a user; "" if there is none, or outside the group scope of p.
func (p Principal) actorName(r account.Reader, id account.UserID) (string, error) {
	sum, err := r.Summary(id)
	switch {
	case account.Missing(err):
		return "", nil
	case err != nil:
		return "", err
	case p.Scoped() && p.Owner != string(id) && !p.covers(sum.Groups, len(sum.Roles)):
		return "", nil
	}
	return sum.Login, nil
}
