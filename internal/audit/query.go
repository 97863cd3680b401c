package audit

import (
	"errors"
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

	// Subjects are the ids of the users whose events Scan returns. It reads only these. Nil means the whole log.
	Subjects []string
	// Visible, if it is not nil, is called for a subject that has an event. Without its consent, no event of the subject is read.
	Visible func(subject string) (bool, error)

	Actions  []string         // an event has one of them
	Contains string           // in any text of the event, as input.Fold compares it
	Keep     func(Entry) bool // a further condition; nil: none
	Cost     *int             // if it is not nil, Scan adds the number of events and of indexes that it read
}

// maxRead is the maximum of events that one Scan reads. A rare event is found by several Scans, each with the cursor of
// the one before.
const maxRead = 2_000

// Scan returns a page of selected entries and a cursor for the next page. The cursor is empty at the end. A page may be
// short or empty and have a cursor: Scan read as many events as one call may. The error wraps ErrID if q.After is not a
// cursor.
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
	if q.Cost == nil {
		q.Cost = new(int)
	}
	q.Contains = input.Fold(q.Contains)
	switch {
	case q.Subjects != nil && len(q.Subjects) == 0:
		return nil, "", nil
	case q.Subjects != nil:
		entries, next, err = l.windows(s, q, maxWindow, l.subjectIDs(s, &q))
	case q.Descending:
		entries, next, err = l.windows(s, q, firstWindow, l.allIDs(s))
	default:
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
	err = l.scan(s, after, func(id string, e Event) error {
		if end != "" && id >= end {
			return store.ErrStop
		}
		if more = len(entries) == q.Limit || read == maxRead; more {
			return store.ErrStop
		}
		read++
		*q.Cost++
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

// A store is scanned forwards only, and each user has their own index. To return events in the order of time, windows reads the
// keys of one window of time after the other, without the events. A window with few keys makes the next one wider; one with
// too many is made narrower.
const (
	firstWindow = time.Hour
	maxWindow   = 1 << 60          // 36 years
	minWindow   = time.Millisecond // not made narrower
	windowful   = 4000             // keys in one window
)

// A keySource returns the ids of events after from and before end. It reports full if there are more than limit; a limit of 0
// is none.
type keySource func(from, end string, limit int) (ids []string, full bool, err error)

func (l Log) windows(s store.Snapshot, q Query, width time.Duration, source keySource) (entries []Entry, next string, err error) {
	oldest, newest, err := l.span(s, q)
	if err != nil || oldest.IsZero() {
		return nil, "", err
	}
	low, high := bound(oldest), bound(newest)
	if q.Descending && q.After != "" {
		high = min(high, q.After)
	} else {
		low = max(low, q.After)
	}
	for read := 0; low < high; {
		from, end, actual := q.window(low, high, width)
		limit := windowful
		if actual <= minWindow {
			limit = 0
		}
		ids, full, err := source(from, end, limit)
		if err != nil {
			return nil, "", err
		}
		if *q.Cost += len(ids) / 16; full {
			width = max(actual/16, minWindow)
			continue
		}
		if q.Descending {
			slices.Reverse(ids)
		}
		for _, id := range ids {
			if read == maxRead || len(entries) == q.Limit && q.Subjects == nil {
				return entries, next, nil
			}
			read++
			*q.Cost++
			if len(entries) < q.Limit {
				next = id
			}
			e, _, err := l.find(s, id)
			if err != nil && !errors.Is(err, store.ErrNotFound) && !errors.Is(err, store.ErrUnreadable) {
				return nil, "", err
			}
			if entry := (Entry{ID: id, Event: e}); err == nil && q.selects(entry) {
				if len(entries) == q.Limit { // a cursor means that one more entry is selected, so it reveals no other event
					return entries, next, nil
				}
				entries = append(entries, entry)
			}
		}
		if q.Descending {
			high = from
		} else {
			low = end
		}
		if len(ids) < windowful/8 {
			width = min(width, maxWindow/4) * 4
		}
	}
	return entries, "", nil
}

// window returns the bounds of the next window between two ids, and its width.
func (q Query) window(low, high string, width time.Duration) (from, end string, actual time.Duration) {
	bottom, _ := parseID(low) // both are bounds or cursors, which Scan checked
	top, _ := parseID(high)
	if whole := top.Sub(bottom); whole <= width {
		return low, high, max(whole, minWindow)
	}
	if q.Descending {
		return bound(top.Add(-width)), high, width
	}
	return low, bound(bottom.Add(width)), width
}

// allIDs returns the ids of the whole log.
func (l Log) allIDs(s store.Snapshot) keySource {
	return func(from, end string, limit int) (ids []string, full bool, err error) {
		err = l.scanIDs(s, from, func(id string) error {
			if id >= end {
				return store.ErrStop
			}
			if full = limit > 0 && len(ids) == limit; full {
				return store.ErrStop
			}
			ids = append(ids, id)
			return nil
		})
		return ids, full, err
	}
}

// span returns the times that windows reads: from oldest on, before newest. oldest is zero if there is no event.
func (l Log) span(s store.Snapshot, q Query) (oldest, newest time.Time, err error) {
	err = l.scanIDs(s, bound(q.Since), func(id string) error {
		if oldest, err = parseID(id); err != nil {
			return err
		}
		return store.ErrStop
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
		err := l.scanIDs(s, bound(from), func(id string) (err error) {
			found = true
			if from, err = parseID(id); err != nil {
				return err
			}
			return store.ErrStop
		})
		if err != nil || !found {
			return from, err
		}
		step *= 2
	}
}

// bound returns the id that sorts immediately before all ids of a time, or "" for the zero time.
func bound(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(store.TimeLayout)
}

func (q Query) selects(e Entry) bool {
	return (q.Subjects == nil || slices.Contains(q.Subjects, e.Subject)) &&
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
