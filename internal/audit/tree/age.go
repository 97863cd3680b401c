package tree

import (
	"context"
	"time"

	"barillet/store"
)

// HeadTime returns the time of the newest head. It is zero if there is none.
func (t *Tree) HeadTime(ctx context.Context) (at time.Time, err error) {
	err = t.Store.View(ctx, func(s store.Snapshot) error {
		head, err := t.newest(s)
		at = head.At
		return err
	})
	return at, err
}
