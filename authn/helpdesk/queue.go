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

// RequestQuery selects help requests, oldest first. The zero value selects all.
type RequestQuery struct {
	Status    State
	User      account.UserID
	Reference string // as the user states it
	After     string // the cursor of an earlier call
	Limit     int    // 1 to 200; 0 means 200
}

// maxScanned is the maximum number of requests that one call reads before it returns a cursor.
const maxScanned = 2000

// Requests returns a page of help requests. A principal with a group scope gets those about users in the scope, and
// none about unknown addresses. next is the cursor of the next page, or empty at the end.
func (s *Service) Requests(ctx context.Context, p admin.Principal, q RequestQuery) (requests []Request, next string, err error) {
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

// requestsInScope returns the requests in the group scope of p. It reads until the page is full: a short page or a
// cursor would reveal requests outside the scope and their time (protocol rule 21).
func (s *Service) requestsInScope(ctx context.Context, p admin.Principal, q RequestQuery) (requests []Request, next string, err error) {
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
		if requests = append(requests, within...); len(requests) > limit {
			return requests[:limit], requests[limit-1].ID, nil
		}
		if next == "" {
			return requests, "", nil
		}
	}
}

// scan returns the requests that match a query. If known is set, it omits requests about unknown addresses.
func (s *Service) scan(ctx context.Context, q RequestQuery, known bool) (found []Request, next string, err error) {
	if q.Reference != "" {
		found, err = s.withReference(ctx, q, known)
		return found, "", err
	}
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		found, next = nil, ""
		read, last, more := 0, "", false
		err := s.requests.Scan(snap, "", q.After, 0, func(id string, c Request) error {
			if !isRequestID(id) {
				return store.ErrStop // the records that find requests sort after them
			}
			if more = read == maxScanned || len(found) == q.Limit; more {
				return store.ErrStop
			}
			read, last = read+1, id
			if q.selects(&c, known) {
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

// withReference returns the request with the reference of a query. It reads no other request.
func (s *Service) withReference(ctx context.Context, q RequestQuery, known bool) (found []Request, err error) {
	if _, is := s.numberOf(q.Reference); !is {
		return nil, nil
	}
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		found = nil
		c, err := s.find(snap, q.Reference)
		if err == nil && c.ID > q.After && q.selects(&c, known) {
			found = append(found, c)
		}
		if errcode.Of(err) == errcode.NotFound {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("listing help requests: %w", err)
	}
	return found, nil
}

// selects reports whether a query selects a request. If known is set, it selects none about an unknown address.
func (q RequestQuery) selects(c *Request, known bool) bool {
	return (q.Status == "" || c.State == q.Status) && (q.User == "" || c.User == q.User) && (!known || c.User != "")
}

// requestInScope returns NotFound if p may not read the request.
func (s *Service) requestInScope(r account.Reader, p admin.Principal, c *Request) error {
	if !p.Scoped() {
		return nil
	}
	if c.User == "" || c.unscopedOnly() {
		return errcode.New(errcode.NotFound)
	}
	u, err := r.User(c.User)
	if account.Missing(err) {
		return errcode.New(errcode.NotFound)
	}
	if err != nil {
		return err
	}
	return admin.Authorize(p, admin.PermRead, &u)
}

// RecentSecurityChanges returns the security changes of the user of a request in the last seven days (protocol rule
// 24). It returns none for an unknown address. For a principal with a group scope it omits roles and groups (protocol
// rule 21). It returns NotFound as Request does.
func (s *Service) RecentSecurityChanges(ctx context.Context, p admin.Principal, c *Request) ([]account.Activity, error) {
	if c.User == "" {
		return nil, nil
	}
	u, err := s.Admin.User(ctx, p, string(c.User))
	if errcode.Of(err) == errcode.NotFound && !p.Scoped() {
		return nil, nil // deleted after the request
	}
	changes := u.RecentSecurityChanges(s.accounts.Now())
	if p.Scoped() {
		changes = slices.DeleteFunc(changes, func(x account.Activity) bool {
			return slices.Contains(admin.RoleActions, x.What) || x.What == audit.GroupMemberAdded || x.What == audit.GroupMemberRemoved
		})
	}
	return changes, err
}

// Request returns one help request. It returns NotFound if there is none that p may read.
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
