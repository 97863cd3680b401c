package admin

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// maxEvents is how many one page of the log has at most.
const maxEvents = 1000

// Events reads the log. An operator limited to groups reads the events about people within, see canReadEvent; neither a
// short page nor a cursor tells of the others (PROTOCOL 21). next is the cursor for more, "" at the end.
func (s *Service) Events(ctx context.Context, p Principal, q audit.Query) (entries []audit.Entry, next string, err error) {
	if err := p.Require(PermRead); err != nil {
		return nil, "", err
	}
	if !p.Scoped() {
		err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
			entries, next, err = s.Accounts.Log.Scan(snap, q)
			return err
		})
		return entries, next, err
	}
	limit := min(q.Limit, maxEvents)
	if limit <= 0 {
		limit = 100
	}
	known := map[string]bool{}
	for q.Limit = maxEvents; ; q.After = next {
		var part []audit.Entry
		if part, next, err = s.eventsInScope(ctx, p, q, known); err != nil {
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

// eventsInScope is what one reading of the log holds for an operator limited to groups; known remembers who lies within.
func (s *Service) eventsInScope(ctx context.Context, p Principal, q audit.Query, known map[string]bool) (part []audit.Entry, next string, err error) {
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		part = nil
		r := s.Accounts.In(snap)
		var found []audit.Entry
		if found, next, err = s.Accounts.Log.Scan(snap, q); err != nil {
			return err
		}
		for _, e := range found {
			within, met := known[e.Subject]
			if !met {
				if within, err = p.hasInScope(r, e.Subject); err != nil {
					return err
				}
				known[e.Subject] = within
			}
			if within && p.canReadEvent(&e.Event) {
				part = append(part, e)
			}
		}
		return nil
	})
	return part, next, err
}

// hasInScope tells whether somebody is there and lies within the operator's scope.
func (p Principal) hasInScope(r account.Reader, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	u, err := r.User(account.UserID(id))
	if errcode.Of(err) == errcode.NotFound {
		return false, nil
	}
	return err == nil && p.InScope(&u), err
}

// canReadEvent tells whether an event about somebody within may be read by an operator limited to groups: not what they
// were as an operator, nor what names a garage outside, where they belonged before.
func (p Principal) canReadEvent(e *audit.Event) bool {
	return !slices.Contains(RoleActions, e.Action) && !slices.ContainsFunc(e.Targets, func(t audit.Actor) bool {
		return t.Type == audit.TypeGroup && !slices.Contains(p.Groups, account.GroupID(t.ID))
	})
}

// RoleActions are acts about what a person was as an operator, which tell of other garages.
var RoleActions = []string{audit.RoleGranted, audit.RoleRevoked, audit.RoleLimited}
