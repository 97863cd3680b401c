package audit

import (
	"net/netip"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"barillet/internal/throttle"
)

// The numbers of a Fold.
const (
	foldWindow   = 10 * time.Minute
	foldFree     = 5   // events of a window that are written as they are
	foldKeys     = 256 // windows with a subject that are open at the same time
	foldNetwork  = 32  // of them, those of one network
	foldSources  = 12  // as many addresses as fit into a detail
	foldSubjects = 16
	foldKept     = 1024   // events that could not be stored; later ones are dropped
	noiseCount   = 10_000 // events of LaneNoise that are written in noiseSpan; twice as many in a span after a pause
	noiseSpan    = 24 * time.Hour
)

// Fold joins repeated refusals, which any client can cause, into one event with a count. The first few of a window are written
// as they are; the others are counted in memory until the window ends. A crash loses their count. Only events of LaneNoise are
// folded. The zero value is ready to use. A Fold is safe for concurrent use.
type Fold struct {
	// Folded, if it is not nil, is called with each refusal that is counted and not written. It is set before the first Admit.
	Folded func(e Event)

	mu    sync.Mutex
	open  map[foldKey]*folded
	of    map[string]int // windows with a subject in open, by the network of their first event
	kept  []Event        // of Keep
	level float64        // events of noiseCount that are used
	at    time.Time      // of level
}

// foldKey identifies refusals that are alike. Without subject and target it is the key of all that have no window of their own; it
// keeps an actor that is a principal, and the program.
type foldKey struct {
	action, outcome, reason string
	actor                   Actor
	program                 string // the API token that sent the request
	subject, target         string // target is the first one
}

// folded is an open window.
type folded struct {
	network             string    // key of Fold.of; "" if the window has no subject, or a principal
	start, first, last  time.Time // first and last are the times of folded events
	free, count         int
	event               Event // the last one
	sources, subjects   []string
	moreSources, moreIn int // as many more events came from other addresses, or are about other users
}

// Admit reports whether an event is written as it is. Otherwise the event is counted, and Due returns it later.
func (f *Fold) Admit(now time.Time, e Event) bool {
	if e.Lane() != LaneNoise {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open, f.of = map[foldKey]*folded{}, map[string]int{}
	}
	allowed := f.allowed(now)
	key := foldKey{action: e.Action, outcome: e.Outcome, reason: e.Reason, actor: e.Actor, program: e.Detail["program"], subject: e.Subject}
	if len(e.Targets) > 0 {
		key.target = e.Targets[0].ID
	}
	network := ""
	if f.open[key] == nil && !e.byPrincipal() && key.subject+key.target != "" {
		network = networkOf(e.Address)
	}
	if f.open[key] == nil && (!allowed || len(f.open) >= foldKeys || network != "" && f.of[network] >= foldNetwork) {
		network, key.subject, key.target = "", "", ""
		if !e.byPrincipal() {
			key.actor = Actor{}
		}
	}
	w := f.open[key]
	switch {
	case w == nil:
		w = &folded{start: now, network: network}
		f.open[key] = w
		if network != "" {
			f.of[network]++
		}
	case w.count == 0 && w.ended(now):
		*w = folded{start: now, network: w.network}
	}
	if w.free < foldFree && allowed {
		w.free++
		f.level++
		return true
	}
	w.add(now, e)
	if f.Folded != nil {
		f.Folded(e)
	}
	return false
}

// byPrincipal reports whether the actor is an authenticated caller other than the user of the event. There are so few that each has
// windows of its own, so that no flood hides who acted on others.
func (e Event) byPrincipal() bool {
	return e.Actor.Type == TypeToken || e.Actor.Type == TypeOperator || e.Actor.ID != "" && e.Subject != "" && e.Actor.ID != e.Subject
}

// allowed reports whether one more event may be written as it is.
func (f *Fold) allowed(now time.Time) bool {
	if passed := now.Sub(f.at); passed > 0 && !f.at.IsZero() {
		f.level = max(0, f.level-noiseCount*passed.Seconds()/noiseSpan.Seconds())
	}
	f.at = now // also if the clock was set back
	return f.level < noiseCount
}

// networkOf returns the widest of the networks of an address.
func networkOf(address string) string {
	addr, _ := netip.ParseAddr(address) // an invalid address is a network of its own
	networks := throttle.Networks(addr)
	return networks[len(networks)-1]
}

// ended reports whether the window is over. It also ends when the clock is set back.
func (w *folded) ended(now time.Time) bool {
	passed := now.Sub(w.start)
	return passed < 0 || passed >= foldWindow
}

func (w *folded) add(now time.Time, e Event) {
	if w.count == 0 {
		w.first = now
	}
	w.count++
	w.event, w.last = e, now
	w.sources, w.moreSources = distinct(w.sources, w.moreSources, e.Address, foldSources)
	w.subjects, w.moreIn = distinct(w.subjects, w.moreIn, e.Subject, foldSubjects)
}

// distinct adds a value to a list of at most limit different values. more counts the values that the list has no room for.
func distinct(list []string, more int, value string, limit int) ([]string, int) {
	switch {
	case value == "" || slices.Contains(list, value):
		return list, more
	case len(list) >= limit:
		return list, more + 1
	}
	return append(list, value), more
}

// Due removes the windows that have ended, or all of them, and returns their events. Each has the details count, first, last
// and sources, and sources_more if more events came from other addresses.
func (f *Fold) Due(now time.Time, all bool) (due []Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	due, f.kept = f.kept, nil
	for key, w := range f.open {
		if !all && !w.ended(now) {
			continue
		}
		delete(f.open, key)
		if f.of[w.network]--; f.of[w.network] <= 0 {
			delete(f.of, w.network)
		}
		if w.count > 0 {
			due = append(due, w.join(key))
			f.level++
		}
	}
	sort.Slice(due, func(i, j int) bool { return due[i].Detail["first"] < due[j].Detail["first"] })
	return due
}

// Keep keeps events of Due that could not be stored for the next call of Due.
func (f *Fold) Keep(events []Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.kept = append(f.kept, events[:min(len(events), foldKept-len(f.kept))]...)
}

// join returns the event of a window.
func (w *folded) join(key foldKey) Event {
	e := Event{Action: key.action, Outcome: key.outcome, Reason: key.reason, Actor: key.actor, Subject: key.subject, Detail: map[string]string{
		"count": strconv.Itoa(w.count), "first": w.first.UTC().Format(time.RFC3339), "last": w.last.UTC().Format(time.RFC3339)}}
	if key.program != "" {
		e.Detail["program"] = key.program
	}
	if key.actor.Type == "" {
		e.Actor.Type = TypeUnknown
	}
	if key.subject != "" || key.target != "" {
		e.SubjectName, e.Targets = w.event.SubjectName, w.event.Targets
	} else {
		w.detail(&e, "subjects", w.subjects, w.moreIn)
	}
	if w.detail(&e, "sources", w.sources, w.moreSources); len(w.sources) == 1 {
		e.Address, e.Agent = w.event.Address, w.event.Agent
	}
	return e
}

func (w *folded) detail(e *Event, name string, list []string, more int) {
	if len(list) > 0 {
		e.Detail[name] = strings.Join(list, " ")
	}
	if more > 0 {
		e.Detail[name+"_more"] = strconv.Itoa(more)
	}
}

// IsFolded reports whether the event joins refusals that a Fold counted.
func (e Event) IsFolded() bool {
	return e.Detail["count"] != "" && e.Detail["first"] != "" && e.Lane() == LaneNoise
}

// Count returns how many operations the event records: more than one if they were folded.
func (e Event) Count() int {
	n, err := strconv.Atoi(e.Detail["count"])
	if err != nil || e.Lane() != LaneNoise {
		return 1
	}
	return max(n, 1)
}
