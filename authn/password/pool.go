package password

import (
	"container/list"
	"context"
	"fmt"
	"sync"
	"time"

	"barillet/internal/errcode"
)

// maxWait is the longest that anybody waits for a hash; past it the answer is Overloaded.
const maxWait = 2 * time.Second

// pool lets so many hashes run at once. Known browsers and strangers wait in a queue each, first come
// first served, so that strangers by the thousand do not keep known people out (PROTOCOL 18):
//
//   - a third of the slots, rounded down, is never given to strangers;
//   - while both wait, known browsers go first, but no more than two in a row: strangers are never starved by
//     somebody who has a known browser, and known browsers always have two thirds of the machine;
//   - whoever would have to wait longer than maxWait is refused at once.
type pool struct {
	maxRunning int
	maxQueue   int // hashes that the pool finishes within maxWait

	mu          sync.Mutex
	running     int
	lowRunning  int          // of those running
	priorityRow int          // known browsers served in a row while a stranger waited
	queue       [2]list.List // of *turn, by rank
}

type rank int

const (
	lowRank rank = iota
	priorityRank
)

// turn is one who waits. Its channel is closed when the turn has come, under the pool's lock.
type turn struct {
	rank  rank
	ready chan struct{}
}

func newPool(slots, limit int) *pool {
	return &pool{maxRunning: slots, maxQueue: max(limit, slots)}
}

// queueLength tells how many hashes a pool finishes within maxWait: one pass over one MiB takes about a
// millisecond of one core. A slower machine is caught by the clock of each who waits.
func queueLength(slots int, cost Cost) int {
	each := time.Duration(cost.Memory) * time.Duration(cost.Time) * time.Millisecond / 1024
	return int(time.Duration(slots) * maxWait / each)
}

// acquire waits for a slot; release gives it back and must be called once. The error is Overloaded, or wraps
// that of ctx.
func (p *pool) acquire(ctx context.Context, known bool) (release func(), err error) {
	turn := &turn{ready: make(chan struct{})}
	if known {
		turn.rank = priorityRank
	}
	place, err := p.enqueue(turn)
	if err != nil {
		return nil, err
	}
	release = func() { p.release(turn) }
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-turn.ready:
		return release, nil
	case <-timer.C:
		if p.abandon(place, turn) {
			return nil, busy()
		}
		return release, nil // the turn came at the same moment
	case <-ctx.Done():
		if !p.abandon(place, turn) {
			release()
		}
		return nil, fmt.Errorf("waiting to hash a password: %w", context.Cause(ctx))
	}
}

func busy() *errcode.Error {
	return &errcode.Error{Code: errcode.Overloaded, RetryAfter: maxWait}
}

// enqueue puts a turn at the end of its queue, or refuses it for the length of the wait ahead.
func (p *pool) enqueue(turn *turn) (*list.Element, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ahead(turn.rank) >= p.maxQueue {
		return nil, busy()
	}
	place := p.queue[turn.rank].PushBack(turn)
	p.grant()
	return place, nil
}

// ahead counts the turns that come before a newcomer of a rank, as serve gives them.
func (p *pool) ahead(rank rank) int {
	strangers, known := p.queue[lowRank].Len(), p.queue[priorityRank].Len()
	if rank == priorityRank {
		return known + min(strangers, known/2)
	}
	return strangers + min(known, 2*(strangers+1))
}

// abandon takes a turn out of the queue; false when it has come meanwhile.
func (p *pool) abandon(place *list.Element, turn *turn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-turn.ready:
		return false
	default:
		p.queue[turn.rank].Remove(place)
		return true
	}
}

func (p *pool) release(turn *turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if turn.rank == lowRank {
		p.lowRunning--
	}
	p.grant()
}

// grant gives the free slots to those whose turn it is. The caller holds the lock.
func (p *pool) grant() {
	for p.running < p.maxRunning {
		rank, found := p.next()
		if !found {
			return
		}
		queue := &p.queue[rank]
		turn := queue.Remove(queue.Front()).(*turn)
		p.running++
		if rank == lowRank {
			p.lowRunning++
		}
		close(turn.ready)
	}
}

// next tells whose turn it is, if anybody may go.
func (p *pool) next() (rank rank, found bool) {
	stranger := p.queue[lowRank].Len() > 0 && p.lowRunning < p.maxRunning-p.maxRunning/3
	known := p.queue[priorityRank].Len() > 0
	switch {
	case stranger && known && p.priorityRow < 2:
		p.priorityRow++
		return priorityRank, true
	case stranger:
		p.priorityRow = 0
		return lowRank, true
	}
	return priorityRank, known
}
