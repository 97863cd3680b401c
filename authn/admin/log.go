package admin

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// Events returns a page of the audit log. A principal with a group scope gets the events about users in the scope, except
// those that canReadEvent excludes. It costs what those users have in the log: events of others are not read, so that neither
// the length of a page nor the cursor depends on them (protocol rule 21). next is the cursor of the next page, or empty at the
// end. A page may be short and have a cursor, if a filter leaves out nearly all events.
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
	if q.After, err = s.openCursor(p, q.After); err != nil {
		return nil, "", err
	}
	filter := q.Keep
	q.Keep = func(e audit.Entry) bool { return p.canReadEvent(&e.Event) && (filter == nil || filter(e)) }
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		r, scoped := s.Accounts.Reader(snap), q
		if scoped.Subjects == nil {
			if scoped.Subjects, err = r.MemberIDs(snap, p.Groups); err != nil {
				return err
			}
		}
		scoped.Visible = func(id string) (bool, error) { return p.hasInScope(r, id) }
		entries, next, err = s.Accounts.Log.Scan(snap, scoped)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if next != "" && (len(entries) == 0 || next != entries[len(entries)-1].ID) {
		next = s.sealCursor(p, next) // the id of an event that p may not read
	}
	return entries, next, nil
}

// hasInScope reports whether the user exists and is in the group scope of p.
func (p Principal) hasInScope(r account.Reader, id string) (bool, error) {
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
