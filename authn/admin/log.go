package admin

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// mostEvents is how many one page of the log has at most.
const mostEvents = 1000

// Events reads the log. An operator limited to groups reads the events about people within, see mayRead; neither a
// short page nor a cursor tells of the others (PROTOCOL 21). next is the cursor for more, "" at the end.
func (d *Service) Events(ctx context.Context, op Principal, q audit.Query) (entries []audit.Entry, next string, err error) {
	if err := op.Require(PermRead); err != nil {
		return nil, "", err
	}
	if !op.Scoped() {
		err = d.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
			entries, next, err = d.Accounts.Log.Scan(s, q)
			return err
		})
		return entries, next, err
	}
	limit := min(q.Limit, mostEvents)
	if limit <= 0 {
		limit = 100
	}
	known := map[string]bool{}
	for q.Limit = mostEvents; ; q.After = next {
		var part []audit.Entry
		if part, next, err = d.eventsWithin(ctx, op, q, known); err != nil {
			return nil, "", err
		}
		if entries = append(entries, part...); len(entries) > limit {
			return entries[:limit], entries[limit-1].ID, nil
		}
		if next == "" {
			return entries, "", nil
		}
	}
}

// eventsWithin is what one reading of the log holds for an operator limited to groups; known remembers who lies within.
func (d *Service) eventsWithin(ctx context.Context, op Principal, q audit.Query, known map[string]bool) (part []audit.Entry, next string, err error) {
	err = d.Accounts.Store.View(ctx, func(s store.Snapshot) (err error) {
		part = nil
		r := d.Accounts.Reader(s)
		var found []audit.Entry
		if found, next, err = d.Accounts.Log.Scan(s, q); err != nil {
			return err
		}
		for _, e := range found {
			within, met := known[e.Subject]
			if !met {
				if within, err = op.knowsUser(r, e.Subject); err != nil {
					return err
				}
				known[e.Subject] = within
			}
			if within && op.mayRead(&e.Event) {
				part = append(part, e)
			}
		}
		return nil
	})
	return part, next, err
}

// knowsUser tells whether somebody is there and lies within the operator's scope.
func (op Principal) knowsUser(r account.Reader, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	u, err := r.User(account.UserID(id))
	if errcode.Of(err) == errcode.NotFound {
		return false, nil
	}
	return err == nil && op.InScope(&u), err
}

// mayRead tells whether an event about somebody within may be read by an operator limited to groups: not what they
// were as an operator, nor what names a garage outside, where they belonged before.
func (op Principal) mayRead(e *audit.Event) bool {
	return !slices.Contains(AdminActions, e.Action) && !slices.ContainsFunc(e.Targets, func(t audit.Actor) bool {
		return t.Type == audit.TypeGroup && !slices.Contains(op.Groups, account.GroupID(t.ID))
	})
}

// AdminActions are acts about what a person was as an operator, which tell of other garages.
var AdminActions = []string{audit.RoleGranted, audit.RoleRevoked, audit.RoleLimited}
