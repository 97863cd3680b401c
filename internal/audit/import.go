package audit

import (
	"errors"
	"fmt"

	"barillet/store"
)

// Import stores an event of a log that continues this one, under the number of its leaf; a nil event was removed. An event that waits
// for its number no longer does. The caller verifies the leaf. Import uses the keys of Number, and one more.
func (l Log) Import(tx store.Tx, id string, e *Event, leaf Leaf) error {
	numbered, err := l.Numbered(tx, id)
	if err == nil && numbered {
		err = errors.New("it has another number already")
	}
	if err == nil {
		err = l.pending.Delete(tx, id)
	}
	switch {
	case err != nil:
	case e == nil:
		err = l.leaves.Put(tx, id, leaf)
	default:
		r := NewRecord(*e, leaf)
		err = l.table.Put(tx, id, r)
		for _, entry := range r.entries(id) {
			err = errors.Join(err, l.entities.Put(tx, entry))
		}
	}
	if err != nil {
		return fmt.Errorf("importing event %q: %w", id, err)
	}
	return nil
}
