package directory

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// AddMember makes a person a member of a garage; whoever is one already stays so. Whoever is limited to groups adds
// nobody who exists, wherever they are (PROTOCOL 21).
func (s *Service) AddMember(ctx context.Context, p admin.Principal, req account.RequestInfo, gid account.GroupID, id string) error {
	if err := p.RequireUnscoped(admin.PermManage); err != nil {
		return err
	}
	u, err := s.changeMembership(ctx, p, req, gid, id, audit.GroupMemberAdded, (*account.Tx).AddToGroup)
	if err != nil {
		return err
	}
	return s.accounts.DeletePlaceholders(ctx, u)
}

// RemoveMember takes a person out of a garage; whoever is not in it stays so. A garage outside the operator's scope
// is not there.
func (s *Service) RemoveMember(ctx context.Context, p admin.Principal, req account.RequestInfo, gid account.GroupID, id string) error {
	_, err := s.changeMembership(ctx, p, req, gid, id, audit.GroupMemberRemoved, (*account.Tx).RemoveFromGroup)
	return err
}

// changeMembership judges, does, audits and stores one membership in one Update, and tells whose it is. What changes nothing is
// no act.
func (s *Service) changeMembership(ctx context.Context, p admin.Principal, req account.RequestInfo, gid account.GroupID, id, action string,
	move func(*account.Tx, *account.User, account.GroupID) (bool, error)) (account.UserID, error) {
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (account.UserID, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermManage, id)
		if err != nil {
			return "", err
		}
		if !p.CoversGroups([]account.GroupID{gid}) {
			return "", errcode.New(errcode.NotFound)
		}
		g, err := tx.Group(gid)
		if err != nil {
			return "", err
		}
		moved, err := move(tx, &u, gid)
		if err != nil || !moved {
			return u.ID, err
		}
		tx.AddAdminActivity(&u, action, g.Name)
		e := p.Event(action, &u)
		e.Targets = groupTarget(&g)
		if err := tx.Audit(e); err != nil {
			return "", err
		}
		return u.ID, tx.Save(&u)
	})
}

// Members lists the people of a garage whom the operator may know of, as Users does; NotFound for a garage
// outside the scope.
func (s *Service) Members(ctx context.Context, p admin.Principal, gid account.GroupID, q account.UserQuery) ([]account.User, string, error) {
	if _, err := s.Group(ctx, p, gid); err != nil {
		return nil, "", err
	}
	q.Group = gid
	return s.Users(ctx, p, q)
}

// GroupsOf lists the garages of a person in the order of their ids. next is the cursor for more, "" at the end.
func (s *Service) GroupsOf(ctx context.Context, p admin.Principal, id string, q account.GroupQuery) (groups []account.Group, next string, err error) {
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	err = s.accounts.View(ctx, func(r account.Reader) error {
		groups, next = nil, ""
		u, err := admin.FindUser(r, p, admin.PermRead, id)
		if err != nil {
			return err
		}
		for _, gid := range slices.Sorted(slices.Values(u.Groups)) {
			if string(gid) <= q.After {
				continue
			}
			g, err := r.Group(gid)
			switch {
			case errcode.Of(err) == errcode.NotFound:
				continue // deleted, and the person not yet taken out
			case err != nil:
				return err
			case len(groups) == q.Limit:
				next = string(groups[q.Limit-1].ID)
				return nil
			}
			groups = append(groups, g)
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return groups, next, nil
}
