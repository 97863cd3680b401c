// Package admission limits the requests in flight and the bytes of their bodies, in total and for each client and its
// networks. A request that does not fit waits briefly for a place. It knows no routes and no credentials: the caller
// names the user of a request, who may use the places that are kept.
package admission

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"sync"
	"time"

	"barillet/internal/throttle"
)

var (
	// ErrClient is the error of a request whose client or network has all its places in use.
	ErrClient = errors.New("the client has too many requests in flight")
	// ErrService is the error of a request while all places of the service are in use.
	ErrService = errors.New("the service has too many requests in flight")
)

// The limits. Of each number, a quarter is kept for the requests of users that the service knows.
const (
	clientPlaces  = 64 // of an IPv4 address or an IPv6 /64
	networkPlaces = 2 * clientPlaces
	largePlaces   = 4 * clientPlaces // of an IPv6 /48
	totalPlaces   = 1024
	userPlaces    = clientPlaces / 2 // of those that are kept, for one user in any number of networks

	bytesPerPlace = 64 << 10 // bodies in flight, for each place of the limit

	maxWait = 1500 * time.Millisecond
)

// limits are the places of the levels: the client, its network, its large network, and the service.
var limits = [...]int{clientPlaces, networkPlaces, largePlaces, totalPlaces}

const service = len(limits) - 1

// use is what the requests of a level use.
type use struct {
	places, waiting int
	bytes           int64
}

// waiter is a request that waits for a place.
type waiter struct {
	place    *Place
	admitted chan struct{}
}

// Controller admits requests. It is safe for concurrent use; the zero value is ready.
type Controller struct {
	mu      sync.Mutex
	used    map[netip.Prefix]use
	kept    map[string]int // kept places in use, by user
	waiters []*waiter      // in the order of their arrival
}

// Place is the place of a request. Release it once.
type Place struct {
	c      *Controller
	levels [len(limits)]netip.Prefix
	bytes  int64
	user   string // "" if unknown
	kept   bool   // it is one of the kept places
}

// Acquire returns a place for a request of a client with a body of at most so many bytes. If only places that are kept
// are free, it calls user, which returns the user of the request: a request without one, "", may not use them. If there is
// none, Acquire waits for a short time. The error is ErrClient or ErrService, or that of ctx.
func (c *Controller) Acquire(ctx context.Context, client netip.Addr, bytes int64, user func() string) (*Place, error) {
	p := &Place{c: c, levels: levels(client), bytes: bytes}
	c.mu.Lock()
	full := c.admit(p)
	c.mu.Unlock()
	if full < 0 {
		return p, nil
	}
	p.user = user()
	return c.wait(ctx, p)
}

// wait is the rest of Acquire for a request that found no free place.
func (c *Controller) wait(ctx context.Context, p *Place) (*Place, error) {
	w := &waiter{place: p, admitted: make(chan struct{})}
	c.mu.Lock()
	full := c.admit(p)
	if full < 0 {
		c.mu.Unlock()
		return p, nil
	}
	if c.crowded(p) {
		c.mu.Unlock()
		return nil, errorOf(full)
	}
	c.waiters = append(c.waiters, w)
	c.count(p, 1)
	c.mu.Unlock()

	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	var err error
	select {
	case <-w.admitted:
		return p, nil
	case <-ctx.Done():
		err = ctx.Err()
	case <-timer.C:
		err = errorOf(full)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := slices.Index(c.waiters, w)
	if at < 0 {
		return p, nil // admitted at the same time
	}
	c.waiters = slices.Delete(c.waiters, at, at+1)
	c.count(p, -1)
	return nil, err
}

// Release ends the use of the place.
func (p *Place) Release() {
	c := p.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, level := range p.levels {
		u := c.used[level]
		u.places--
		u.bytes -= p.bytes
		c.set(level, u)
	}
	if p.kept {
		if c.kept[p.user]--; c.kept[p.user] == 0 {
			delete(c.kept, p.user)
		}
	}
	c.admitWaiting()
}

// admitWaiting admits the waiting requests that now fit, the oldest first. c.mu is locked.
func (c *Controller) admitWaiting() {
	if len(c.waiters) == 0 {
		return
	}
	var refused netip.Prefix // the last client whose request does not fit; its next one seldom does
	c.waiters = slices.DeleteFunc(c.waiters, func(w *waiter) bool {
		client := w.place.levels[0]
		if client == refused && w.place.user == "" {
			return false
		}
		if c.admit(w.place) >= 0 {
			refused = client
			return false
		}
		c.count(w.place, -1)
		close(w.admitted)
		return true
	})
}

// admit takes the place if the request fits, and returns -1. Otherwise it returns the first level at which it does not fit. Only a
// user has the places that are kept, and each a share of them: one session from many networks does not use all. c.mu is locked.
func (c *Controller) admit(p *Place) int {
	full := c.full(p, false)
	if full >= 0 && p.user != "" && c.kept[p.user] < userPlaces {
		if full = c.full(p, true); full < 0 {
			p.kept = true
			if c.kept == nil {
				c.kept = map[string]int{}
			}
			c.kept[p.user]++
		}
	}
	if full < 0 {
		c.add(p)
	}
	return full
}

// full returns the first level at which the request does not fit, or -1. c.mu is locked.
func (c *Controller) full(p *Place, known bool) int {
	for i, level := range p.levels {
		most, u := limits[i], c.used[level]
		if !known {
			most -= most / 4
		}
		if u.places >= most || u.bytes+p.bytes > int64(most)*bytesPerPlace {
			return i
		}
	}
	return -1
}

// crowded reports whether too many requests wait at a level: as many as it has places. c.mu is locked.
func (c *Controller) crowded(p *Place) bool {
	for i, level := range p.levels {
		if c.used[level].waiting >= limits[i] {
			return true
		}
	}
	return false
}

// add takes the place. c.mu is locked.
func (c *Controller) add(p *Place) {
	for _, level := range p.levels {
		u := c.used[level]
		u.places++
		u.bytes += p.bytes
		c.set(level, u)
	}
}

// count changes the number of waiting requests. c.mu is locked.
func (c *Controller) count(p *Place, by int) {
	for _, level := range p.levels {
		u := c.used[level]
		u.waiting += by
		c.set(level, u)
	}
}

func (c *Controller) set(level netip.Prefix, u use) {
	if u == (use{}) {
		delete(c.used, level)
		return
	}
	if c.used == nil {
		c.used = map[netip.Prefix]use{}
	}
	c.used[level] = u
}

// errorOf returns the error of a full level.
func errorOf(level int) error {
	if level == service {
		return ErrService
	}
	return ErrClient
}

// levels returns the keys of Controller.used for a client. The last one, of the service, is the zero Prefix.
func levels(client netip.Addr) (all [len(limits)]netip.Prefix) {
	networks := throttle.Levels(client)
	copy(all[:], networks[:])
	return all
}
