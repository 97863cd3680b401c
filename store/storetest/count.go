package storetest

import (
	"context"
	"strings"

	"barillet/store"
)

// Count returns the number of records of each table, by prefix. It reads the whole store in one View.
func Count(ctx context.Context, s store.Store) (map[string]int, error) {
	counts := map[string]int{}
	err := s.View(ctx, func(snap store.Snapshot) error {
		return snap.Scan("", "", 0, func(key string, _ []byte) error {
			prefix, _, _ := strings.Cut(key, "/")
			counts[prefix+"/"]++
			return nil
		})
	})
	return counts, err
}
