package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/internal/input"
	"barillet/store"
)

// Query selects events. A zero field selects all events.
type Query struct {
	Since, Until time.Time // Since is inclusive, Until is exclusive
	After        string    // the cursor of an earlier Scan
	Limit        int       // 1 to 1000 entries; 0 means 100
	Descending   bool      // newest first

	Subject  string           // user id
	Actions  []string         // an event has one of them
	Contains string           // in any text of the event, as input.Fold compares it
	Keep     func(Entry) bool // a further condition; nil: none
}

// maxRead is the maximum of events that one Scan reads. A rare event is found by several Scans, each with the cursor of
// the one before.
const maxRead = 20_000

// Scan returns a page of selected entries and a cursor for the next page. The cursor is empty at the end. A page may be
// short or empty and have a cursor. The error wraps ErrID if q.After is not a cursor.
func (l Log) Scan(s store.Snapshot, q Query) (entries []Entry, next string, err error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	q.Limit = min(q.Limit, 1000)
	if q.After != "" {
		if _, err := parseID(q.After); err != nil {
			return nil, "", fmt.Errorf("reading from cursor %q: %w", line(q.After, maxShort), err)
		}
	}
	q.Contains = input.Fold(q.Contains)
	if q.Descending {
		entries, next, err = l.descend(s, q)
	} else {
		entries, next, err = l.ascend(s, q)
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading audit log: %w", err)
	}
	return entries, next, nil
}

func (l Log) ascend(s store.Snapshot, q Query) (entries []Entry, next string, err error) {
	after, end := q.After, bound(q.Until)
	if since := bound(q.Since); since > after {
		after = since // the ids of a time sort after the time alone
	}
	read, more := 0, false
	err = l.table.Scan(s, "", after, 0, func(id string, e Event) error {
		if end != "" && id >= end {
			return store.ErrStop
		}
		if more = len(entries) == q.Limit || read == maxRead; more {
			return store.ErrStop
		}
		read++
		if entry := (Entry{ID: id, Event: e}); q.selects(entry) {
			entries = append(entries, entry)
		}
		next = id
		return nil
	})
	if !more {
		next = ""
	}
	return entries, next, err
}

// A store is scanned forwards only. To return the newest events first, descend reads windows of time, the latest first,
// and each of them forwards. A window with few events makes the next one wider; one with too many is made narrower.
const (
	firstWindow = time.Hour
	maxWindow   = 64 * 24 * time.Hour
	minWindow   = time.Millisecond // not made narrower
	windowful   = 1000             // events in one window
)

func (l Log) descend(s store.Snapshot, q Query) (entries []Entry, next string, err error) {
	oldest, newest, err := l.span(s, q)
	if err != nil || oldest.IsZero() {
		return nil, "", err
	}
	end := bound(newest)
	if q.After != "" && q.After < end {
		end = q.After
	}
	window, read := firstWindow, 0
	for end > bound(oldest) {
		top, err := parseID(end)
		if err != nil {
			return nil, "", err
		}
		from := top.Add(-window)
		if from.Before(oldest) {
			from = oldest
		}
		part, full, err := l.window(s, bound(from), end, window > minWindow)
		if err != nil {
			return nil, "", err
		}
		if full {
			window = max(window/16, minWindow)
			continue
		}
		for _, entry := range slices.Backward(part) {
			if len(entries) == q.Limit || read >= maxRead {
				return entries, next, nil
			}
			read++
			next = entry.ID
			if q.selects(entry) {
				entries = append(entries, entry)
			}
		}
		end = bound(from)
		if len(part) < windowful/8 {
			window = min(window*4, maxWindow)
		}
	}
	return entries, "", nil
}

// span returns the times that descend reads: from oldest on, before newest. oldest is zero if there is no event.
func (l Log) span(s store.Snapshot, q Query) (oldest, newest time.Time, err error) {
	err = l.table.Scan(s, "", bound(q.Since), 1, func(id string, _ Event) error {
		oldest, err = parseID(id)
		return err
	})
	if err != nil || oldest.IsZero() {
		return time.Time{}, time.Time{}, err
	}
	newest, err = l.end(s, oldest)
	if !q.Until.IsZero() && q.Until.Before(newest) {
		newest = q.Until
	}
	return oldest, newest, err
}

// end returns a time after the last event. It doubles its step until it finds no event.
func (l Log) end(s store.Snapshot, from time.Time) (time.Time, error) {
	step := time.Hour
	for {
		from = from.Add(step)
		found := false
		err := l.table.Scan(s, "", bound(from), 1, func(id string, _ Event) (err error) {
			found = true
			from, err = parseID(id)
			return err
		})
		if err != nil || !found {
			return from, err
		}
		step *= 2
	}
}

// window returns the entries after from and before end. If split is set and there are more than windowful, it stops and
// reports full.
func (l Log) window(s store.Snapshot, from, end string, split bool) (part []Entry, full bool, err error) {
	err = l.table.Scan(s, "", from, 0, func(id string, e Event) error {
		if id >= end {
			return store.ErrStop
		}
		if split && len(part) == windowful {
			full = true
			return store.ErrStop
		}
		part = append(part, Entry{ID: id, Event: e})
		return nil
	})
	return part, full, err
}

// bound returns the id that sorts immediately before all ids of a time, or "" for the zero time.
func bound(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(store.TimeLayout)
}

func (q Query) selects(e Entry) bool {
	return (q.Subject == "" || q.Subject == e.Subject) &&
		(len(q.Actions) == 0 || slices.Contains(q.Actions, e.Action)) &&
		(q.Contains == "" || e.contains(q.Contains)) &&
		(q.Keep == nil || q.Keep(e))
}

func (e Event) contains(folded string) bool {
	texts := []string{e.Actor.ID, e.Actor.Name, e.Subject, e.SubjectName, e.Action, e.Outcome, e.Reason, e.Address, e.Agent, e.Session, e.Request}
	for _, t := range e.Targets {
		texts = append(texts, t.ID, t.Name)
	}
	for _, v := range e.Detail {
		texts = append(texts, v)
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(input.Fold(text), folded) })
}
