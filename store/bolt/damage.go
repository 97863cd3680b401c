package bolt

import (
	"fmt"
	"runtime/debug"

	"go.etcd.io/bbolt"
)

const advice = "stop the service, keep a copy of the file and restore the last backup"

// guard calls bbolt and returns a panic of it as ErrDamaged. bbolt panics on an invalid page, and a truncated file
// causes a fault of the processor. Both mean that the file is damaged, so guard also calls Options.OnDamage (promise D6).
func (s *Store) guard(doing string, call func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer s.recoverDamage(doing, &err)
	return call()
}

// recoverDamage sets err after a panic of the function that defers it.
func (s *Store) recoverDamage(doing string, err *error) {
	if met := recover(); met != nil {
		*err = s.damaged(doing, met)
	}
}

func (s *Store) damaged(doing string, met any) error {
	err := fmt.Errorf("%s: %w: %s: %v; %s", s.path, ErrDamaged, doing, met, advice)
	if s.damage.CompareAndSwap(nil, &err) {
		s.onDamage(err)
	}
	return err
}

// checkPages reads every page and returns ErrDamaged for a file with faults.
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
		return fmt.Errorf("%s: %w: %d faults, first: %w; %s", path, ErrDamaged, count, first, advice)
	}
	return nil
}
