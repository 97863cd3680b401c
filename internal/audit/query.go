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

	// Subjects are the ids of the users whose events Scan returns. It reads only these, and a key of each user. Nil means the whole log.
	Subjects []string
	// Entities are ids. Each event has one of them as its user, its actor or a target, and Scan reads only these events. Nil means any.
	Entities []string
	// Visible, if it is not nil, is called for a user who has an event. Without its consent, no event about the user is returned,
	// and if Subjects are given, none is read. An event about no user is not returned.
	Visible func(subject string) (bool, error)

	Actions  []string         // an event has one of them
	Contains string           // in any text of the event, as input.Fold compares it
	Keep     func(Entry) bool // a further condition; nil: none
	Budget   int              // the maximum of events that Scan reads; 0 means store.PageReads
	Cost     *int             // if it is not nil, Scan adds the number of events that it read, and of keys of the index, 16 for one
}

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
	if q.Budget <= 0 {
		q.Budget = store.PageReads
	}
	if q.Cost == nil {
		q.Cost = new(int)
	}
	q.Contains = input.Fold(q.Contains)
	if q.Subjects != nil && len(q.Subjects) == 0 {
		return nil, "", nil
	}
	if entries, next, err = l.page(s, &q); err != nil {
		return nil, "", fmt.Errorf("reading audit log: %w", err)
	}
	return entries, next, nil
}

func (l Log) page(s store.Snapshot, q *Query) (entries []Entry, next string, err error) {
	m, err := merge(l.streams(s, q), q.Descending)
	if err != nil {
		return nil, "", err
	}
	reader, last := reader{log: l, s: s, q: q, visible: map[string]bool{}}, ""
	for st := m.first(); st != nil; st = m.first() {
		if reader.read >= q.Budget || len(entries) == q.Limit && q.Visible == nil {
			return entries, next, nil
		}
		if st.subject != "" {
			if is, err := reader.isVisible(st.subject); err != nil || !is {
				if err = errors.Join(err, m.advance(true)); err != nil {
					return nil, "", err
				}
				continue
			}
		}
		c := st.next[0]
		if c.id != last { // else two entities name it
			if last = c.id; len(entries) < q.Limit {
				next = last
			}
			entry, selected, err := reader.open(st)
			if err != nil {
				return nil, "", err
			}
			if selected && len(entries) == q.Limit { // a cursor means that one more entry is selected, so it reveals no other event
				return entries, next, nil
			}
			if selected {
				entries = append(entries, entry)
			}
		}
		if err := m.advance(false); err != nil {
			return nil, "", err
		}
	}
	return entries, "", nil
}

// streams returns the parts of the log that have every event of the query.
func (l Log) streams(s store.Snapshot, q *Query) (out []*stream) {
	p := q.span()
	keep := func(*Event) bool { return true }
	switch {
	case q.Subjects != nil:
		of := make(map[string]bool, len(q.Subjects))
		for _, subject := range q.Subjects {
			st := l.indexed(s, p, q.Cost, subject, classSubject)
			st.subject, of[subject] = subject, true
			out = append(out, st)
		}
		keep = func(e *Event) bool { return of[e.Subject] }
	case q.Entities != nil:
		for _, entity := range q.Entities {
			out = append(out, l.indexed(s, p, q.Cost, entity, classSubject), l.indexed(s, p, q.Cost, entity, classOther))
		}
		keep = func(e *Event) bool { return e.names(q.Entities) }
	case len(q.Actions) > 0 && !slices.ContainsFunc(q.Actions, func(action string) bool { return !isIndexed(action) }):
		for _, action := range q.Actions {
			out = append(out, l.indexed(s, p, q.Cost, action, classAction))
		}
	default:
		out = append(out, l.whole(s, p))
	}
	return append(out, l.waiting(s, p, q.Cost, keep))
}

// span returns the part of the log that the query reads.
func (q *Query) span() span {
	p := span{bound(q.Since), bound(q.Until), q.Descending}
	switch {
	case q.After == "":
	case !q.Descending:
		p.low = max(p.low, q.After) // the ids of a time sort after the time alone
	case p.high == "" || q.After < p.high:
		p.high = q.After
	}
	return p
}

// names reports whether one of the entities is the user, the actor or a target.
func (e *Event) names(entities []string) bool {
	is := func(id string) bool {
		return id != "" && slices.ContainsFunc(entities, func(e string) bool { return input.Fold(e) == input.Fold(id) })
	}
	return is(e.Subject) || is(e.Actor.ID) || slices.ContainsFunc(e.Targets, func(t Actor) bool { return is(t.ID) })
}

// reader reads the events of one Scan.
type reader struct {
	log     Log
	s       store.Snapshot
	q       *Query
	read    int
	visible map[string]bool
}

func (r *reader) isVisible(subject string) (is bool, err error) {
	if r.q.Visible == nil || subject == "" {
		return r.q.Visible == nil, nil
	}
	is, known := r.visible[subject]
	if !known {
		if is, err = r.q.Visible(subject); err != nil {
			return false, err
		}
		r.visible[subject] = is
		*r.q.Cost++
	}
	return is, nil
}

// open returns the next event of a stream, and whether the query selects it. The index is not sealed, so the event is compared with it.
func (r *reader) open(st *stream) (entry Entry, selected bool, err error) {
	r.read++
	*r.q.Cost++
	c := st.next[0]
	entry.ID = c.id
	if c.record != nil {
		entry.Event, err = c.record.Event(c.id)
	} else {
		entry.Event, _, err = r.log.find(r.s, c.id)
	}
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrUnreadable) {
		return entry, false, nil
	}
	if err != nil || st.subject != "" && entry.Subject != st.subject || !r.q.selects(entry) {
		return entry, false, err
	}
	is, err := r.isVisible(entry.Subject)
	return entry, is, err
}

// bound returns the id that sorts immediately before all ids of a time, or "" for the zero time.
func bound(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(store.TimeLayout)
}

func (q Query) selects(e Entry) bool {
	return (q.Entities == nil || e.names(q.Entities)) &&
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
