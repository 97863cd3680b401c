package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/rootkeys"
)

var errKilled = errors.New("killed")

// killed is a store whose process ends at an Update, before its commit or after it. Later calls have no effect.
type killed struct {
	store.Store
	mu     sync.Mutex
	at     int // Updates until then; it counts down
	commit bool
	dead   bool
}

func (k *killed) Update(ctx context.Context, fn func(store.Tx) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.dead {
		return errKilled
	}
	k.at--
	if k.at == 0 {
		k.dead = true
		if k.commit {
			if err := k.Store.Update(ctx, fn); err != nil {
				return err
			}
		}
		return errKilled
	}
	return k.Store.Update(ctx, fn)
}

// records are what a test wrote and a store must return.
type records map[string]string

func fill(t *testing.T, s store.Store, ring *store.Keyring, n int) records {
	t.Helper()
	users, events, all := store.NewTable[string](ring, store.Users), store.NewTable[string](ring, store.Audit), records{}
	for i := range n {
		id, text := fmt.Sprintf("%04d", i), strings.Repeat("Zoé", 1+i%400)
		all[id] = text
		err := s.Update(background, func(tx store.Tx) error {
			return errors.Join(users.Put(tx, id, text), events.Put(tx, id, text))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func (all records) check(t *testing.T, s store.Store, ring *store.Keyring) {
	t.Helper()
	err := s.View(background, func(snap store.Snapshot) error {
		for _, kind := range []store.TableDef{store.Users, store.Audit} {
			table := store.NewTable[string](ring, kind)
			for id, want := range all {
				if got, err := table.Get(snap, id); got != want || err != nil {
					return fmt.Errorf("%s%s: %d bytes, %w", kind.Prefix, id, len(got), err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func state(t *testing.T, s store.Store, ring *store.Keyring) (out store.KeyState) {
	t.Helper()
	err := s.View(background, func(snap store.Snapshot) (err error) {
		out, err = ring.KeyState(snap)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sealedBy counts the records by the id of the data key in their envelope.
func sealedBy(t *testing.T, s store.Store) map[string]int {
	t.Helper()
	out := map[string]int{}
	err := s.View(background, func(snap store.Snapshot) error {
		for _, prefix := range []string{"user/", "audit/"} {
			if err := snap.Scan(prefix, "", 0, func(_ string, v []byte) error {
				out[fmt.Sprintf("%x", v[3:11])]++
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rotate(s store.Store, ring *store.Keyring, keys store.RootKeys, at time.Time) error {
	return ring.RotateDataKey(background, s, keys, at, func(change func(store.Tx) error) error { return s.Update(background, change) })
}

func wrapAll(s store.Store, ring *store.Keyring, keys store.RootKeys, at time.Time) error {
	return ring.Follow(keys, at, func(change func(store.Tx) error) error { return s.Update(background, change) })
}

func TestDataKey_IsReplacedAfterItSealsNothing(t *testing.T) {
	file, keys := open(t), store.NewRootKeys()
	ring := openKeyring(t, file, keys)
	s := ring.CorrectTimes(file, func() time.Time { return now })
	all := fill(t, s, ring, 500)
	old := state(t, s, ring)
	wrapped := get(t, s, "meta/datakey/"+old.Active)
	oldRecord := get(t, s, "user/0001")
	if err := rotate(s, ring, keys, now); err != nil {
		t.Fatal(err)
	}
	all.check(t, s, ring)
	r := &store.Resealer{Ring: ring, Store: s}
	if done, err := r.Run(background, now); done || err != nil {
		t.Fatalf("the old key was removed at once, or %v", err)
	}
	after := state(t, s, ring)
	if by := sealedBy(t, s); by[old.Active] != 0 || by[after.Active] != 1000 || after.Sealing == nil || after.Sealing.Sealed != 1000 {
		t.Fatalf("got %v sealed, state %+v, want all 1000 by the new key", by, after)
	}
	if done, err := r.Run(background, now.Add(store.SnapshotTTL-time.Second)); done || err != nil {
		t.Fatalf("the old key was removed early, or %v", err)
	}
	if done, err := r.Run(background, now.Add(store.SnapshotTTL)); !done || err != nil {
		t.Fatalf("the old key was not removed: %v", err)
	}
	all.check(t, s, ring)
	all.check(t, file, openKeyring(t, file, keys))
	if got := state(t, s, ring); len(got.Replaced) != 0 || got.Active == old.Active || !got.Since.Equal(now) {
		t.Errorf("got %+v, want one key of now", got)
	}
	// A thief of the old key and of a record that it sealed writes that record back.
	put(t, file, "user/0001", oldRecord)
	users := store.NewTable[string](ring, store.Users)
	s.View(background, func(snap store.Snapshot) error {
		if got, err := users.Get(snap, "0001"); !errors.Is(err, store.ErrDecrypt) {
			t.Errorf("the old key opens a record: %q, %v", got, err)
		}
		return nil
	})
	if len(wrapped) == 0 {
		t.Error("there was no old key")
	}
}

// Updates that began before the switch seal with the old key, and end after the pass could have passed them.
func TestDataKey_WaitsForUpdatesThatBeganBefore(t *testing.T) {
	file, keys := open(t), store.NewRootKeys()
	ring := openKeyring(t, file, keys)
	s := ring.CorrectTimes(file, func() time.Time { return now })
	all := fill(t, s, ring, 20)
	users := store.NewTable[string](ring, store.Users)
	began, end, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	finish := sync.OnceFunc(func() { close(end) })
	t.Cleanup(finish)
	var once sync.Once
	go func() {
		ended <- s.Update(background, func(tx store.Tx) error {
			err := users.Put(tx, "0000", all["0000"])
			once.Do(func() { close(began) })
			<-end
			return err
		})
	}()
	<-began
	rotated, run := make(chan error, 1), make(chan error, 1)
	go func() { rotated <- rotate(s, ring, keys, now) }()
	for old := state(t, s, ring).Active; state(t, s, ring).Active == old; { // the switch is stored
		time.Sleep(time.Millisecond)
	}
	r := &store.Resealer{Ring: ring, Store: s}
	go func() {
		_, err := r.Run(background, now)
		run <- err
	}()
	select {
	case err := <-run:
		t.Fatalf("the pass ended before the Update: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	finish()
	if err := errors.Join(<-ended, <-rotated, <-run); err != nil {
		t.Fatal(err)
	}
	if by := sealedBy(t, s); len(by) != 1 {
		t.Errorf("got records of %v, want one key", by)
	}
	if done, err := r.Run(background, now.Add(time.Hour)); !done || err != nil {
		t.Fatal(done, err)
	}
	all.check(t, s, ring)
}

// Each step of a rotation of the data key and the master key is the last one of a process, before its commit and after it.
func TestRotation_SurvivesAKillAtEveryStep(t *testing.T) {
	steps := 0
	for _, commit := range []bool{false, true} {
		for at := 1; ; at++ {
			file, keys := open(t), store.NewRootKeys()
			ring := openKeyring(t, file, keys)
			s := ring.CorrectTimes(file, func() time.Time { return now })
			all := fill(t, s, ring, 200)
			first := state(t, s, ring)
			next := keys.WithNewMaster(now)
			ring = openKeyring(t, file, next)
			kill := &killed{Store: file, at: at, commit: commit}
			s = ring.CorrectTimes(kill, func() time.Time { return now })
			run := func(s store.Store, ring *store.Keyring) error {
				r := &store.Resealer{Ring: ring, Store: s}
				err := wrapAll(s, ring, next, now)
				if err == nil {
					err = rotate(s, ring, next, now)
				}
				for i := range 2 {
					if err == nil {
						_, err = r.Run(background, now.Add(time.Duration(i)*time.Hour))
					}
				}
				return err
			}
			err := run(s, ring)
			if err == nil {
				break
			}
			if !errors.Is(err, errKilled) {
				t.Fatal(err)
			}
			steps++
			ring = openKeyring(t, file, next) // the next process
			s = ring.CorrectTimes(file, func() time.Time { return now })
			all.check(t, s, ring)
			if err := run(s, ring); err != nil {
				t.Fatalf("kill at step %d: %v", at, err)
			}
			all.check(t, s, ring)
			last := state(t, s, ring)
			if by := sealedBy(t, s); by[last.Active] != 400 || len(last.Replaced) != 0 || last.Active == first.Active || last.Master != next.Master.ID() {
				t.Errorf("kill at step %d, committed %v: %v sealed, %+v", at, commit, by, last)
			}
			if _, err := store.OpenKeyring(background, file, keys, now); !errors.Is(err, store.ErrWrongKey) {
				t.Errorf("kill at step %d: the old master key opens the store: %v", at, err)
			}
		}
	}
	if steps < 20 {
		t.Errorf("got %d kills, want one at each of some ten steps, twice", steps)
	}
}

// Writers go on while keys are rotated, again and again.
func TestRotation_UnderLoad(t *testing.T) {
	path, keys := filepath.Join(t.TempDir(), "barillet.db"), store.NewRootKeys()
	file, err := bolt.Open(path, bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	ring := openKeyring(t, file, keys)
	s := ring.CorrectTimes(file, func() time.Time { return now })
	const writers, each = 4, 50
	fill(t, s, ring, writers*each)
	ctx, stop := context.WithCancel(background)
	results := make(chan records, writers)
	for w := range writers {
		go func() {
			last, users, events := records{}, store.NewTable[string](ring, store.Users), store.NewTable[string](ring, store.Audit)
			for n := 0; ctx.Err() == nil; n++ {
				id, text := fmt.Sprintf("%04d", w*each+n%each), strings.Repeat("é", 1+rand.IntN(500))
				err := s.Update(background, func(tx store.Tx) error {
					if _, err := users.Get(tx, id); err != nil {
						return err
					}
					return errors.Join(users.Put(tx, id, text), events.Put(tx, id, text))
				})
				if err != nil {
					t.Error(err)
				}
				last[id] = text
			}
			results <- last
		}()
	}
	for i := range 10 {
		at := now.Add(time.Duration(i) * time.Hour)
		keys = keys.WithNewMaster(at)
		if err := errors.Join(rotate(s, ring, keys, at), wrapAll(s, ring, keys, at)); err != nil {
			t.Fatal(err)
		}
		r := &store.Resealer{Ring: ring, Store: s}
		if _, err := r.Run(background, at); err != nil {
			t.Fatal(err)
		}
		if by := sealedBy(t, s); len(by) != 1 {
			t.Errorf("got records of %v after a pass, want one key", by)
		}
		if done, err := r.Run(background, at.Add(time.Hour)); !done || err != nil {
			t.Fatal(done, err)
		}
	}
	stop()
	for range writers {
		last := <-results
		last.check(t, s, ring)
	}
	if ring.DamagedRecords() != 0 {
		t.Errorf("%d records could not be read", ring.DamagedRecords())
	}
}

func TestReplacedMasterKey_OpensARestoredStoreAlone(t *testing.T) {
	file, keys := open(t), store.NewRootKeys()
	openKeyring(t, file, keys)
	next := keys.WithNewMaster(now)
	if wants, err := needs(t, file, next); !wants || err != nil {
		t.Fatal(wants, err)
	}
	ring := openKeyring(t, file, next) // the backup of before, with the key file of now
	if err := wrapAll(file, ring, next, now); err != nil {
		t.Fatal(err)
	}
	if wants, err := needs(t, file, next); wants || err != nil {
		t.Fatal(wants, err)
	}
	forgotten, ok := next.Without(keys.Master.ID())
	if _, again := forgotten.Without(keys.Master.ID()); !ok || again || len(forgotten.OlderMasters()) != 0 {
		t.Error("the old master key was not forgotten")
	}
	openKeyring(t, file, forgotten)
	if _, err := store.OpenKeyring(background, file, keys, now); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("the old master key opens the store: %v", err)
	}
}

func needs(t *testing.T, s store.Store, keys store.RootKeys) (wants bool, err error) {
	t.Helper()
	err = s.View(background, func(snap store.Snapshot) error {
		outdated, err := store.OutdatedKeys(snap, keys)
		wants = outdated.Master
		return err
	})
	return wants, err
}

func TestKeyFile_IsReplacedWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "barillet.key")
	keys, err := rootkeys.CreateFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".new", []byte("cut by a ki"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := keys.WithNewMaster(now).WithNewPasswordPepper(now, false).WithNewMaster(now.Add(time.Hour))
	if err := rootkeys.ReplaceFile(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := rootkeys.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older, peppers := got.OlderMasters(), got.PasswordPeppers()
	if got.Master.ID() != want.Master.ID() || len(older) != 2 || older[1].ID() != keys.Master.ID() || !older[0].Created().Equal(now) ||
		got.Pepper.ID() != keys.Pepper.ID() || len(peppers) != 2 || peppers[1].ID() != keys.Pepper.ID() || peppers[0].ID() != want.PasswordPeppers()[0].ID() {
		t.Errorf("read other keys")
	}
	if _, err := os.Stat(path + ".new"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the second file is left: %v", err)
	}
	if leaked := got.WithNewPasswordPepper(now, true); len(leaked.PasswordPeppers()) != 1 {
		t.Error("a leaked pepper is kept")
	}
}
