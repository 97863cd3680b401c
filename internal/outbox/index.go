package outbox

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"time"

	"barillet/internal/audit"
)

// index has an entry for each job that waits or is tried. It contains no content. The zero value is empty.
type index[R Job[R]] struct {
	watched bool      // the store calls the worker after changes
	scanned bool      // the whole table was read
	clock   time.Time // of the last pass, or later

	jobs    map[string]*entry
	times   queue[entry] // by the time at which something happens: a job is due or expires
	waiting map[Queue]int
	groups  map[uint64]map[*entry]struct{}
	seed    maphash.Seed
}

// entry is a job in the index. Its times are in nanoseconds, to be small; 0 means none.
type entry struct {
	id        string
	to        *recipient
	notBefore int64
	expires   int64
	tried     int64  // of an attempt that failed because the server was unavailable
	group     uint64 // 0: none
	count     int32
	timed     int32 // place in index.times
	ready     int32 // place in recipient.jobs
	lane      audit.Lane
	held      bool
	busy      bool
}

func (e *entry) queue() Queue { return Queue{e.to.server.name, e.lane} }

// next returns the time at which something happens; 0 means never.
func (e *entry) next() int64 {
	if e.ready > 0 || e.expires != 0 && e.expires < e.notBefore {
		return e.expires
	}
	return e.notBefore
}

// compareJobs compares two jobs for one recipient. In a lane new jobs come first, so that jobs that failed before do not delay them.
func compareJobs(a, b *entry) int {
	return cmp.Or(cmp.Compare(a.lane, b.lane), cmp.Compare(a.count, b.count), cmp.Compare(a.id, b.id))
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// set makes the index equal to a stored job. A job that is tried now is read again after the attempt. w.mu is locked.
func (w *Worker[R]) set(now time.Time, id string, job R) {
	if old := w.index.jobs[id]; old != nil {
		if old.busy {
			return
		}
		w.remove(old)
	}
	t := job.Attempts()
	if t.Dead {
		return
	}
	if w.index.jobs == nil {
		w.index.jobs, w.index.waiting, w.index.groups, w.index.seed = map[string]*entry{}, map[Queue]int{}, map[uint64]map[*entry]struct{}{}, maphash.MakeSeed()
		w.index.times = queue[entry]{less: func(a, b *entry) bool { return a.next() < b.next() }, place: func(e *entry) *int32 { return &e.timed }}
	}
	e := &entry{id: id, notBefore: nanoseconds(t.NotBefore), expires: nanoseconds(t.ExpiresAt), count: int32(min(t.Count, 1<<30)), lane: job.Lane()}
	if t.Unreachable {
		e.tried = nanoseconds(t.Tried)
	}
	if w.Group != nil {
		if name := w.Group(job); name != "" {
			e.group, e.held = maphash.String(w.index.seed, name)|1, w.Holds(job)
			if w.index.groups[e.group] == nil {
				w.index.groups[e.group] = map[*entry]struct{}{}
			}
			w.index.groups[e.group][e] = struct{}{}
		}
	}
	name := ""
	if w.Recipient != nil {
		name = w.Recipient(job)
	}
	e.to = w.server(job.Destination()).recipient(name)
	e.to.size++
	w.index.jobs[id] = e
	w.index.waiting[e.queue()]++
	w.place(now, e)
}

// place puts an entry into the queues where it belongs. w.mu is locked.
func (w *Worker[R]) place(now time.Time, e *entry) {
	server := e.to.server
	if e.notBefore <= now.UnixNano() || e.tried != 0 && nanoseconds(server.reached) > e.tried {
		e.to.jobs.set(e)
		server.order(e.to)
	}
	if e.next() != 0 {
		w.index.times.set(e)
	} else {
		w.index.times.remove(e)
	}
	if e.tried != 0 && e.ready == 0 {
		server.unreachable[e] = struct{}{}
	}
}

// take removes an entry from all queues, because it is tried or removed. w.mu is locked.
func (w *Worker[R]) take(e *entry) {
	w.index.times.remove(e)
	e.to.jobs.remove(e)
	e.to.server.order(e.to)
	delete(e.to.server.unreachable, e)
}

// remove removes an entry from the index. w.mu is locked.
func (w *Worker[R]) remove(e *entry) {
	w.take(e)
	delete(w.index.jobs, e.id)
	if w.index.waiting[e.queue()]--; w.index.waiting[e.queue()] == 0 {
		delete(w.index.waiting, e.queue())
	}
	if delete(w.index.groups[e.group], e); len(w.index.groups[e.group]) == 0 {
		delete(w.index.groups, e.group)
	}
	e.to.size--
	e.to.server.forget(e.to)
}

// advance moves the jobs whose time has come. It returns the jobs to spread and those without use.
func (w *Worker[R]) advance(now time.Time) (spread, useless []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := now.UnixNano()
	for e := w.index.times.first(); e != nil && e.next() <= at; e = w.index.times.first() {
		if e.expires != 0 && e.expires <= at {
			useless = append(useless, e.id)
			w.remove(e)
		} else {
			delete(e.to.server.unreachable, e)
			w.place(now, e)
		}
	}
	if w.Spread != nil {
		all := w.server("").recipient("")
		for e := all.jobs.first(); e != nil && len(spread) < spreadSize; e = all.jobs.first() {
			spread = append(spread, e.id)
			w.take(e)
		}
		all.server.forget(all)
	}
	w.changes.Note(slices.Concat(spread, useless)) // their entries are made again if the Updates fail
	return spread, useless
}

// waiting returns the number of the waiting jobs in each queue.
func (w *Worker[R]) waiting() map[Queue]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.index.waiting)
}
