package helpdesk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/store"
)

const (
	maxUnknown   = 2000 // open requests about unknown addresses
	crowdedWait  = 10 * time.Minute
	readInterval = time.Minute // between two readings of the store, which others change too
)

// unknownRequests lists the open requests about unknown addresses by network, so that a submission reads none of them. A submission
// takes a place before its Update and frees it afterwards. So submissions at the same time do not open too many, and do not
// displace the same request. It is safe for concurrent use.
type unknownRequests struct {
	mu     sync.Mutex
	read   time.Time
	by     map[string][]string // ids by network, oldest first
	listed int                 // ids in by
	taken  int                 // places
}

// place is that of a submission that may open a request about an unknown address.
type place struct {
	refused   bool   // there are too many requests, and the network of the client has the most of them
	displaced string // the request that a new one displaces; "": none
	network   string // of displaced
}

// takePlace takes a place for a submission from a network. If there are maxUnknown requests, a new one displaces the oldest of the
// network with most of them, and the clients of that network are refused.
func (s *Service) takePlace(ctx context.Context, network string, now time.Time) (p place, err error) {
	r := &s.unknown
	r.mu.Lock()
	defer r.mu.Unlock()
	full := func() bool { return r.listed+r.taken >= maxUnknown }
	if age := now.Sub(r.read); r.by == nil || full() && (age < 0 || age >= readInterval) {
		if err := s.readUnknown(ctx, now); err != nil {
			return place{}, err
		}
	}
	if full() {
		p.network = r.mostCrowded()
		most := r.by[p.network]
		p.refused = len(most) > 0 && len(r.by[network]) == len(most)
		p.displaced = r.removeOldest(p.network)
	}
	r.taken++
	return p, nil
}

// free frees the place of a submission. opened is the request about an unknown address that it opened, or nil.
func (r *unknownRequests) free(p place, opened *Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken--
	switch {
	case opened != nil:
		r.by[opened.Network] = append(r.by[opened.Network], opened.ID)
		r.listed++
	case p.displaced != "":
		r.by[p.network] = slices.Insert(r.by[p.network], 0, p.displaced)
		r.listed++
	}
}

// readUnknown lists the requests anew. r.mu is locked.
func (s *Service) readUnknown(ctx context.Context, now time.Time) error {
	r := &s.unknown
	by, n := map[string][]string{}, 0
	err := s.accounts.Store.View(ctx, func(snap store.Snapshot) error {
		return s.requests.Scan(snap, queuePrefix, "", 0, func(_ string, c Request) error {
			if c.User == "" {
				by[c.Network] = append(by[c.Network], c.ID)
				n++
			}
			return nil
		})
	})
	if err != nil {
		return fmt.Errorf("listing help requests about unknown addresses: %w", err)
	}
	r.by, r.listed, r.read = by, n, now
	return nil
}

// mostCrowded returns the network with most requests, of several the one with the oldest request. r.mu is locked.
func (r *unknownRequests) mostCrowded() (network string) {
	var most []string
	for other, ids := range r.by {
		if len(ids) > len(most) || len(ids) == len(most) && ids[0] < most[0] {
			network, most = other, ids
		}
	}
	return network
}

// removeOldest removes the oldest request of a network and returns its id, or "". r.mu is locked.
func (r *unknownRequests) removeOldest(network string) (id string) {
	ids := r.by[network]
	if len(ids) == 0 {
		return ""
	}
	if r.listed--; len(ids) == 1 {
		delete(r.by, network)
	} else {
		r.by[network] = ids[1:]
	}
	return ids[0]
}

// displace removes an open request about an unknown address, if it is still open.
func (s *Service) displace(tx *account.Tx, id string) error {
	if id == "" {
		return nil
	}
	c, err := s.find(tx.Raw, id)
	if errcode.Of(err) == errcode.NotFound || err == nil && (c.State.Closed() || c.User != "") {
		return nil
	}
	if err != nil {
		return err
	}
	return s.removeUnknown(tx, &c, "too_many")
}

// removeUnknown deletes an open request about an unknown address for a reason, with an event.
func (s *Service) removeUnknown(tx *account.Tx, c *Request, reason string) error {
	e := requestEvent(admin.Principal{}, audit.HelpRemoved, c)
	e.Actor, e.Reason = audit.System, reason
	if err := tx.Audit(e); err != nil {
		return err
	}
	return s.remove(tx, c)
}

// remove deletes a request and the records that find it.
func (s *Service) remove(tx *account.Tx, c *Request) error {
	keys := []string{c.ID, numberKey(c.Number), queueKey(c.ID)}
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
			return fmt.Errorf("deleting help request %q: %w", strings.TrimPrefix(key, queuePrefix), err)
		}
	}
	return nil
}
