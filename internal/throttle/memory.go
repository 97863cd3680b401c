package throttle

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	shards   = 64
	perShard = 4096 // 64 × 4096 subjects use at most 20 MB
)

// Memory is a limiter whose counters end with the process. It is for frequent requests, for which an Update is too
// expensive and a lost counter harmless. It has at most 262,144 subjects; a new one then replaces one that used little of
// its limit. The zero value is ready to use. A Memory is safe for concurrent use.
type Memory struct {
	once   sync.Once
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	sync.Mutex
	tats map[uint64]time.Time
}

// Take counts an operation of a subject. It returns whether the operation is allowed, how long to wait if it is not, and
// how many remain.
func (m *Memory) Take(now time.Time, l Limit, subject string) (ok bool, retry time.Duration, remaining int) {
	m.once.Do(func() { m.seed = maphash.MakeSeed() })
	key := maphash.Comparable(m.seed, [2]string{l.Name, subject})
	s := &m.shards[key%shards]
	s.Lock()
	defer s.Unlock()
	if s.tats == nil {
		s.tats = make(map[uint64]time.Time)
	}
	tat, seen := s.tats[key]
	if !seen && len(s.tats) >= perShard {
		s.makeRoom(now)
	}
	next, ok, retry, remaining := l.Decide(tat, now, 1)
	s.tats[key] = next
	return ok, retry, remaining
}

// TakeAll takes charges in their order, up to the first that refuses. It returns how long to wait before that one; 0 if all
// allow the operation.
func (m *Memory) TakeAll(now time.Time, charges ...Charge) (retry time.Duration) {
	for _, c := range charges {
		if _, retry, _ = m.Take(now, c.Limit, c.Subject); retry > 0 {
			return retry
		}
	}
	return 0
}

// Len returns the number of subjects, including those whose limit is unused again.
func (m *Memory) Len() int {
	n := 0
	for i := range m.shards {
		s := &m.shards[i]
		s.Lock()
		n += len(s.tats)
		s.Unlock()
	}
	return n
}

// makeRoom removes subjects whose limit is unused, or else the one that used least, among 32 in map order. To examine all
// of them would make each new subject expensive.
func (s *shard) makeRoom(now time.Time) {
	var nearest uint64
	var best time.Time
	examined := 0
	for key, tat := range s.tats {
		if examined++; examined > 32 {
			break
		}
		if !tat.After(now) {
			delete(s.tats, key)
		}
		if best.IsZero() || tat.Before(best) {
			nearest, best = key, tat
		}
	}
	if len(s.tats) >= perShard {
		delete(s.tats, nearest)
	}
}
