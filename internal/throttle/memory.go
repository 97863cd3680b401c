package throttle

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

const (
	shards   = 64
	perShard = 4096 // 64 × 4096 subjects use at most 20 MiB
)

// Memory is a limiter whose counters end with the process. It is for frequent requests, for which an Update is too
// expensive and a lost counter harmless. It has at most 262,144 subjects; a new one then replaces one that used little of
// its limit. The zero value is ready to use. A Memory is safe for concurrent use.
type Memory struct {
	Refusals *Refusals // counts what Take and TakeAll refuse; may be nil

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
	ok, retry, remaining = m.decide(now, Charge{Limit: l, Subject: subject}, true)
	if !ok {
		m.Refusals.add(l)
	}
	return ok, retry, remaining
}

func (m *Memory) decide(now time.Time, c Charge, take bool) (ok bool, retry time.Duration, remaining int) {
	s, key := m.shard(c.Limit, c.Subject)
	defer s.Unlock()
	tat, cost := s.tats[key], max(1, c.Cost)
	next, ok, retry, remaining := c.Limit.Decide(tat, now, cost+c.Reserve)
	if ok && c.Reserve > 0 {
		next, ok, retry, remaining = c.Limit.Decide(tat, now, cost)
	}
	if take {
		s.put(now, key, next)
	}
	return ok, retry, remaining
}

// shard returns the locked shard and the key of a subject.
func (m *Memory) shard(l Limit, subject string) (*shard, uint64) {
	m.once.Do(func() { m.seed = maphash.MakeSeed() })
	key := maphash.Comparable(m.seed, [2]string{l.Name, subject})
	s := &m.shards[key%shards]
	s.Lock()
	return s, key
}

// put stores the time of a subject.
func (s *shard) put(now time.Time, key uint64, tat time.Time) {
	if s.tats == nil {
		s.tats = make(map[uint64]time.Time)
	}
	if _, seen := s.tats[key]; !seen && len(s.tats) >= perShard {
		s.makeRoom(now)
	}
	s.tats[key] = tat
}

// TakeAll counts an operation against all charges if all allow it, and otherwise against none. It returns how long to wait; 0
// if the operation is allowed. The last charges, which are those of the widest networks, are read first: a refusal adds no
// subject.
func (m *Memory) TakeAll(now time.Time, charges ...Charge) (retry time.Duration) {
	for _, c := range slices.Backward(charges) {
		if _, retry, _ = m.decide(now, c, false); retry > 0 {
			m.Refusals.add(c.Limit)
			return retry
		}
	}
	for _, c := range charges {
		if _, retry, _ = m.decide(now, c, true); retry > 0 {
			m.Refusals.add(c.Limit)
			return retry // a concurrent operation was the last one allowed
		}
	}
	return 0
}

// mark uses up the limit of a subject, and marked reports whether it was used less than limit.Per ago.
func (m *Memory) mark(now time.Time, limit Limit, subject string) {
	s, key := m.shard(limit, subject)
	defer s.Unlock()
	s.put(now, key, now.Add(limit.Per))
}

func (m *Memory) marked(now time.Time, limit Limit, subject string) bool {
	s, key := m.shard(limit, subject)
	defer s.Unlock()
	return s.tats[key].After(now)
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
