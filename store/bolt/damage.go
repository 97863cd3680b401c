package bolt

import (
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

const advice = "stop, keep a copy of the file, and restore the last backup; it is not repaired by itself"

// guard runs one call of bbolt. A page that makes no sense makes bbolt panic, and a file cut under the map
// makes the processor fault: both are damage of the file, not of the request that met it, so the process is
// stopped with the page and advice rather than answering as if nothing were.
func (s *Store) guard(doing string, call func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if met := recover(); met != nil {
			err = s.damaged(doing, met)
		}
	}()
	return call()
}

func (s *Store) damaged(doing string, met any) error {
	err := fmt.Errorf("%s: %w: %s: %v; %s", s.path, ErrDamaged, doing, met, advice)
	if s.damage.CompareAndSwap(nil, &err) {
		s.onDamage(err)
	}
	return err
}

// checkPages reads every page, as after an unclean stop.
func checkPages(db *bbolt.DB, path string) error {
	tx, err := db.Begin(false)
	if err != nil {
		return fmt.Errorf("checking %s: %w", path, err)
	}
	defer tx.Rollback()
	var first error
	count := 0
	for err := range tx.Check() {
		if count++; first == nil {
			first = err
		}
	}
	if first != nil {
		return fmt.Errorf("%s: %w: %d faults, the first: %w; %s", path, ErrDamaged, count, first, advice)
	}
	return nil
}
