package helpdesk

import (
	"context"
	"fmt"
	"slices"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

// RequestQuery asks for cases, oldest first: who has waited longest stands on top. The zero value is all.
type RequestQuery struct {
	Status    State
	User      account.UserID
	Reference string // as the person names it
	After     string // the cursor of an earlier call: a case's id
	Limit     int    // 1 to 200; 0 means 200
}

// maxScanned is how many cases one call reads at most before it gives what it has with a cursor.
const maxScanned = 2000

// Requests lists help requests. An operator limited to groups sees those of people within, and none of addresses
// that nobody has. next is the cursor for more, "" at the end.
func (s *Service) Requests(ctx context.Context, p admin.Principal, q RequestQuery) (cases []Request, next string, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if q.Status != "" && !q.Status.valid() {
		return nil, "", errcode.InvalidField("status", "unknown")
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	if p.Scoped() {
		return s.requestsInScope(ctx, p, q)
	}
	return s.scan(ctx, q, false)
}

// requestsInScope is Cases for an operator limited to groups. It reads on until a page is full of what lies within:
// a short page, or a cursor, would tell of cases outside and when they were sent (PROTOCOL 21).
func (s *Service) requestsInScope(ctx context.Context, p admin.Principal, q RequestQuery) (cases []Request, next string, err error) {
	for limit := q.Limit; ; q.After = next {
		var found []Request
		if found, next, err = s.scan(ctx, q, true); err != nil {
			return nil, "", err
		}
		var within []Request
		if err := s.accounts.View(ctx, func(r account.Reader) error {
			within = nil
			for _, c := range found {
				switch err := s.requestInScope(r, p, &c); {
				case err == nil:
					within = append(within, c)
				case errcode.Of(err) != errcode.NotFound:
					return err
				}
			}
			return nil
		}); err != nil {
			return nil, "", err
		}
		if cases = append(cases, within...); len(cases) > limit {
			return cases[:limit], cases[limit-1].ID, nil
		}
		if next == "" {
			return cases, "", nil
		}
	}
}

// scan reads the cases that a query asks for; of known people only, if so.
func (s *Service) scan(ctx context.Context, q RequestQuery, known bool) (found []Request, next string, err error) {
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		found, next = nil, ""
		read, last, more := 0, "", false
		err := s.requests.Scan(snap, "", q.After, 0, func(id string, c Request) error {
			if !isRequestID(id) {
				return store.ErrStop // they sort behind all cases
			}
			if more = read == maxScanned || len(found) == q.Limit; more {
				return store.ErrStop
			}
			read, last = read+1, id
			if (q.Status == "" || c.State == q.Status) && (q.User == "" || c.User == q.User) &&
				(q.Reference == "" || c.hasReference(q.Reference)) && (!known || c.User != "") {
				found = append(found, c)
			}
			return nil
		})
		if more {
			next = last
		}
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing help requests: %w", err)
	}
	return found, next, nil
}

// hasReference tells whether the case goes by a reference, its own or of a text that joined it.
func (c *Request) hasReference(reference string) bool {
	return c.Reference == reference || slices.ContainsFunc(c.FollowUps, func(t FollowUp) bool { return t.Reference == reference })
}

// requestInScope judges whether the operator may know of a case: NotFound if not.
func (s *Service) requestInScope(r account.Reader, p admin.Principal, c *Request) error {
	if !p.Scoped() {
		return nil
	}
	if c.User == "" || c.unscopedOnly() {
		return errcode.New(errcode.NotFound)
	}
	u, err := r.User(c.User)
	if err != nil {
		return err
	}
	return admin.Authorize(p, admin.PermRead, &u)
}

// RecentSecurityChanges are what was changed about the person of a case in the last seven days (PROTOCOL 24); none where the
// address is nobody's. Whoever is limited to groups is told of no role and no garage, which are known here by name alone
// (PROTOCOL 21). NotFound as with Case.
func (s *Service) RecentSecurityChanges(ctx context.Context, p admin.Principal, c *Request) ([]account.Activity, error) {
	if c.User == "" {
		return nil, nil
	}
	u, err := s.Admin.User(ctx, p, string(c.User))
	if errcode.Of(err) == errcode.NotFound && !p.Scoped() {
		return nil, nil // deleted since
	}
	changes := u.RecentSecurityChanges(s.accounts.Now())
	if p.Scoped() {
		changes = slices.DeleteFunc(changes, func(x account.Activity) bool {
			return slices.Contains(admin.RoleActions, x.What) || x.What == audit.GroupMemberAdded || x.What == audit.GroupMemberRemoved
		})
	}
	return changes, err
}

// Request reads one help request; NotFound when there is none that this operator may know of.
func (s *Service) Request(ctx context.Context, p admin.Principal, id string) (Request, error) {
	if err := p.Require(admin.PermRead); err != nil {
		return Request{}, err
	}
	var c Request
	if err := s.accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		c, err = s.find(snap, id)
		return err
	}); err != nil {
		return Request{}, err
	}
	if err := s.accounts.View(ctx, func(r account.Reader) error { return s.requestInScope(r, p, &c) }); err != nil {
		return Request{}, err
	}
	return c, nil
}
