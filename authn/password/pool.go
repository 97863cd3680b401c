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
	slots int
	limit int // hashes that the pool finishes within maxWait

	mu         sync.Mutex
	running    int
	lowRunning int          // of those running
	row        int          // known browsers served in a row while a stranger waited
	queue      [2]list.List // of *poolTurn, by rank
}

type poolRank int

const (
	strangerRank poolRank = iota
	knownRank
)

// poolTurn is one who waits. Its channel is closed when the turn has come, under the pool's lock.
type poolTurn struct {
	rank poolRank
	come chan struct{}
}

func newPool(slots, limit int) *pool {
	return &pool{slots: slots, limit: max(limit, slots)}
}

// queueFor tells how many hashes a pool finishes within maxWait: one pass over one MiB takes about a
// millisecond of one core. A slower machine is caught by the clock of each who waits.
func queueFor(slots int, cost Cost) int {
	each := time.Duration(cost.Memory) * time.Duration(cost.Time) * time.Millisecond / 1024
	return int(time.Duration(slots) * maxWait / each)
}

// acquire waits for a slot; release gives it back and must be called once. The error is Overloaded, or wraps
// that of ctx.
func (p *pool) acquire(ctx context.Context, known bool) (release func(), err error) {
	turn := &poolTurn{come: make(chan struct{})}
	if known {
		turn.rank = knownRank
	}
	place, err := p.line(turn)
	if err != nil {
		return nil, err
	}
	release = func() { p.leave(turn) }
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case <-turn.come:
		return release, nil
	case <-timer.C:
		if p.giveUp(place, turn) {
			return nil, busy()
		}
		return release, nil // the turn came at the same moment
	case <-ctx.Done():
		if !p.giveUp(place, turn) {
			release()
		}
		return nil, fmt.Errorf("waiting to hash a password: %w", context.Cause(ctx))
	}
}

func busy() *errcode.Error {
	return &errcode.Error{Code: errcode.Overloaded, RetryAfter: maxWait}
}

// line puts a turn at the end of its queue, or refuses it for the length of the wait ahead.
func (p *pool) line(turn *poolTurn) (*list.Element, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ahead(turn.rank) >= p.limit {
		return nil, busy()
	}
	place := p.queue[turn.rank].PushBack(turn)
	p.serve()
	return place, nil
}

// ahead counts the turns that come before a newcomer of a rank, as serve gives them.
func (p *pool) ahead(rank poolRank) int {
	strangers, known := p.queue[strangerRank].Len(), p.queue[knownRank].Len()
	if rank == knownRank {
		return known + min(strangers, known/2)
	}
	return strangers + min(known, 2*(strangers+1))
}

// giveUp takes a turn out of the queue; false when it has come meanwhile.
func (p *pool) giveUp(place *list.Element, turn *poolTurn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-turn.come:
		return false
	default:
		p.queue[turn.rank].Remove(place)
		return true
	}
}

func (p *pool) leave(turn *poolTurn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	if turn.rank == strangerRank {
		p.lowRunning--
	}
	p.serve()
}

// serve gives the free slots to those whose turn it is. The caller holds the lock.
func (p *pool) serve() {
	for p.running < p.slots {
		rank, found := p.next()
		if !found {
			return
		}
		queue := &p.queue[rank]
		turn := queue.Remove(queue.Front()).(*poolTurn)
		p.running++
		if rank == strangerRank {
			p.lowRunning++
		}
		close(turn.come)
	}
}

// next tells whose turn it is, if anybody may go.
func (p *pool) next() (rank poolRank, found bool) {
	stranger := p.queue[strangerRank].Len() > 0 && p.lowRunning < p.slots-p.slots/3
	known := p.queue[knownRank].Len() > 0
	switch {
	case stranger && known && p.row < 2:
		p.row++
		return knownRank, true
	case stranger:
		p.row = 0
		return strangerRank, true
	}
	return knownRank, known
}
