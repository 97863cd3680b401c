package helpdesk

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
	"barillet/store"
)

// RequestQuery selects help requests, oldest first. The zero value selects all.
type RequestQuery struct {
	Status    State
	Waiting   bool // open or in progress
	User      account.UserID
	Group     account.GroupID // about its members
	Assignee  string          // Me, or the id of an administrator
	Reference string          // as the user states it
	After     string          // the cursor of an earlier call
	Limit     int             // 1 to 200; 0 means 200
}

// Requests returns a page of help requests. A principal with a group scope gets those about users in the scope, and
// none about unknown addresses. next is the cursor of the next page, or empty at the end. A page has a cursor although it is short or
// empty if Requests read as many records as one call may. Otherwise a cursor means that one more request is selected, so neither page
// nor cursor reveals a request outside the scope (protocol rule 21).
func (s *Service) Requests(ctx context.Context, p admin.Principal, q RequestQuery) (found []Request, next string, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return nil, "", err
	}
	if q.Status != "" && !q.Status.valid() {
		return nil, "", errcode.InvalidField("status", "unknown")
	}
	if q.Limit <= 0 || q.Limit > 200 {
		q.Limit = 200
	}
	if q.Assignee == Me {
		q.Assignee = p.Owner
	}
	if q.After, _, err = s.Admin.OpenCursor(p.ID, q.After); err != nil {
		return nil, "", err
	}
	last := "" // the last request that was read, if there can be more
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		if q.Reference != "" {
			found, err = s.withReference(snap, p, q)
			return err
		}
		found, last, err = s.scan(snap, p, q)
		return err
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing help requests: %w", err)
	}
	if last != "" && p.Scoped() && (len(found) == 0 || last != found[len(found)-1].ID) {
		last = s.Admin.SealCursor(p.ID, last, false) // the id of a request that p may not read
	}
	return found, last, nil
}

// scan returns the requests that a query selects. It reads those that are not closed from the queue, so that it does not read the
// others.
func (s *Service) scan(snap store.Snapshot, p admin.Principal, q RequestQuery) (found []Request, next string, err error) {
	prefix := ""
	if q.Waiting || q.Status != "" && !q.Status.Closed() {
		prefix = queuePrefix
	}
	after := q.After
	if after != "" {
		after = prefix + after
	}
	r, read, last := s.accounts.Reader(snap), 0, ""
	err = s.requests.Scan(snap, prefix, after, 0, func(key string, c Request) error {
		if prefix == "" && !isRequestID(key) {
			return store.ErrStop // the records that find requests sort after them
		}
		if read >= s.pageReads {
			next = last
			return store.ErrStop
		}
		read, last = read+1, c.ID
		if !q.selects(&c) {
			return nil
		}
		if p.Scoped() || q.Group != "" {
			read++ // of the user
		}
		if listed, err := s.lists(r, p, q, &c); err != nil || !listed {
			return err
		}
		if len(found) == q.Limit {
			next = found[q.Limit-1].ID
			return store.ErrStop
		}
		if prefix != "" {
			if c, err = s.requests.Get(snap, c.ID); err != nil {
				if account.Missing(err) {
					return nil
				}
				return err
			}
		}
		found = append(found, c)
		return nil
	})
	return found, next, err
}

// withReference returns the request with the reference of a query. It reads no other request.
func (s *Service) withReference(snap store.Snapshot, p admin.Principal, q RequestQuery) ([]Request, error) {
	if _, is := s.numberOf(q.Reference); !is {
		return nil, nil
	}
	c, err := s.find(snap, q.Reference)
	switch {
	case errcode.Of(err) == errcode.NotFound, err == nil && (c.ID <= q.After || !q.selects(&c)):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if listed, err := s.lists(s.accounts.Reader(snap), p, q, &c); err != nil || !listed {
		return nil, err
	}
	return []Request{c}, nil
}

// OpenCount is the number of requests without an assignee.
type OpenCount struct {
	N      int
	More   bool      // there can be others, which CountOpen did not read
	Oldest time.Time // when the oldest was sent
}

// CountOpen counts the requests that p may read and that have no assignee, at most limit of them, the oldest first. It reads a bounded
// part of the queue, because each page of the console shows the number.
func (s *Service) CountOpen(ctx context.Context, p admin.Principal, limit int) (count OpenCount, err error) {
	if err := p.Require(admin.PermRead); err != nil {
		return OpenCount{}, err
	}
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		r, read := s.accounts.Reader(snap), 0
		count = OpenCount{}
		return s.requests.Scan(snap, queuePrefix, "", 0, func(_ string, c Request) error {
			if count.More = read >= s.countReads; count.More {
				return store.ErrStop
			}
			if read++; c.State != StateOpen {
				return nil
			}
			if p.Scoped() {
				read++ // of the user
			}
			if listed, err := s.lists(r, p, RequestQuery{}, &c); err != nil || !listed {
				return err
			}
			if count.More = count.N == limit; count.More {
				return store.ErrStop
			}
			if count.N++; count.N == 1 {
				count.Oldest = c.At
			}
			return nil
		})
	})
	if err != nil {
		return OpenCount{}, fmt.Errorf("counting open help requests: %w", err)
	}
	return count, nil
}

// lists reports whether p may read a request that a query selects, and whether it is about a member of the group of the query.
func (s *Service) lists(r account.Reader, p admin.Principal, q RequestQuery, c *Request) (bool, error) {
	err := s.requestInScope(r, p, c)
	if err == nil && q.Group != "" {
		var u account.User
		if u, err = r.User(c.User); err == nil && !slices.Contains(u.Groups, q.Group) {
			return false, nil
		}
	}
	if account.Missing(err) {
		return false, nil
	}
	return err == nil, err
}

// selects reports whether a query selects a request.
func (q RequestQuery) selects(c *Request) bool {
	return (q.Status == "" || c.State == q.Status) && (q.User == "" || c.User == q.User) && (q.Assignee == "" || c.Assignee == q.Assignee) &&
		(!q.Waiting || !c.State.Closed()) && (q.Group == "" || c.User != "")
}

// requestInScope returns NotFound if p may not read the request.
func (s *Service) requestInScope(r account.Reader, p admin.Principal, c *Request) error {
	if !p.Scoped() {
		return nil
	}
	if c.User == "" || c.unscopedOnly() {
		return errcode.New(errcode.NotFound)
	}
	if within, err := p.HasInScope(r, c.User); err != nil || within {
		return err
	}
	return errcode.New(errcode.NotFound)
}

// RecentSecurityChanges returns the security changes of the user of a request in the last seven days (protocol rule
// 24). It returns none for an unknown address. For a principal with a group scope it omits roles and groups (protocol
// rule 21). It returns NotFound as Request does.
func (s *Service) RecentSecurityChanges(ctx context.Context, p admin.Principal, c *Request) ([]account.Activity, error) {
	u, err := s.userOf(ctx, p, c)
	return p.VisibleActivity(u.RecentSecurityChanges(s.accounts.Now())), err
}

// NumbersOf returns the numbers on file of the user of a request; none for an unknown address. It returns NotFound as Request does.
func (s *Service) NumbersOf(ctx context.Context, p admin.Principal, c *Request) ([]Number, error) {
	u, err := s.userOf(ctx, p, c)
	return Numbers(&u, s.accounts.Now()), err
}

// userOf returns the user of a request; a zero User if the address is unknown or the user was deleted.
func (s *Service) userOf(ctx context.Context, p admin.Principal, c *Request) (account.User, error) {
	if c.User == "" {
		return account.User{}, nil
	}
	u, err := s.Admin.User(ctx, p, string(c.User))
	if errcode.Of(err) == errcode.NotFound && !p.Scoped() {
		err = nil
	}
	return u, err
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

// OpenRequestOf returns the open help request of a user; nil if there is none that p may read.
func (s *Service) OpenRequestOf(ctx context.Context, p admin.Principal, id string) (open *Request, err error) {
	err = s.accounts.View(ctx, func(r account.Reader) error {
		u, err := admin.FindUser(r, p, admin.PermRead, id)
		if err != nil {
			return err
		}
		if open, err = s.findOpen(r.Raw, subjectOf(u.ID, "")); err != nil || open == nil {
			return err
		}
		if err = s.requestInScope(r, p, open); errcode.Of(err) == errcode.NotFound {
			open, err = nil, nil
		}
		return err
	})
	return open, err
}
