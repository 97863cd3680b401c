package throttle

import (
	"maps"
	"sync"
)

// Refusals counts by the name of the limit how often a limit refused an operation. It contains no subject. A refusal in an Update
// that runs twice counts twice. It is safe for concurrent use; the zero value is ready, and a nil one counts nothing.
type Refusals struct {
	mu     sync.Mutex
	counts map[string]uint64
}

func (r *Refusals) add(l Limit) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[string]uint64{}
	}
	r.counts[l.Name]++
}

// Counts returns the counts since the start.
func (r *Refusals) Counts() map[string]uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.counts)
}
