package directory

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// AddMember adds a user to a group. It does nothing if the user is a member. A principal with a group scope may not add
// existing users of all groups (protocol rule 21).
func (s *Service) AddMember(ctx context.Context, p admin.Principal, req account.RequestInfo, gid account.GroupID, id string) error {
	if err := p.RequireUnscoped(admin.PermManage); err != nil {
		return err
	}
	u, err := s.changeMembership(ctx, p, req, gid, id, audit.GroupMemberAdded, (*account.Tx).AddToGroup)
	if err != nil {
		return err
	}
	return s.accounts.DeletePlaceholders(ctx, u, false)
}

// RemoveMember removes a user from a group. It does nothing if the user is not a member. It returns NotFound for a
// group outside the scope of p.
func (s *Service) RemoveMember(ctx context.Context, p admin.Principal, req account.RequestInfo, gid account.GroupID, id string) error {
	_, err := s.changeMembership(ctx, p, req, gid, id, audit.GroupMemberRemoved, (*account.Tx).RemoveFromGroup)
	return err
}

// changeMembership applies change to the membership of a user, audits and stores it in one transaction, and returns the
// id of the user. A change without effect has no audit event.
func (s *Service) changeMembership(ctx context.Context, p admin.Principal, req account.RequestInfo, gid account.GroupID, id, action string,
	change func(*account.Tx, *account.User, account.GroupID) (bool, error)) (account.UserID, error) {
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
		changed, err := change(tx, &u, gid)
		if err != nil || !changed {
			return u.ID, err
		}
		if action == audit.GroupMemberAdded {
			u.Sponsors = u.Sponsors.Add(p.Owner, tx.Op.Now)
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

// Members returns a page of the users of a group, as Users does. It returns NotFound for a group outside the scope of
// p.
func (s *Service) Members(ctx context.Context, p admin.Principal, gid account.GroupID, q roster.UserQuery) ([]account.User, string, error) {
	if _, err := s.Group(ctx, p, gid); err != nil {
		return nil, "", err
	}
	q.Group = gid
	return s.Users(ctx, p, q)
}

// GroupsOf returns a page of the groups of a user in the order of their ids. next is the cursor of the next page, or
// empty at the end.
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
				continue // deleted; the membership is not yet removed
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
