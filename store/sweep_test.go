package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"barillet/store"
	"barillet/store/bolt"
)

// meter is a store that counts the records that Views read and the keys that Updates write.
type meter struct {
	store.Store
	read, written, longest atomic.Int64
}

func (m *meter) View(ctx context.Context, fn func(store.Snapshot) error) error {
	return m.Store.View(ctx, func(s store.Snapshot) error { return fn(meteredSnapshot{s, m}) })
}

func (m *meter) Update(ctx context.Context, fn func(store.Tx) error) error {
	writes := int64(0)
	err := m.Store.Update(ctx, func(tx store.Tx) error {
		writes = 0
		return fn(meteredTx{tx, &writes})
	})
	m.written.Add(writes)
	m.longest.Store(max(m.longest.Load(), writes))
	return err
}

type meteredSnapshot struct {
	store.Snapshot
	m *meter
}

func (s meteredSnapshot) Get(key string) ([]byte, error) { s.m.read.Add(1); return s.Snapshot.Get(key) }

func (s meteredSnapshot) Scan(prefix, after string, limit int, fn func(string, []byte) error) error {
	return s.Snapshot.Scan(prefix, after, limit, func(key string, value []byte) error { s.m.read.Add(1); return fn(key, value) })
}

func (s meteredSnapshot) ScanBack(prefix, before string, limit int, fn func(string, []byte) error) error {
	return s.Snapshot.ScanBack(prefix, before, limit, func(key string, value []byte) error { s.m.read.Add(1); return fn(key, value) })
}

type meteredTx struct {
	store.Tx
	writes *int64
}

func (t meteredTx) Put(key string, value []byte) error { *t.writes++; return t.Tx.Put(key, value) }
func (t meteredTx) Delete(key string) error            { *t.writes++; return t.Tx.Delete(key) }

// sweptTables are four tables of different length: two thirds of the records of each expire.
var sweptTables = []store.TableDef{store.Codes, store.Accesses, store.Forwards, store.UserCodes}

func fillSwept(t *testing.T, s store.Store, ring *store.Keyring, records int, at time.Time) {
	t.Helper()
	for n, def := range sweptTables {
		table, size := store.NewTable[time.Time](ring, def), records>>(n+1)
		if n == 0 {
			size += records >> len(sweptTables)
		}
		for first := 0; first < size; first += 90 {
			err := s.Update(background, func(tx store.Tx) error {
				for i := first; i < min(first+90, size); i++ {
					if err := table.Put(tx, fmt.Sprintf("%07d", i*7919%size), at.Add(time.Duration(i%3-1)*time.Minute)); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

// Each Run stands for a minute.
func TestSweeper_CostsTheSameEachMinuteAtAnySize(t *testing.T) {
	records := 20_000
	if os.Getenv("BARILLET_TORTURE") != "" {
		records = 1_000_000
	}
	path := filepath.Join(t.TempDir(), "barillet.db")
	s, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ring := openKeyring(t, s, store.NewRootKeys())
	clock := now
	m := &meter{Store: s}
	w := &store.Sweeper{Store: m, Reads: records / 8, Deletes: records / 16, Idle: records / 80}
	for _, def := range sweptTables {
		w.Sweeps = append(w.Sweeps, store.NewSweep(store.NewTable[time.Time](ring, def), func(at time.Time) bool { return !clock.Before(at) }))
	}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var first int64
	for round := range 2 {
		fillSwept(t, s, ring, records, clock)
		if round == 0 {
			first = size()
		}
		if grown := size() - first; grown > first/10 {
			t.Errorf("round %d: the file grew by %d of %d bytes, want its space reused", round, grown, first)
		}
		// Two thirds expire at once: 11 minutes by deletions, which is longer than 8 minutes by reads.
		minutes, deleted := 0, 0
		for ; minutes < 20; minutes++ {
			m.read.Store(0)
			m.written.Store(0)
			done, err := w.Run(background)
			if err != nil {
				t.Fatal(err)
			}
			if read, written := m.read.Load(), m.written.Load(); read > int64(w.Reads+len(w.Sweeps)*50) || written > int64(w.Deletes) || m.longest.Load() > 24 {
				t.Fatalf("minute %d: got %d reads, %d writes and %d in one Update, want at most %d, %d and 24",
					minutes, read, written, m.longest.Load(), w.Reads, w.Deletes)
			}
			deleted += done.Deleted
			if left := expired(t, s, ring, clock); left == 0 {
				break
			}
		}
		if minutes >= 13 {
			t.Errorf("round %d: expired records are left after %d minutes", round, minutes)
		}
		clock = clock.Add(time.Hour)
		for minutes = 0; expired(t, s, ring, clock) > 0 && minutes < 20; minutes++ {
			if _, err := w.Run(background); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// expired returns the number of records of all tables that have expired.
func expired(t *testing.T, s store.Store, ring *store.Keyring, at time.Time) (n int) {
	t.Helper()
	err := s.View(background, func(snap store.Snapshot) error {
		for _, def := range sweptTables {
			table := store.NewTable[time.Time](ring, def)
			err := table.Scan(snap, "", "", 0, func(_ string, v time.Time) error {
				if !at.Before(v) {
					n++
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestSweeper_KeepsWhatIsRenewedAfterItWasFound(t *testing.T) {
	s := open(t)
	table := store.NewTable[time.Time](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	put := func(at time.Time) {
		if err := s.Update(background, func(tx store.Tx) error { return table.Put(tx, "a", at) }); err != nil {
			t.Fatal(err)
		}
	}
	put(now)
	sweep := store.NewSweep(table, func(at time.Time) bool { return !now.Before(at) })
	remove := sweep.Delete
	sweep.Delete = func(ctx context.Context, s store.Store, ids []string, pause func()) error {
		put(now.Add(time.Hour))
		return remove(ctx, s, ids, pause)
	}
	w := store.Sweeper{Store: s, Sweeps: []store.TableSweep{sweep}, Reads: 10, Deletes: 10}
	if _, err := w.Run(background); err != nil {
		t.Fatal(err)
	}
	get(t, s, "code/a")
}

// A record is expired, or not, by another that is damaged: it is kept, and those after it are swept.
func TestSweeper_KeepsWhatDependsOnAnUnreadableRecord(t *testing.T) {
	s := open(t)
	table := store.NewTable[time.Time](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	putAll(t, s, table, now, "a", "b", "c")
	sweep := store.NewDependentSweep(table, func(_ store.Reader, id string, _ time.Time) (bool, error) {
		if id == "b" {
			return true, fmt.Errorf("reading another record: %w", store.ErrUnreadable)
		}
		return true, nil
	})
	w := store.Sweeper{Store: s, Sweeps: []store.TableSweep{sweep}, Reads: 10, Deletes: 10}
	if done, err := w.Run(background); err != nil || done.Deleted != 2 {
		t.Errorf("got %+v, %v, want two deletions", done, err)
	}
	get(t, s, "code/b")
}

// Between the search and the Update another process deletes a record, and damages one on which another depends.
func TestSweeper_JudgesNothingThatWasDeletedMeanwhile(t *testing.T) {
	s := open(t)
	table := store.NewTable[time.Time](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	putAll(t, s, table, now, "a", "b")
	fault := error(nil)
	sweep := store.NewDependentSweep(table, func(_ store.Reader, id string, at time.Time) (bool, error) {
		if at.IsZero() {
			t.Errorf("%s is judged, but does not exist", id)
		}
		return true, fault
	})
	remove := sweep.Delete
	sweep.Delete = func(ctx context.Context, s store.Store, ids []string, pause func()) error {
		fault = store.ErrUnreadable
		if err := s.Update(ctx, func(tx store.Tx) error { return table.Delete(tx, "a") }); err != nil {
			return err
		}
		return remove(ctx, s, ids, pause)
	}
	w := store.Sweeper{Store: s, Sweeps: []store.TableSweep{sweep}, Reads: 10, Deletes: 10}
	if _, err := w.Run(background); !errors.Is(err, store.ErrUnreadable) {
		t.Errorf("got %v, want ErrUnreadable", err)
	}
	get(t, s, "code/b")
}

// The deletion of more records than one Update deletes is announced once, in the first one.
func TestSweeper_AnnouncesBeforeItDeletes(t *testing.T) {
	s := open(t)
	table := store.NewTable[time.Time](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	var ids []string
	for i := range 60 {
		ids = append(ids, fmt.Sprintf("%02d", i))
	}
	putAll(t, s, table, now, ids...)
	announced := 0
	sweep := store.NewAnnouncedSweep(table, func(time.Time) bool { return true }, func(got []string) func(store.Tx) error {
		return func(tx store.Tx) error {
			announced++
			if _, err := table.Get(tx, ids[0]); err != nil || len(got) != len(ids) {
				t.Errorf("announced %d ids, %v, want %d before the first is deleted", len(got), err, len(ids))
			}
			return nil
		}
	})
	w := store.Sweeper{Store: s, Sweeps: []store.TableSweep{sweep}, Reads: 100, Deletes: 100}
	if done, err := w.Run(background); err != nil || done.Deleted != len(ids) || announced != 1 {
		t.Errorf("got %+v, %v, announced %d times", done, err, announced)
	}
}

func putAll(t *testing.T, s store.Store, table store.Table[time.Time], at time.Time, ids ...string) {
	t.Helper()
	if err := s.Update(background, func(tx store.Tx) error {
		for _, id := range ids {
			if err := table.Put(tx, id, at); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// One table fails, for example because its records cannot be read.
func TestSweeper_AFailureOfOneTableDoesNotStopTheOthers(t *testing.T) {
	s := open(t)
	table := store.NewTable[time.Time](openKeyring(t, s, store.NewRootKeys()), store.Codes)
	if err := s.Update(background, func(tx store.Tx) error { return table.Put(tx, "a", now) }); err != nil {
		t.Fatal(err)
	}
	fault := fmt.Errorf("fault")
	w := store.Sweeper{Store: s, Reads: 10, Deletes: 10, Sweeps: []store.TableSweep{
		{Table: store.Links, Find: func(store.Snapshot, string, int, int) (store.Expired, error) { return store.Expired{}, fault }},
		store.NewSweep(table, func(at time.Time) bool { return !now.Before(at) })}}
	done, err := w.Run(background)
	if err == nil || done.Deleted != 1 {
		t.Errorf("got %+v, %v, want the error and one deletion", done, err)
	}
}

// idleSweeper sweeps sweptTables, of which those in live have so many records that have not expired.
func idleSweeper(t *testing.T, live map[string]int) (*store.Sweeper, *meter, *store.Keyring) {
	t.Helper()
	s := open(t)
	ring := openKeyring(t, s, store.NewRootKeys())
	m := &meter{Store: s}
	w := &store.Sweeper{Store: m, Reads: 20_000, Deletes: 5_000, Idle: 1_000}
	for _, def := range sweptTables {
		putSwept(t, s, ring, def, "live", live[def.Prefix], now.Add(time.Hour))
		w.Sweeps = append(w.Sweeps, store.NewSweep(store.NewTable[time.Time](ring, def), func(at time.Time) bool { return !now.Before(at) }))
	}
	return w, m, ring
}

// putSwept adds n records that expire at a time.
func putSwept(t *testing.T, s store.Store, ring *store.Keyring, def store.TableDef, name string, n int, at time.Time) {
	t.Helper()
	table := store.NewTable[time.Time](ring, def)
	for first := 0; first < n; first += 90 {
		if err := s.Update(background, func(tx store.Tx) error {
			for i := first; i < min(first+90, n); i++ {
				if err := table.Put(tx, fmt.Sprintf("%07d-%s", i*7919%n, name), at); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSweeper_AnIdleMinuteCostsTheSameWithManyRecords(t *testing.T) {
	for _, live := range []int{2_000, 10_000} {
		w, m, _ := idleSweeper(t, map[string]int{store.Codes.Prefix: live, store.Forwards.Prefix: live})
		for minute := range 25 {
			m.read.Store(0)
			if done, err := w.Run(background); err != nil || done.Deleted > 0 {
				t.Fatalf("got %+v, %v", done, err)
			}
			if read := m.read.Load(); read > 1_000+50 {
				t.Fatalf("%d records, minute %d: got %d reads, want 1,000", live, minute, read)
			}
		}
	}
}

// Long tables of which nothing expires do not delay others: a short one is read in each minute, and one of which much has expired
// as fast as the limits allow.
func TestSweeper_ReadsMoreOnlyWhereRecordsExpire(t *testing.T) {
	w, m, ring := idleSweeper(t, map[string]int{store.Codes.Prefix: 10_000, store.Forwards.Prefix: 10_000, store.UserCodes.Prefix: 100})
	for minute := range 3 {
		putSwept(t, m, ring, store.UserCodes, "expired", 20, now)
		if done, err := w.Run(background); err != nil || done.Deleted != 20 || done.Read > 1_250 {
			t.Fatalf("minute %d: got %+v, %v, want 20 deletions with the reads of an idle minute", minute, done, err)
		}
	}
	putSwept(t, m, ring, store.Accesses, "live", 4_000, now.Add(time.Hour))
	putSwept(t, m, ring, store.Accesses, "expired", 4_000, now)
	if done, err := w.Run(background); err != nil || done.Deleted != 4_000 || done.Read > 9_500 {
		t.Fatalf("got %+v, %v, want 4,000 deletions in a minute, and few reads of other tables", done, err)
	}
}

// The oldest records of a table in the order of time expire first. A round through those that have not expired takes many minutes.
func TestSweeper_FindsTheOldestRecordsOfALongTableAtOnce(t *testing.T) {
	w, m, ring := idleSweeper(t, map[string]int{store.Codes.Prefix: 10_000, store.Forwards.Prefix: 10_000})
	for minute := range 4 {
		if done, err := w.Run(background); err != nil || done.Deleted > 0 {
			t.Fatalf("got %+v, %v", done, err)
		}
		putSwept(t, m, ring, store.Codes, "expired", 300, now)
		if done, err := w.Run(background); err != nil || done.Deleted != 300 || done.Read > 3_000 {
			t.Fatalf("minute %d: got %+v, %v, want 300 deletions", minute, done, err)
		}
	}
}
