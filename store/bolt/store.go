// Package bolt implements the store in one bbolt file, for one process with one writer and any number of readers. It
// groups Updates into commits, checks the file before it opens it, and handles failures of the disk. It does not know the
// format of records.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"barillet/store"
)

var (
	// ErrInUse is wrapped by the error of Open while another process has the file open.
	ErrInUse = errors.New("store file is in use by another process")
	// ErrDamaged is wrapped by the error of Open for a truncated or damaged file, and by every error after damage was found.
	ErrDamaged = errors.New("store file is damaged")
	// ErrStopped is wrapped, beside store.ErrUnavailable, by the error of every Update after a failed sync. The content of
	// the disk is unknown until the file is opened again. View continues to work.
	ErrStopped = errors.New("store stopped writing after a failed sync: restart the service")
)

// Options configures Open. The zero value is for production.
type Options struct {
	// OnDamage is called once, with the first damage found after Open. It should end the process. If it returns, every
	// further call returns ErrDamaged. If it is nil, the process ends with a panic that no handler can recover.
	OnDamage func(error)
	// Check makes Open check every page. Without it, Open does so only after an unclean stop or a full disk.
	Check bool
	// Statistics makes Usage count free pages, which costs each transaction a lock.
	Statistics bool
	// Unsynced makes the file durable in Close alone: for work on a copy that a kill may destroy. Without it, each Update does.
	Unsynced bool
}

// Store is a bbolt file. A View or an Update inside the closure of another can wait for itself forever.
// storetest.RejectNesting finds such calls in tests.
type Store struct {
	db       *bbolt.DB
	path     string
	onDamage func(error)

	queue   chan *change
	running atomic.Int64  // Updates that run on a snapshot or wait in the queue
	idle    chan struct{} // has a value after the last of them was refused
	closing chan struct{}
	ended   chan struct{} // closed when the writer has returned
	close   func() error

	watches watches
	observe atomic.Pointer[func() func(changes int, err error)]
	damage  atomic.Pointer[error] // the first damage found
	synced  atomic.Int64          // id of the last transaction that is on disk
	opened  int64                 // id of the one that Open found after a clean stop; 0 after an unclean one
	stopped error                 // why Updates are rejected; used by the writer only

	testingOnlyGroup func(taken int) // called at the end of each group, to count what enters the writer
}

var _ store.Store = (*Store)(nil)

// Open opens or creates the file, with mode 0600, and checks it before it maps it. It waits at most one second for
// another process to close it. The error names the file and can wrap ErrInUse or ErrDamaged.
func Open(path string, options Options) (*Store, error) {
	f, err := lock(path)
	if err != nil {
		return nil, err
	}
	unclean, unlisted, err := inspect(f, path)
	if err == nil {
		err = errors.Join(removeCopy(path), mark(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	db, err := openLocked(f, path, unclean && !unlisted || options.Check, options.Statistics)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, path: path, onDamage: options.OnDamage,
		queue: make(chan *change), idle: make(chan struct{}, 1), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	if err := s.readSynced(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if !unclean {
		s.opened = s.synced.Load()
	}
	s.db.NoSync = options.Unsynced
	if s.onDamage == nil {
		s.onDamage = func(err error) { go panic(err) } // in a goroutine, where no handler recovers it
	}
	s.close = sync.OnceValue(s.closeFile)
	go s.write()
	return s, nil
}

// View calls fn with a snapshot. It should be short: bbolt cannot reuse free pages while a snapshot is open.
func (s *Store) View(ctx context.Context, fn func(store.Snapshot) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	view := &snapshot{s: s, ctx: ctx, records: finder{tx: tx}}
	defer func() { view.over = true }()
	return fn(view)
}

// Update calls fn in the goroutine of the caller, on a snapshot. If fn fails or writes nothing, Update returns and never
// meets the writer. Otherwise it waits until the writer has stored the change. If a value that fn read has changed
// meanwhile, fn runs again in its turn, so that no Update has to try a third time. A panic of fn reaches the caller only. If
// ctx ends before the writer takes the change, Update has no effect. After that, ctx has influence only until fn returns.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	c, err := s.prepareChange(ctx, fn)
	if c == nil {
		return err
	}
	if err := s.enqueue(ctx, c); err != nil {
		return err
	}
	next := <-c.next
	if next.turn == nil {
		return next.err
	}
	if err := s.repeat(ctx, c, next.turn, fn); err != nil {
		return err
	}
	return (<-c.next).err
}

// Watch adds a watch. A commit that it misses was complete before, so a View after Watch shows it.
func (s *Store) Watch(prefix string, fn func(keys []string)) { s.watches.add(prefix, fn) }

// Close waits for running Updates and open snapshots, then closes the file. Later calls of View and Update return
// ErrClosed. A second Close returns the result of the first.
func (s *Store) Close() error { return s.close() }

func (s *Store) closeFile() error {
	close(s.closing)
	<-s.ended
	s.storeFreePages()
	if s.damage.Load() == nil && s.db.NoSync {
		if err := s.db.Sync(); err != nil {
			return errors.Join(fmt.Errorf("syncing %s: %w", s.path, err), s.db.Close()) // the marker stays
		}
	}
	if s.damage.Load() != nil {
		return nil // after a panic in a commit, bbolt holds its own lock and cannot be closed
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.path, err)
	}
	if s.stopped != nil {
		return nil // the marker stays, so that the next Open checks every page
	}
	return unmark(s.path)
}

// storeFreePages stores the list of free pages if there were commits, so that the next Open does not read every page to find them.
// After an unclean stop, Open reads every page anyway. If the disk is full, the next Open does, too.
func (s *Store) storeFreePages() {
	if s.stopped != nil || s.damage.Load() != nil || s.synced.Load() == s.opened {
		return
	}
	tx, err := s.begin(true)
	if err != nil {
		return // also damage, which is reported
	}
	s.db.NoFreelistSync = false // the writer has ended
	s.commit(tx)                // sets stopped if the disk is in an unknown state
}

func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return ctx.Err()
	}
	select {
	case <-s.closing:
		return store.ErrClosed
	default:
	}
	if damage := s.damage.Load(); damage != nil {
		return *damage
	}
	return nil
}

func (s *Store) begin(writable bool) (tx *bbolt.Tx, err error) {
	err = s.guard("beginning a transaction", func() (err error) {
		tx, err = s.db.Begin(writable)
		return err
	})
	if err != nil && tx != nil {
		s.guard("ending a transaction", tx.Rollback)
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = store.ErrClosed
	}
	return tx, err
}

// readSynced sets the id of the transaction that the opened file has.
func (s *Store) readSynced() error {
	tx, err := s.begin(false)
	if err != nil {
		return err
	}
	s.synced.Store(int64(tx.ID()))
	return tx.Rollback()
}

// openLocked maps the locked and inspected file, checks every page if check is set, and creates the buckets if they do not
// exist. A panic of bbolt on a damaged page becomes ErrDamaged.
func openLocked(f *os.File, path string, check, statistics bool) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if met := recover(); met != nil {
			db, err = nil, fmt.Errorf("%s: %w: opening: %v; %s", path, ErrDamaged, met, advice)
		}
		if err != nil {
			f.Close() // releases the lock; bbolt may have closed the file before
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockWait,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 1 << 30, // address space only: to grow the map, a writer waits for all readers
		NoStatistics:    !statistics,
		NoFreelistSync:  true, // stored by Close: it grows with the free pages, and each commit would write all of it
		// f is locked and inspected.
		OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if check {
		defer readAhead(f)()
		err = checkPages(db, path)
	}
	if err == nil {
		err = prepare(db, path)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// prepare creates the buckets of a new file. It returns an error for a file of another program, or of a version of this one that
// no release can read.
func prepare(db *bbolt.DB, path string) error {
	there, others := 0, false
	err := db.View(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if tx.Bucket(b.name) != nil {
				there++
			}
		}
		name, _ := tx.Cursor().First()
		others = name != nil
		return nil
	})
	if err == nil && others && there < len(buckets) {
		err = fmt.Errorf("%s is a bbolt file of another program, or of an unreleased version of this one", path)
	}
	if err != nil || there == len(buckets) {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucket(b.name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("preparing %s: %w", path, err)
	}
	return nil
}
