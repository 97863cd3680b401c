package admin

import (
	"context"
	"slices"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// searchLimits are the maximum of users in a group scope whose events are found by the index alone: for most pages, and for one after
// an empty page. Each costs a key of the index.
type searchLimits struct{ merged, sought int }

var defaultSearch = searchLimits{4_000, 40_000}

// Events returns a page of the audit log. A principal with a group scope gets the events about users in the scope, except
// those that canReadEvent excludes. For a scope of at most search.merged users it reads these events and a key of each user, so that
// neither the length of a page nor the cursor depends on events of others (protocol rule 21). For more, it reads the log in the order
// of time.
// next is the cursor of the next page, or empty at the end. A page may be short and have a cursor, if a filter leaves out nearly all
// events. Without a filter, no page that follows an empty one is empty, except the last, for a scope of at most search.sought users.
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
	after, dry, err := s.OpenCursor(p.ID, q.After)
	if err != nil {
		return nil, "", err
	}
	filter := q.Keep
	q.After, q.Keep = after, func(e audit.Entry) bool { return p.canReadEvent(&e.Event) && (filter == nil || filter(e)) }
	limit := s.search.merged
	if dry {
		limit = s.search.sought
	}
	err = s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
		r, scoped := s.Accounts.Reader(snap), q
		if scoped.Subjects == nil {
			ids, err := r.MemberIDs(snap, p.Groups, limit)
			if err != nil {
				return err
			}
			if len(ids) <= limit {
				slices.Sort(ids)
				scoped.Subjects = slices.Compact(ids)
			}
		}
		scoped.Visible = func(id string) (bool, error) { return p.HasInScope(r, account.UserID(id)) }
		var err error
		entries, next, err = s.Accounts.Log.Scan(snap, scoped)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if next != "" && (len(entries) == 0 || next != entries[len(entries)-1].ID) {
		next = s.SealCursor(p.ID, next, len(entries) == 0) // the id of an event that p may not read
	}
	return entries, next, nil
}

// Event returns an event that Events would return, or NotFound.
func (s *Service) Event(ctx context.Context, p Principal, id string) (audit.Entry, error) {
	at, err := audit.TimeOf(id)
	if err != nil {
		return audit.Entry{}, errcode.New(errcode.NotFound)
	}
	found, _, err := s.Events(ctx, p, audit.Query{Since: at, Until: at.Add(1), Limit: 1, Keep: func(e audit.Entry) bool { return e.ID == id }})
	if err == nil && len(found) == 0 {
		err = errcode.New(errcode.NotFound)
	}
	if err != nil {
		return audit.Entry{}, err
	}
	return found[0], nil
}

// BeginExport appends the event of an export of the log, and checks that p may export: a file outlives a mistake. what describes the
// selected events. The events are those that Events returns.
func (s *Service) BeginExport(ctx context.Context, p Principal, req account.RequestInfo, what map[string]string) error {
	if err := p.Require(PermExport); err != nil {
		return err
	}
	_, err := account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		return struct{}{}, tx.Audit(audit.Event{Actor: p.Actor(), Action: audit.LogExported, Outcome: audit.Success, Detail: what})
	})
	return err
}

// HasInScope reports whether the user exists and is in the group scope of p.
func (p Principal) HasInScope(r account.Reader, id account.UserID) (bool, error) {
	sum, err := r.Summary(id)
	if account.Missing(err) {
		return false, nil
	}
	return err == nil && p.covers(sum.Groups, len(sum.Roles)), err
}

// canReadEvent reports whether a principal with a group scope may read an event about a user in the scope. It may not
// read role events, or events that name a group outside the scope.
func (p Principal) canReadEvent(e *audit.Event) bool {
	return !slices.Contains(RoleActions, e.Action) && !slices.ContainsFunc(e.Targets, func(t audit.Actor) bool {
		return t.Type == audit.TypeGroup && !slices.Contains(p.Groups, account.GroupID(t.ID))
	})
}

// VisibleActivity returns what p may read of the activity of a user in scope: with a group scope neither roles nor groups (protocol
// rule 21).
func (p Principal) VisibleActivity(events []account.Activity) []account.Activity {
	return slices.DeleteFunc(slices.Clone(events), func(a account.Activity) bool {
		return p.Scoped() && (slices.Contains(RoleActions, a.What) || a.What == audit.GroupMemberAdded || a.What == audit.GroupMemberRemoved)
	})
}

// RoleActions are the audit actions about role assignments. They name groups outside the scope of a principal.
var RoleActions = []string{audit.RoleGranted, audit.RoleRevoked, audit.RoleLimited, audit.RoleRequested, audit.RoleRefused}
