package directory

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// maxDescription is how many characters may describe a garage.
const maxDescription = 1024

// CreateGroup makes a garage. Whoever is limited to groups makes none: it would lie outside.
func (d *Service) CreateGroup(ctx context.Context, op admin.Principal, req account.RequestInfo, name, description string) (account.Group, error) {
	if err := op.RequireUnscoped(); err != nil {
		return account.Group{}, err
	}
	if err := checkDescription(description); err != nil {
		return account.Group{}, err
	}
	return account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: name, Description: description}
		if err := tx.CreateGroup(&g); err != nil {
			return account.Group{}, err
		}
		return g, tx.Audit(groupEvent(op, audit.GroupCreated, &g))
	})
}

// checkDescription judges what may describe a garage.
func checkDescription(description string) error {
	if !utf8.ValidString(description) || utf8.RuneCountInString(description) > maxDescription ||
		slices.ContainsFunc([]rune(description), func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return errcode.InvalidField("description", "too_long")
	}
	return nil
}

// UpdateGroup replaces the name and the description of a garage. Whoever is limited to groups changes none: people
// outside belong to it as well. A change of nothing is no act.
func (d *Service) UpdateGroup(ctx context.Context, op admin.Principal, req account.RequestInfo, id account.GroupID, name, description string) (account.Group, error) {
	if err := op.RequireUnscoped(); err != nil {
		return account.Group{}, err
	}
	if err := checkDescription(description); err != nil {
		return account.Group{}, err
	}
	return account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (account.Group, error) {
		g, err := tx.Group(id)
		if err != nil {
			return account.Group{}, err
		}
		if g.Name == strings.TrimSpace(name) && g.Description == description {
			return g, nil
		}
		g.Name, g.Description = name, description
		if err := tx.SaveGroup(&g); err != nil {
			return account.Group{}, err
		}
		return g, tx.Audit(groupEvent(op, audit.GroupUpdated, &g))
	})
}

// DeleteGroup deletes a garage and takes its members out of it, which is one act in the log. Nobody is deleted with
// it; a role or token limited to it is then for nobody. Whoever is limited to groups deletes none. If the taking
// out is broken off, authn.Service.Sweep goes on with it.
func (d *Service) DeleteGroup(ctx context.Context, op admin.Principal, req account.RequestInfo, id account.GroupID) error {
	if err := op.RequireUnscoped(); err != nil {
		return err
	}
	_, err := account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		g, err := tx.Group(id)
		if err != nil {
			return struct{}{}, err
		}
		if err := tx.DeleteGroup(&g); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Audit(groupEvent(op, audit.GroupDeleted, &g))
	})
	if err != nil {
		return err
	}
	return d.accounts.EmptyGroup(ctx, id)
}

// groupEvent is an act of the operator on a garage, done.
func groupEvent(op admin.Principal, action string, g *account.Group) audit.Event {
	return audit.Event{Actor: op.Actor(), Action: action, Outcome: audit.Success, Targets: groupTarget(g)}
}

func groupTarget(g *account.Group) []audit.Actor {
	return []audit.Actor{{Type: audit.TypeGroup, ID: string(g.ID), Name: g.Name}}
}

// Group reads a garage; NotFound for one outside the operator's scope.
func (d *Service) Group(ctx context.Context, op admin.Principal, id account.GroupID) (account.Group, error) {
	if err := op.Require(admin.PermRead); err != nil {
		return account.Group{}, err
	}
	if op.Scoped() && !slices.Contains(op.Groups, id) {
		return account.Group{}, errcode.New(errcode.NotFound)
	}
	var g account.Group
	err := d.accounts.View(ctx, func(r account.Reader) (err error) {
		g, err = r.Group(id)
		return err
	})
	return g, err
}

// Groups lists the garages that the operator may know of, in the order of their ids. next is the cursor for
// more, "" at the end.
func (d *Service) Groups(ctx context.Context, op admin.Principal, q account.GroupQuery) (groups []account.Group, next string, err error) {
	if err := op.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if !op.Scoped() {
		return d.accounts.Groups(ctx, q)
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(op.Groups))) {
		if string(id) <= q.After {
			continue
		}
		g, err := d.Group(ctx, op, id)
		switch {
		case errcode.Of(err) == errcode.NotFound:
			continue // deleted since
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
