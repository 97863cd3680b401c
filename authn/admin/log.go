package admin

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// maxEvents is the maximum number of events of one page.
const maxEvents = 1000

// Events returns a page of the audit log. A principal with a group scope gets the events about users in the scope,
// except those that canReadEvent excludes. Pages are always full, so that neither their length nor the cursor reveals
// other events (protocol rule 21). next is the cursor of the next page, or empty at the end.
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

// eventsInScope returns those events of one read of the log that p may see. known caches which subjects are in scope.
func (s *Service) eventsInScope(ctx context.Context, p Principal, q audit.Query, known map[string]bool) (part []audit.Entry, next string, err error) {
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		part = nil
		r := s.Accounts.Reader(snap)
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

// hasInScope reports whether the user exists and is in the group scope of p.
func (p Principal) hasInScope(r account.Reader, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	u, err := r.User(account.UserID(id))
	if account.Missing(err) {
		return false, nil
	}
	return err == nil && p.InScope(&u), err
}

// canReadEvent reports whether a principal with a group scope may read an event about a user in the scope. It may not
// read role events, or events that name a group outside the scope.
func (p Principal) canReadEvent(e *audit.Event) bool {
	return !slices.Contains(RoleActions, e.Action) && !slices.ContainsFunc(e.Targets, func(t audit.Actor) bool {
		return t.Type == audit.TypeGroup && !slices.Contains(p.Groups, account.GroupID(t.ID))
	})
}

// RoleActions are the audit actions about role assignments. They name groups outside the scope of a principal.
var RoleActions = []string{audit.RoleGranted, audit.RoleRevoked, audit.RoleLimited}
