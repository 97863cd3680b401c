package keys

import (
	"context"
	"time"

	"barillet/store"
)

// Overdue returns the algorithms whose newest key should have had a successor for a day: the worker that calls Maintain does not
// run. An algorithm without keys is not overdue. Overdue writes nothing.
func (s *Service) Overdue(ctx context.Context) (algs []string, err error) {
	now := s.now()
	err = s.Store.View(ctx, func(snap store.Snapshot) error {
		algs = nil
		for _, alg := range Algorithms {
			set, err := s.loadSet(snap, alg)
			if err != nil {
				return err
			}
			if n := len(set.Keys); n > 0 && now.After(set.Keys[n-1].NotBefore.Add(rotateAfter+24*time.Hour)) {
				algs = append(algs, alg)
			}
		}
		return nil
	})
	return algs, err
}
