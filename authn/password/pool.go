package password

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"barillet/internal/errcode"
)

// maxWait is the maximum time that a caller waits for a hash.
const maxWait = 2 * time.Second

// ErrOverloaded is the error of a hash that would wait longer than two seconds.
var ErrOverloaded error = &errcode.Error{Code: errcode.Overloaded, RetryAfter: maxWait}

// pool limits the number of hashes that run at the same time. Calls with and without priority wait in a queue each, in the
// order of their arrival. Known browsers have priority, so that many unauthenticated clients do not block the sign-in of
// users (protocol rule 18):
//
//   - Calls without priority use at most two thirds of the slots, rounded up.
//   - If both queues have waiters, those with priority go first, but at most two in a row. A client with a known browser
//     therefore cannot block all others.
//   - A caller that would wait longer than maxWait gets ErrOverloaded immediately.
type pool struct {
	slots    int
	maxQueue int // number of hashes that the pool finishes within maxWait

	mu         sync.Mutex
	running    int
	lowRunning int          // running without priority
	highInRow  int          // served with priority in a row while a waiter without priority waited
	queue      [2]list.List // of *waiter, by rank
	refused    uint64       // calls that got ErrOverloaded
}

// Load is the use of the queue of hashes.
type Load struct {
	Running, Waiting int
	Refused          uint64 // since the start
}

// Load returns the present use.
func (h *Hasher) Load() Load {
	p := h.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	return Load{Running: p.running, Waiting: p.queue[low].Len() + p.queue[high].Len(), Refused: p.refused}
}

// rank is the index of a queue.
type rank int

const (
	low  rank = iota // without priority
	high             // with priority
)

// waiter is a call that waits for a slot. ready is closed, under the lock of the pool, when the waiter has a slot.
type waiter struct {
	rank  rank
	ready chan struct{}
}

func newPool(slots, maxQueue int) *pool {
	return &pool{slots: slots, maxQueue: max(maxQueue, slots)}
}

// queueLength returns the number of hashes that a pool finishes within maxWait. It assumes that one pass over 1 MiB takes one
// millisecond of one core. On a slower machine the timer of each waiter applies.
func queueLength(slots int, cost Cost) int {
	each := time.Duration(cost.Memory) * time.Duration(cost.Time) * time.Millisecond / 1024
	return int(time.Duration(slots) * maxWait / each)
}

// acquire waits for a slot. The caller must call release once. The error is ErrOverloaded, or wraps that of ctx.
func (p *pool) acquire(ctx context.Context, priority bool) (release func(), err error) {
	w := &waiter{ready: make(chan struct{})}
	if priority {
		w.rank = high
	}
	place, err := p.enqueue(w)
	if err != nil {
		return nil, err
	}
	release = func() { p.release(w) }
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-w.ready:
		return release, nil
	case <-timer.C:
		if p.abandon(place, w) {
			p.refuse()
			return nil, ErrOverloaded
		}
		return release, nil // the waiter got a slot at the same moment
	case <-ctx.Done():
		if !p.abandon(place, w) {
			release()
		}
		return nil, fmt.Errorf("waiting to hash a password: %w", context.Cause(ctx))
	}
}

// enqueue adds a waiter to its queue. It returns ErrOverloaded if the queue is too long.
func (p *pool) enqueue(w *waiter) (*list.Element, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ahead(w.rank) >= p.maxQueue {
		p.refused++
		return nil, ErrOverloaded
	}
	place := p.queue[w.rank].PushBack(w)
	p.serve()
	return place, nil
}

// ahead returns the number of waiters that get a slot before a new waiter of the rank.
func (p *pool) ahead(r rank) int {
	l, h := p.queue[low].Len(), p.queue[high].Len()
	if r == high {
		return h + min(l, h/2)
	}
	return l + min(h, 2*(l+1))
}

// abandon removes a waiter from its queue. It returns false if the waiter has a slot.
func (p *pool) abandon(place *list.Element, w *waiter) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-w.ready:
		return false
	default:
		p.queue[w.rank].Remove(place)
		return true
	}
}

// refuse counts a call that waited too long.
func (p *pool) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused++
}

// release gives the slot of a waiter back.
func (p *pool) release(w *waiter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if w.rank == low {
		p.lowRunning--
	}
	p.serve()
}

// serve gives the free slots to the next waiters. The caller holds the lock.
func (p *pool) serve() {
	for p.running < p.slots {
		r, found := p.next()
		if !found {
			return
		}
		queue := &p.queue[r]
		w := queue.Remove(queue.Front()).(*waiter)
		p.running++
		if r == low {
			p.lowRunning++
		}
		close(w.ready)
	}
}

// next returns the queue of the next waiter; found is false if no waiter may have a slot.
func (p *pool) next() (r rank, found bool) {
	hasLow := p.queue[low].Len() > 0 && p.lowRunning < p.slots-p.slots/3
	hasHigh := p.queue[high].Len() > 0
	switch {
	case hasLow && hasHigh && p.highInRow < 2:
		p.highInRow++
		return high, true
	case hasLow:
		p.highInRow = 0
		return low, true
	}
	return high, hasHigh
}
