// Package bolt keeps the store in one bbolt file: one process, one writer, as many readers as it likes. It
// owns how changes are grouped into commits, what is checked before the file is trusted, and what happens
// when the disk fails. It knows keys and values only.
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
	// ErrInUse wraps the refusal of Open while another process holds the file.
	ErrInUse = errors.New("store file is in use by another process")
	// ErrDamaged wraps the refusal of a cut or damaged file, and every answer after damage was met.
	ErrDamaged = errors.New("store file is damaged")
	// ErrStopped wraps, beside store.ErrUnavailable, the refusal of every change after one whose sync failed:
	// what the disk holds is unknown until the file is opened anew. Reading goes on.
	ErrStopped = errors.New("store stopped writing after a failed sync: restart it")
)

// Options of Open. The zero value is what production uses.
type Options struct {
	// OnDamage is called once with the first damage met in the running file. It should end the process; when
	// it returns, every further call answers ErrDamaged. Nil: the process ends with a panic that no handler
	// can recover.
	OnDamage func(error)
	// Check asks for the full check of the file that otherwise follows an unclean stop only.
	Check bool
}

// Store is a bbolt file. A View or an Update inside the closure of another can wait for itself forever.
// storetest.RejectNesting finds such calls in tests.
type Store struct {
	db       *bbolt.DB
	path     string
	onDamage func(error)

	queue   chan *change
	closing chan struct{}
	ended   chan struct{} // closed when the writer has returned
	close   func() error

	damage  atomic.Pointer[error] // the first damage met
	stopped error                 // why no further change is taken; the writer's own
}

var _ store.Store = (*Store)(nil)

var bucketName = []byte("barillet")

// Open opens or creates the file, mode 0600, and checks it before it is mapped. It waits at most one second
// for another process to let go of it. The error wraps ErrInUse or ErrDamaged and names the file.
func Open(path string, options Options) (*Store, error) {
	f, err := lock(path)
	if err != nil {
		return nil, err
	}
	unclean, err := inspect(f, path)
	if err == nil {
		err = mark(path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	db, err := openLocked(f, path, unclean || options.Check)
	if err != nil {
		return nil, err
	}
	s := &Store{
		db: db, path: path, onDamage: options.OnDamage,
		queue: make(chan *change), closing: make(chan struct{}), ended: make(chan struct{}),
	}
	if s.onDamage == nil {
		s.onDamage = func(err error) { go panic(err) } // of its own goroutine: no handler may recover it
	}
	s.close = sync.OnceValue(s.shut)
	go s.write()
	return s, nil
}

// View runs fn on one snapshot. Keep it short: an open snapshot keeps the file from reusing pages.
func (s *Store) View(ctx context.Context, fn func(store.Snapshot) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	tx, bucket, err := s.begin(false)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	view := &snapshot{s: s, ctx: ctx, bucket: bucket}
	defer func() { view.over = true }()
	return fn(view)
}

// Update runs fn in a turn of its own, in the caller's goroutine, so that its panic is the caller's and
// harms nobody else; then waits until the change is on disk. A context that ends before fn has run to its end
// leaves nothing behind; later it no longer matters.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	c := &change{turn: make(chan *bbolt.Bucket, 1), ran: make(chan outcome, 1), stored: make(chan error, 1)}
	if err := s.enqueue(ctx, c); err != nil {
		return err
	}
	bucket := <-c.turn
	if err := s.run(ctx, c, bucket, fn); err != nil {
		return err
	}
	return <-c.stored
}

// Close waits for the changes under way and for every open snapshot, then closes the file. Calls after it
// answer ErrClosed; closing again answers what the first Close did.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	close(s.closing)
	<-s.ended
	if s.damage.Load() != nil {
		return nil // bbolt cannot be closed after a panic amid a commit: it still holds its own lock
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("closing %s: %w", s.path, err)
	}
	if s.stopped != nil {
		return nil // the marker stays, so that the next Open checks the file in full
	}
	return unmark(s.path)
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

// begin opens a transaction of bbolt and finds the bucket in it, by reading its first page.
func (s *Store) begin(writable bool) (tx *bbolt.Tx, bucket *bbolt.Bucket, err error) {
	err = s.guard("beginning a transaction", func() (err error) {
		if tx, err = s.db.Begin(writable); err == nil {
			bucket = tx.Bucket(bucketName)
		}
		return err
	})
	if err != nil && tx != nil {
		s.guard("ending a transaction", tx.Rollback)
	}
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		err = store.ErrClosed
	}
	return tx, bucket, err
}

// openLocked maps the file that is locked and inspected, checks every page where asked, and makes sure of
// the bucket. bbolt panics on a damaged freelist or root page: that is a refusal like any other.
func openLocked(f *os.File, path string, check bool) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if met := recover(); met != nil {
			db, err = nil, fmt.Errorf("%s: %w: opening: %v; %s", path, ErrDamaged, met, advice)
		}
		if err != nil {
			f.Close() // perhaps a second time: what counts is that the lock is let go of
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockWait,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 1 << 30, // address space only: no remapping, for which a writer waits for all readers
		NoStatistics:    true,
		// The descriptor that holds the lock and was inspected.
		OpenFile: func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	})
	if err != nil {
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	if check {
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

// prepare creates the bucket of a new file, and refuses a file of another program.
func prepare(db *bbolt.DB, path string) error {
	there := false
	err := db.View(func(tx *bbolt.Tx) error {
		there = tx.Bucket(bucketName) != nil
		if name, _ := tx.Cursor().First(); name != nil && !there {
			return fmt.Errorf("%s is a bbolt file of another program", path)
		}
		return nil
	})
	if err != nil || there {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketName)
		return err
	})
	if err != nil {
		return fmt.Errorf("preparing %s: %w", path, err)
	}
	return nil
}
