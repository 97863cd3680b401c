package throttle

import (
	"hash/maphash"
	"sync"
	"time"
)

const (
	shards   = 64
	perShard = 4096 // 64 × 4096 subjects take about 20 MB at the very most
)

// Memory is a limiter that forgets when the program ends. It is for what is counted too often to be stored
// and harmless to start anew: requests of a valid token. It holds at most 262,144 subjects; beyond that one
// near its full allowance makes room. The zero value is ready, and it may be used by many at once.
type Memory struct {
	once   sync.Once
	seed   maphash.Seed
	shards [shards]shard
}

type shard struct {
	sync.Mutex
	tats map[uint64]time.Time
}

// Take spends one of the subject's allowance: it returns whether there was one, how long to wait if not, and
// how many are left.
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

// Len is how many subjects are held, those with a full allowance included until their room is needed.
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

// makeRoom looks at some subjects, as the map happens to give them, and forgets those with a full allowance,
// or the nearest to it if there is none. Looking at all would make a flood of subjects expensive for us.
func (s *shard) makeRoom(now time.Time) {
	var nearest uint64
	var best time.Time
	looked := 0
	for key, tat := range s.tats {
		if looked++; looked > 32 {
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
