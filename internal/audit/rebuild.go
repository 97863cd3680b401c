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

// RebuildIndexes compares the index with the log, adds the entries that are missing and deletes those that are wrong. It returns
// how many there were. The service may run meanwhile.
func (l Log) RebuildIndexes(ctx context.Context, s store.Store) (changed int, err error) {
	for _, find := range []func(store.Snapshot, string) (wrong []string, next string, err error){l.findMissing, l.findWrong} {
		for after, more := "", true; more; more = after != "" {
			var wrong []string
			err := s.View(ctx, func(snap store.Snapshot) (err error) {
				wrong, after, err = find(snap, after)
				return err
			})
			for part := range slices.Chunk(wrong, rebuildPart) {
				n := 0
				if err == nil {
					n, err = store.Do(ctx, s, func(tx store.Tx) (int, error) { return l.correct(tx, part) })
				}
				changed += n
			}
			if err != nil {
				return changed, fmt.Errorf("rebuilding the index of the audit log: %w", err)
			}
		}
	}
	return changed, nil
}

// findMissing returns the entries that the index lacks for the events after an id. next is empty at the end.
func (l Log) findMissing(s store.Snapshot, after string) (missing []string, next string, err error) {
	read := 0
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
	return missing, next, err
}

// findWrong returns the entries after one of them that no event has. next is empty at the end.
func (l Log) findWrong(s store.Snapshot, after string) (wrong []string, next string, err error) {
	read := 0
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
	return wrong, next, err
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
