package helpdesk

import (
	"context"
	"slices"
	"unicode"
	"unicode/utf8"

	"barillet/authn"
	"barillet/internal/audit"
)

// maxDescription is how many characters may describe a garage.
const maxDescription = 1024

// CreateGroup makes a garage. Whoever is limited to groups makes none: it would lie outside.
func (d *Desk) CreateGroup(ctx context.Context, op Operator, from authn.Origin, name, description string) (authn.Group, error) {
	if err := op.allowed(actManage); err != nil {
		return authn.Group{}, err
	}
	if op.scoped() {
		return authn.Group{}, authn.Refuse(authn.CodeForbidden)
	}
	if !utf8.ValidString(description) || utf8.RuneCountInString(description) > maxDescription ||
		slices.ContainsFunc([]rune(description), func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return authn.Group{}, authn.Invalid("description", "too_long")
	}
	return authn.Do(ctx, d.People, d.People.NewAct(from), func(w *authn.Work) (authn.Group, error) {
		g := authn.Group{Name: name, Description: description}
		if err := w.CreateGroup(&g); err != nil {
			return authn.Group{}, err
		}
		return g, w.Audit(audit.Event{Actor: op.actor(), Action: audit.GroupCreated, Outcome: audit.Success,
			Targets: []audit.Actor{{Type: audit.TypeGroup, ID: string(g.ID), Name: g.Name}}})
	})
}

// Group reads a garage; CodeNotFound for one outside the operator's scope.
func (d *Desk) Group(ctx context.Context, op Operator, id authn.GroupID) (authn.Group, error) {
	if err := op.allowed(actSee); err != nil {
		return authn.Group{}, err
	}
	if op.scoped() && !slices.Contains(op.Groups, id) {
		return authn.Group{}, authn.Refuse(authn.CodeNotFound)
	}
	var g authn.Group
	err := d.People.View(ctx, func(r authn.Reader) (err error) {
		g, err = r.Group(id)
		return err
	})
	return g, err
}

// Groups lists the garages that the operator may know of, in the order of their ids. next is the cursor for
// more, "" at the end. limit is 1 to 200; 0 means 200.
func (d *Desk) Groups(ctx context.Context, op Operator, after string, limit int) (groups []authn.Group, next string, err error) {
	if err := op.allowed(actSee); err != nil {
		return nil, "", err
	}
	if !op.scoped() {
		return d.People.Groups(ctx, after, limit)
	}
	if limit <= 0 || limit > 200 {
		limit = 200
	}
	for _, id := range slices.Compact(slices.Sorted(slices.Values(op.Groups))) {
		if string(id) <= after {
			continue
		}
		if len(groups) == limit {
			return groups, string(groups[limit-1].ID), nil
		}
		g, err := d.Group(ctx, op, id)
		switch {
		case authn.CodeOf(err) == authn.CodeNotFound:
			continue // deleted since
		case err != nil:
			return nil, "", err
		}
		groups = append(groups, g)
	}
	return groups, "", nil
}
