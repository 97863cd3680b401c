package outbox

import "barillet/internal/audit"

// Depth is the number of the jobs of a table.
type Depth struct {
	Waiting map[audit.Lane]int
	Dead    int
	Oldest  string // the id of the waiting job whose id sorts first; "" if there is none
}

// Depth counts the jobs that the index knows, and reads no record. It is empty before the first pass. A job that is tried now waits.
func (w *Worker[R]) Depth() Depth {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := Depth{Waiting: map[audit.Lane]int{}, Dead: len(w.dead)}
	for q, n := range w.index.waiting {
		d.Waiting[q.Lane] += n
	}
	for id := range w.jobs {
		if d.Oldest == "" || id < d.Oldest {
			d.Oldest = id
		}
	}
	return d
}
