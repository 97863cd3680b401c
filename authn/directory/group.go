package directory

import (
	"context"
	"slices"

	"golang.org/x/text/unicode/norm"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
)

// maxDescription is the maximum length of the description of a group, in characters.
const maxDescription = 1024

// CreateGroup creates a group. A principal with a group scope may not, because the group would be outside the scope.
func (s *Service) CreateGroup(ctx context.Context, p admin.Principal, req account.RequestInfo, name, description string) (account.Group, error) {
	if err := p.RequireUnscoped(admin.PermManage); err != nil {
		return account.Group{}, err
	}
	description, err := groupDescription(description)
	if err != nil {
		return account.Group{}, err
	}
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: name, Description: description}
		if err := tx.CreateGroup(&g); err != nil {
			return account.Group{}, err
		}
		return g, tx.Audit(groupEvent(p, audit.GroupCreated, &g))
	})
}

// groupDescription returns the description of a group in NFC. It returns Invalid if it is too long or has characters that
// control a terminal or change the direction of text.
func groupDescription(typed string) (string, error) {
	description, ok := input.Text(typed, maxDescription, true)
	switch {
	case !ok:
		return "", errcode.InvalidField("description", "too_long")
	case description != norm.NFC.String(input.Trim(typed)):
		return "", errcode.InvalidField("description", input.ReasonControl)
	}
	return description, nil
}

// UpdateGroup replaces the name and description of a group. A principal with a group scope may not, because the group
// can have members outside the scope. An update without a difference has no effect and no audit event.
func (s *Service) UpdateGroup(ctx context.Context, p admin.Principal, req account.RequestInfo, id account.GroupID, name, description string) (account.Group, error) {
	if err := p.RequireUnscoped(admin.PermManage); err != nil {
		return account.Group{}, err
	}
	name, err := account.GroupName(name)
	if err != nil {
		return account.Group{}, err
	}
	if description, err = groupDescription(description); err != nil {
		return account.Group{}, err
	}
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (account.Group, error) {
		g, err := tx.Group(id)
		if err != nil {
			return account.Group{}, err
		}
		if g.Name == name && g.Description == description {
			return g, nil
		}
		g.Name, g.Description = name, description
		if err := tx.SaveGroup(&g); err != nil {
			return account.Group{}, err
		}
		return g, tx.Audit(groupEvent(p, audit.GroupUpdated, &g))
	})
}

// DeleteGroup deletes a group and removes its members from it, with one audit event. It deletes no user. A sweep of
// account.Service removes the other members of a large group, or completes an interrupted removal. A role assignment or token
// that is limited to the group is then valid for no user. A principal with a group scope may not delete a group.
func (s *Service) DeleteGroup(ctx context.Context, p admin.Principal, req account.RequestInfo, id account.GroupID) error {
	if err := p.RequireUnscoped(admin.PermManage); err != nil {
		return err
	}
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		g, err := tx.Group(id)
		if err != nil {
			return struct{}{}, err
		}
		if err := tx.DeleteGroup(&g); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Audit(groupEvent(p, audit.GroupDeleted, &g))
	})
	if err != nil {
		return err
	}
	return s.accounts.EmptyGroup(ctx, id, account.EmptyAtOnce, func() {})
}

// groupEvent returns the audit event of an operation of p on a group.
func groupEvent(p admin.Principal, action string, g *account.Group) audit.Event {
	return audit.Event{Actor: p.Actor(), Action: action, Outcome: audit.Success, Targets: groupTarget(g)}
}

// groupTarget returns the group as the target of an audit event.
func groupTarget(g *account.Group) []audit.Actor {
	return []audit.Actor{{Type: audit.TypeGroup, ID: string(g.ID), Name: g.Name}}
}

// Group returns one group. It returns NotFound if the group is outside the scope of p.
func (s *Service) Group(ctx context.Context, p admin.Principal, id account.GroupID) (account.Group, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return account.Group{}, err
	}
	if p.Scoped() && !slices.Contains(p.Groups, id) {
		return account.Group{}, errcode.New(errcode.NotFound)
	}
	var g account.Group
	err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		g, err = r.Group(id)
		return err
	})
	return g, err
}

// Groups returns a page of the groups in the scope of p, in the order of their ids. next is the cursor of the next
// page, or empty at the end.
func (s *Service) Groups(ctx context.Context, p admin.Principal, q account.GroupQuery) (groups []account.Group, next string, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if !p.Scoped() {
		return s.accounts.Groups(ctx, q)
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(p.Groups))) {
		if string(id) <= q.After {
			continue
		}
		g, err := s.Group(ctx, p, id)
		switch {
		case errcode.Of(err) == errcode.NotFound:
			continue // a deleted group can remain in a scope
		case err != nil:
			return nil, "", err
		case !q.Matches(g):
			continue
		case len(groups) == q.Limit:
			return groups, string(groups[q.Limit-1].ID), nil
		}
		groups = append(groups, g)
	}
	return groups, "", nil
}
