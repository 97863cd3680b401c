package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/notice"
	"barillet/internal/throttle"
	"barillet/store"
)

const (
	maxUnknown   = 2000 // open requests about unknown addresses
	crowdedWait  = 10 * time.Minute
	loadInterval = time.Second // between counts of the store
	maxWaiting   = 10_000      // open requests that are counted for support
)

// load is what a submission must know about all requests. An Update cannot list records, so it is read before.
type load struct {
	refused   bool   // there are too many requests, and the network of the client has the most of them
	displaced string // the request that a new one about an unknown address displaces; "": none
	waiting   int    // open requests, if support is to get their number
}

// unknownRequests counts the open requests about unknown addresses by network. It is safe for concurrent use.
type unknownRequests struct {
	mu    sync.Mutex
	read  time.Time
	total int
	by    map[string]*networkRequests
}

type networkRequests struct {
	n      int
	oldest string // id
}

// opened counts a new request until the store is counted again.
func (r *unknownRequests) opened(network, displaced string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if displaced != "" {
		r.read = time.Time{} // the oldest one is unknown
		return
	}
	if r.by[network] == nil {
		r.by[network] = &networkRequests{}
	}
	r.total, r.by[network].n = r.total+1, r.by[network].n+1
}

// countUnknown reads the store if the last count is older than loadInterval. r.mu is locked.
func (s *Service) countUnknown(ctx context.Context, now time.Time) error {
	r := &s.unknown
	if age := now.Sub(r.read); r.by != nil && age >= 0 && age < loadInterval {
		return nil
	}
	err := s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		r.total, r.by = 0, map[string]*networkRequests{}
		return s.requests.Scan(snap, unknownPrefix, "", 0, func(_ string, c Request) error {
			r.total++
			if r.by[c.Network] == nil {
				r.by[c.Network] = &networkRequests{oldest: c.ID}
			}
			r.by[c.Network].n++
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("counting help requests about unknown addresses: %w", err)
	}
	r.read = now
	return nil
}

// readLoad returns the load for a submission of the client. If there are maxUnknown requests, a new one displaces the oldest of
// the network with most of them, and the clients of that network are refused.
func (s *Service) readLoad(ctx context.Context, op *account.Operation) (l load, err error) {
	if err := s.readUnknown(ctx, op, &l); err != nil {
		return load{}, err
	}
	err = s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		mails, err := s.accounts.Limiter.Peek(snap, op.Now, throttle.SupportMails, everyone)
		if err != nil || mails.OK {
			return err
		}
		digest, err := s.accounts.Limiter.Peek(snap, op.Now, throttle.SupportDigests, everyone)
		if err != nil || !digest.OK {
			return err
		}
		l.waiting = 0
		return s.requests.Scan(snap, openPrefix, "", maxWaiting, func(string, Request) error {
			l.waiting++
			return nil
		})
	})
	if err != nil {
		return load{}, fmt.Errorf("counting open help requests: %w", err)
	}
	return l, nil
}

func (s *Service) readUnknown(ctx context.Context, op *account.Operation, l *load) error {
	r, network := &s.unknown, site(op.Request.Address)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := s.countUnknown(ctx, op.Now); err != nil || r.total < maxUnknown {
		return err
	}
	var most *networkRequests
	for _, x := range r.by {
		if most == nil || x.n > most.n || x.n == most.n && x.oldest < most.oldest {
			most = x
		}
	}
	if own := r.by[network]; own != nil && own.n == most.n {
		l.refused = true
	}
	l.displaced = most.oldest
	return nil
}

// everyone is the subject of a limit of the whole service.
const everyone = "all"

// notifySupport sends a submission to support. If there are too many for one email each, it sends their number once an hour.
func (s *Service) notifySupport(tx *account.Tx, q checkedSubmission, u *account.User, t Text, joined *Request) error {
	support := s.accounts.Policy.Support
	if support == "" {
		return nil
	}
	ok, err := s.takeFirst(tx, t.trusted())
	if err != nil {
		return err
	}
	var m notice.Notice = notice.HelpWaiting{Context: notice.Context{At: tx.Op.Now}, Count: q.load.waiting}
	switch {
	case ok:
		if m, err = s.forSupport(tx, q, u, t, joined); err != nil {
			return err
		}
	case q.load.waiting == 0:
		return nil
	default:
		v, err := s.accounts.Limiter.Take(tx.Raw, tx.Op.Now, throttle.SupportDigests, everyone)
		if err != nil || !v.OK {
			return err
		}
	}
	return tx.SendTo(nil, []string{support}, m, time.Time{})
}

// takeFirst counts an email to support. A part of the limit is reserved for trusted texts.
func (s *Service) takeFirst(tx *account.Tx, trusted bool) (bool, error) {
	limits := []throttle.Limit{throttle.SupportMails}
	if trusted {
		limits = append(limits, throttle.TrustedSupportMails)
	}
	for _, limit := range limits {
		v, err := s.accounts.Limiter.Take(tx.Raw, tx.Op.Now, limit, everyone)
		if err != nil || v.OK {
			return v.OK, err
		}
	}
	return false, nil
}

// forSupport returns the email about a submission.
func (s *Service) forSupport(tx *account.Tx, q checkedSubmission, u *account.User, t Text, joined *Request) (notice.Notice, error) {
	m := notice.HelpForSupport{Context: notice.Context{At: tx.Op.Now, Browser: input.DescribeUserAgent(tx.Op.Request.Agent), Address: t.Address},
		Reference: t.Reference, From: q.address, KnownUser: u.ID != "", Topic: q.topic, Message: q.message, PasswordProven: t.PasswordProven,
		KnownBrowser: t.KnownBrowser}
	if joined != nil {
		m.Open = joined.Reference
	}
	if u.ID == "" {
		return m, nil
	}
	m.User, m.Number = u.DisplayName(), u.TelephoneNumber()
	if len(u.Groups) == 0 {
		return m, nil
	}
	var err error
	m.Group, err = groupName(tx, u.Groups[0])
	return m, err
}

// displace removes an open request about an unknown address, if it is still open.
func (s *Service) displace(tx *account.Tx, id string) error {
	if id == "" {
		return nil
	}
	c, err := s.find(tx.Raw, id)
	if errcode.Of(err) == errcode.NotFound || err == nil && (c.State.closed() || c.User != "") {
		return nil
	}
	if err != nil {
		return err
	}
	e := requestEvent(admin.Principal{}, audit.HelpRemoved, &c)
	e.Actor, e.Reason = audit.System, "too_many"
	if err := tx.Audit(e); err != nil {
		return err
	}
	return s.remove(tx, &c)
}

// remove deletes a request and the records that find it.
func (s *Service) remove(tx *account.Tx, c *Request) error {
	keys := []string{c.ID}
	for _, reference := range c.references() {
		keys = append(keys, s.referenceKey(reference))
	}
	if c.User == "" {
		keys = append(keys, unknownKey(c.ID))
	}
	open := s.openKey(c.openSubject())
	latest, err := s.requests.Get(tx.Raw, open)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("looking up open help request: %w", err)
	}
	if latest.ID == c.ID {
		keys = append(keys, open)
	}
	for _, key := range keys {
		if err := s.requests.Delete(tx.Raw, key); err != nil {
			return fmt.Errorf("deleting help request %q: %w", strings.TrimPrefix(key, unknownPrefix), err)
		}
	}
	return nil
}
