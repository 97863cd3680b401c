package audit

import (
	"fmt"
	"slices"

	"barillet/store"
)

// indexID returns the id of the index record of an event about a user.
func indexID(subject, event string) string { return store.Escape(subject) + "/" + event }

// putIndex lists an event about a user in the index of that user. It uses one key of the Update.
func (l Log) putIndex(tx store.Tx, id string, e *Event) error {
	if e.Subject == "" {
		return nil
	}
	if err := l.subjects.Put(tx, indexID(e.Subject, id), struct{}{}); err != nil {
		return fmt.Errorf("listing event of a user: %w", err)
	}
	return nil
}

// deleteIndex ends the effect of putIndex. It uses one key of the Update.
func (l Log) deleteIndex(tx store.Tx, id string, e *Event) error {
	if e.Subject == "" {
		return nil
	}
	if err := l.subjects.Delete(tx, indexID(e.Subject, id)); err != nil {
		return fmt.Errorf("deleting an event of a user from the index: %w", err)
	}
	return nil
}

// subjectIDs returns the ids of the events about the subjects of the query.
func (l Log) subjectIDs(s store.Snapshot, q *Query) keySource {
	visible := map[string]bool{}
	check := func(subject string) (bool, error) {
		is, known := visible[subject]
		if known || q.Visible == nil {
			return is || q.Visible == nil, nil
		}
		is, err := q.Visible(subject)
		visible[subject] = is
		return is, err
	}
	return func(from, end string, limit int) (ids []string, full bool, err error) {
		*q.Cost += len(q.Subjects)
		for _, subject := range q.Subjects {
			sub, first := indexID(subject, ""), true
			after := ""
			if from != "" {
				after = sub + from
			}
			err := l.subjects.ScanIDs(s, sub, after, func(id string) error {
				if id = id[len(sub):]; id >= end {
					return store.ErrStop
				}
				if first {
					if is, err := check(subject); err != nil {
						return err
					} else if !is {
						return store.ErrStop
					}
					first = false
				}
				if full = limit > 0 && len(ids) == limit; full {
					return store.ErrStop
				}
				ids = append(ids, id)
				return nil
			})
			if err != nil || full {
				return ids, full, err
			}
		}
		err = l.waiting(s, q, from, end, func(id, subject string) error {
			is, err := check(subject)
			if err != nil || !is {
				return err
			}
			if full = limit > 0 && len(ids) == limit; full {
				return store.ErrStop
			}
			ids = append(ids, id)
			return nil
		})
		slices.Sort(ids)
		return ids, full, err
	}
}

// waiting calls fn for each event without a number between two ids that is about a subject of the query.
func (l Log) waiting(s store.Snapshot, q *Query, from, end string, fn func(id, subject string) error) error {
	return l.pending.Scan(s, "", from, 0, func(id string, p Pending) error {
		if id >= end {
			return store.ErrStop
		}
		if *q.Cost++; !slices.Contains(q.Subjects, p.Event.Subject) {
			return nil
		}
		return fn(id, p.Event.Subject)
	})
}
