package index

import (
	"errors"
	"slices"
	"strings"

	"barillet/store"
)

// Scan calls fn for each key of an index of users (Names, Members, RoleHolders or UserStates) with one of the prefixes, in
// their order, after the key after.
func Scan(def store.TableDef, snap store.Snapshot, prefixes []string, after string, fn func(key string) error) error {
	t := store.NewIndex(def)
	stopped := false
	each := func(key string) error {
		err := fn(key)
		stopped = errors.Is(err, store.ErrStop)
		return err
	}
	for _, prefix := range slices.Compact(slices.Sorted(slices.Values(prefixes))) {
		from := ""
		if strings.HasPrefix(after, prefix) {
			from = after
		} else if after > prefix {
			continue
		}
		if err := t.Scan(snap, prefix, from, 0, each); err != nil || stopped {
			return err
		}
	}
	return nil
}
