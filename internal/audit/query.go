package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/store"
)

// Query selects events. An empty field selects all.
type Query struct {
	Since, Until time.Time // from Since on, before Until
	After        string    // the cursor that an earlier Scan gave
	Limit        int       // 1 to 1000 entries; 0 means 100
	Descending   bool      // newest first

	Subject  string           // user id
	Actions  []string         // any of them
	Contains string           // in any text of the event, whatever its case
	Keep     func(Entry) bool // further conditions; nil: none
}

// What one Scan reads at most. A rare event among many is found page by page, each with a cursor to go on.
const maxRead = 20_000

// Scan returns the selected entries in order, and a cursor for more. The cursor is empty when there is
// nothing further; a page may be short, even empty, and have one. ErrID is a cursor that is none of ours.
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
	q.Contains = strings.ToLower(q.Contains)
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
		after = since // every id of that moment sorts after its bare time
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

// A store is read forwards only. So the newest come first by reading windows of time backwards, each
// forwards: wider where little happened, narrower where a window holds more than is wanted.
const (
	firstWindow  = time.Hour
	widestWindow = 64 * 24 * time.Hour
	leastWindow  = time.Millisecond // a fuller millisecond is read whole
	windowful    = 1000
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
		part, full, err := l.window(s, bound(from), end, window > leastWindow)
		if err != nil {
			return nil, "", err
		}
		if full {
			window = max(window/16, leastWindow)
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
			window = min(window*4, widestWindow)
		}
	}
	return entries, "", nil
}

// span is from when to before when descending reads: the query's bounds, within what there is.
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

// end finds a time after the last entry: it doubles the step from the first until nothing is found.
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

// window reads the entries after from and before end. If it may be split it gives up beyond a windowful.
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

// bound is the id that sorts just before all ids of a time; empty for none.
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

func (e Event) contains(low string) bool {
	texts := []string{e.Actor.ID, e.Actor.Name, e.Subject, e.SubjectName, e.Action, e.Outcome, e.Reason, e.Address, e.Agent, e.Session, e.Request}
	for _, t := range e.Targets {
		texts = append(texts, t.ID, t.Name)
	}
	for _, v := range e.Detail {
		texts = append(texts, v)
	}
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), low) })
}
