package bolt

import (
	"fmt"
	"os"
)

// Usage is what the file uses, in bytes.
type Usage struct {
	Size int64
	Free int64 // in pages that later commits use again; 0 without Options.Statistics
}

// Usage returns the size of the file and of its free pages after the last commit. It reads no record.
func (s *Store) Usage() (Usage, error) {
	info, err := os.Stat(s.path)
	if err != nil {
		return Usage{}, fmt.Errorf("reading the size of the store: %w", err)
	}
	stats := s.db.Stats()
	return Usage{Size: info.Size(), Free: int64(stats.FreePageN+stats.PendingPageN) * int64(s.db.Info().PageSize)}, nil
}

// ObserveCommits makes the writer call begin before each commit, and its result after it, with the number of changes in the commit
// and its error. Both must return quickly: all Updates wait for them.
func (s *Store) ObserveCommits(begin func() (end func(changes int, err error))) {
	s.observe.Store(&begin)
}

// observed is commit for a group of changes, with the calls of ObserveCommits.
func (s *Store) observed(changes int, commit func() error) error {
	begin := s.observe.Load()
	if begin == nil {
		return commit()
	}
	end := (*begin)()
	err := commit()
	end(changes, err)
	return err
}
