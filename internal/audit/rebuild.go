package audit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"barillet/store"
)

const (
	rebuildReads = 1000 // records of one View
	rebuildPart  = 40   // entries of one Update, each with its event
)

// CheckIndex compares the index with the log, in small Views. With repair it also writes what is missing and deletes what is wrong, in
// small Updates that judge each entry again. The service may run meanwhile.
func (l Log) CheckIndex(ctx context.Context, s store.Store, repair bool) (r store.IndexReport, err error) {
	r = store.NewIndexReport(store.AuditEntities)
	if _, r.Missing, err = l.checkBy(ctx, s, repair, l.findMissing); err == nil {
		r.Entries, r.Wrong, err = l.checkBy(ctx, s, repair, l.findWrong)
	}
	if err != nil {
		return r, fmt.Errorf("checking the index of the audit log: %w", err)
	}
	return r, nil
}

// checkBy calls find until the end, and repairs what it finds. It returns what find read, and how many entries were at fault.
func (l Log) checkBy(ctx context.Context, s store.Store, repair bool, find func(store.Snapshot, string) ([]string, int, string, error)) (read, faults int, err error) {
	for after, more := "", true; more; more = after != "" {
		var wrong []string
		var n int
		err := s.View(ctx, func(snap store.Snapshot) (err error) {
			wrong, n, after, err = find(snap, after)
			return err
		})
		if err != nil {
			return read, faults, err
		}
		if read += n; !repair {
			faults += len(wrong)
			continue
		}
		for part := range slices.Chunk(wrong, rebuildPart) {
			n, err := store.Do(ctx, s, func(tx store.Tx) (int, error) { return l.correct(tx, part) })
			if faults += n; err != nil {
				return read, faults, err
			}
		}
	}
	return read, faults, nil
}

// findMissing returns the entries that the index lacks for the events after an id. next is empty at the end.
func (l Log) findMissing(s store.Snapshot, after string) (missing []string, read int, next string, err error) {
	err = l.table.Scan(s, "", after, rebuildReads, func(id string, r Record) error {
		read, next = read+1, id
		for _, entry := range r.entries(id) {
			_, err := s.Get(l.entities.Key(entry))
			if found, err := store.Found(err); err != nil {
				return err
			} else if !found {
				missing = append(missing, entry)
			}
		}
		return nil
	})
	if read < rebuildReads {
		next = ""
	}
	return missing, read, next, err
}

// findWrong returns the entries after one of them that no event has. next is empty at the end.
func (l Log) findWrong(s store.Snapshot, after string) (wrong []string, read int, next string, err error) {
	err = l.entities.Scan(s, "", after, rebuildReads, func(entry string) error {
		read, next = read+1, entry
		is, err := l.lists(s, entry)
		if err == nil && !is {
			wrong = append(wrong, entry)
		}
		return err
	})
	if read < rebuildReads {
		next = ""
	}
	return wrong, read, next, err
}

// lists reports whether the index must have an entry.
func (l Log) lists(r store.Reader, entry string) (bool, error) {
	slash := strings.IndexByte(entry, '/')
	if len(entry) < slash+len("/s") {
		return false, nil
	}
	id := entry[slash+len("/s"):]
	if _, err := parseID(id); err != nil {
		return false, nil
	}
	event, err := l.table.Get(r, id)
	if errors.Is(err, store.ErrUnreadable) {
		return true, nil // it may; the damage is reported
	}
	found, err := store.Found(err)
	return found && slices.Contains(event.entries(id), entry), err
}

// correct makes the index say what is true about some entries. It returns how many it changed.
func (l Log) correct(tx store.Tx, entries []string) (changed int, err error) {
	for _, entry := range entries {
		wanted, err := l.lists(tx, entry)
		if err != nil {
			return 0, err
		}
		_, err = tx.Get(l.entities.Key(entry))
		switch found, err := store.Found(err); {
		case err != nil:
			return 0, err
		case wanted && !found:
			err = l.entities.Put(tx, entry)
			changed++
			if err != nil {
				return 0, err
			}
		case !wanted && found:
			changed++
			if err := l.entities.Delete(tx, entry); err != nil {
				return 0, err
			}
		}
	}
	return changed, nil
}
