package outbox

import (
	"cmp"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"time"

	"barillet/internal/audit"
	"barillet/store"
)

// index has an entry for each job that waits or is tried. It contains no content. The zero value is empty. It does not depend on the
// type of the jobs, so that the program contains it once.
type index struct {
	changes store.Changes

	mu      sync.Mutex // of what follows
	servers map[string]*destination
	watched bool      // the store calls the worker after changes
	scanned bool      // the whole table was read
	clock   time.Time // of the last pass, or later

	jobs    map[string]*entry
	dead    map[string]struct{} // dead letters
	times   queue[entry]        // by the time at which something happens: a job is due or expires
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
	if old := w.jobs[id]; old != nil {
		if old.busy {
			return
		}
		w.remove(old)
	}
	t := job.Attempts()
	if t.Dead {
		if w.dead == nil {
			w.dead = map[string]struct{}{}
		}
		w.dead[id] = struct{}{}
		return
	}
	delete(w.dead, id)
	e := &entry{id: id, notBefore: nanoseconds(t.NotBefore), expires: nanoseconds(t.ExpiresAt), count: int32(min(t.Count, 1<<30)), lane: job.Lane()}
	if t.Unreachable {
		e.tried = nanoseconds(t.Tried)
	}
	group, recipient := "", ""
	if w.Group != nil {
		if group = w.Group(job); group != "" {
			e.held = w.Holds(job)
		}
	}
	if w.Recipient != nil {
		recipient = w.Recipient(job)
	}
	w.add(now, e, group, job.Destination(), recipient)
}

// add adds an entry. ix.mu is locked.
func (ix *index) add(now time.Time, e *entry, group, server, recipient string) {
	if ix.jobs == nil {
		ix.jobs, ix.waiting, ix.groups, ix.seed = map[string]*entry{}, map[Queue]int{}, map[uint64]map[*entry]struct{}{}, maphash.MakeSeed()
		ix.times = queue[entry]{less: func(a, b *entry) bool { return a.next() < b.next() }, place: func(e *entry) *int32 { return &e.timed }}
	}
	if group != "" {
		e.group = maphash.String(ix.seed, group) | 1
		if ix.groups[e.group] == nil {
			ix.groups[e.group] = map[*entry]struct{}{}
		}
		ix.groups[e.group][e] = struct{}{}
	}
	e.to = ix.server(server).recipient(recipient)
	e.to.size++
	ix.jobs[e.id] = e
	ix.waiting[e.queue()]++
	ix.place(now, e)
}

// place puts an entry into the queues where it belongs. ix.mu is locked.
func (ix *index) place(now time.Time, e *entry) {
	server := e.to.server
	if e.notBefore <= now.UnixNano() || e.tried != 0 && nanoseconds(server.reached) > e.tried {
		e.to.jobs.set(e)
		server.order(e.to)
	}
	if e.next() != 0 {
		ix.times.set(e)
	} else {
		ix.times.remove(e)
	}
	if e.tried != 0 && e.ready == 0 {
		server.unreachable[e] = struct{}{}
	}
}

// take removes an entry from all queues, because it is tried or removed. ix.mu is locked.
func (ix *index) take(e *entry) {
	ix.times.remove(e)
	e.to.jobs.remove(e)
	e.to.server.order(e.to)
	delete(e.to.server.unreachable, e)
}

// remove removes an entry from the index. ix.mu is locked.
func (ix *index) remove(e *entry) {
	ix.take(e)
	delete(ix.jobs, e.id)
	if ix.waiting[e.queue()]--; ix.waiting[e.queue()] == 0 {
		delete(ix.waiting, e.queue())
	}
	if delete(ix.groups[e.group], e); len(ix.groups[e.group]) == 0 {
		delete(ix.groups, e.group)
	}
	e.to.size--
	e.to.server.forget(e.to)
}

// advance moves the jobs whose time has come. It returns the jobs to spread, if spreads is true, and those without use.
func (ix *index) advance(now time.Time, spreads bool) (spread, useless []string) {
	ix.mu.Lock()
	defer ix.mu.Unlock()
	at := now.UnixNano()
	for e := ix.times.first(); e != nil && e.next() <= at; e = ix.times.first() {
		if e.expires != 0 && e.expires <= at {
			useless = append(useless, e.id)
			ix.remove(e)
		} else {
			delete(e.to.server.unreachable, e)
			ix.place(now, e)
		}
	}
	if spreads {
		all := ix.server("").recipient("")
		for e := all.jobs.first(); e != nil && len(spread) < spreadSize; e = all.jobs.first() {
			spread = append(spread, e.id)
			ix.take(e)
		}
		all.server.forget(all)
	}
	ix.changes.Note(slices.Concat(spread, useless)) // their entries are made again if the Updates fail
	return spread, useless
}

// waiting returns the number of the waiting jobs in each queue.
func (w *Worker[R]) waiting() map[Queue]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.index.waiting)
}
