package bolt_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"barillet/store"
	"barillet/store/bolt"
)

// A limit on the file size makes a write fail before any sync, as a full disk does.
func TestFullDisk_RejectsUpdatesUntilThereIsSpace(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ) // without this the signal kills the process
	defer signal.Reset(syscall.SIGXFSZ)
	dir := t.TempDir()
	s := open(t, dir)
	put := func(key string) error {
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.Put(key, make([]byte, 60000)) })
	}
	if err := put("a/before"); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "barillet.db"))
	if err != nil {
		t.Fatal(err)
	}
	restore := limitFileSize(t, uint64(info.Size()))
	var full error
	for i := 0; full == nil && i < 2000; i++ {
		full = put(fmt.Sprintf("a/%04d", i))
	}
	retry := put("a/again")
	restore()
	if !errors.Is(full, store.ErrUnavailable) || errors.Is(full, bolt.ErrStopped) || !errors.Is(retry, store.ErrUnavailable) {
		t.Errorf("full: got %v, then %v, want ErrUnavailable and no stop", full, retry)
	}
	has := func(s store.Store, key string) bool {
		err := s.View(context.Background(), func(snap store.Snapshot) error {
			_, err := snap.Get(key)
			return err
		})
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.Errorf("reading %s: %v", key, err)
		}
		return err == nil
	}
	if !has(s, "a/before") || has(s, "a/again") {
		t.Error("a rejected record exists, or a stored one does not")
	}
	if err := put("a/after"); err != nil {
		t.Errorf("with free space: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checked, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	defer checked.Close()
	if !has(checked, "a/before") || !has(checked, "a/after") || has(checked, "a/again") {
		t.Error("reopened: a rejected record exists, or a stored one does not")
	}
}

func limitFileSize(t *testing.T, size uint64) (restore func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	}
}

// The test replaces the descriptor of the store by /dev/null, where a write succeeds and a sync fails.
func TestFailedSync_StopsWritesUntilReopened(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "barillet.db")
	s := open(t, dir)
	put := func(key string) error {
		return s.Update(context.Background(), func(tx store.Tx) error { return tx.Put(key, []byte("x")) })
	}
	if err := put("a/before"); err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if err := syscall.Dup3(int(null.Fd()), descriptor(t, path), syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := put("a/lost"); !errors.Is(err, bolt.ErrStopped) || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("got %v, want ErrStopped and ErrUnavailable", err)
		}
	}
	err = s.View(context.Background(), func(snap store.Snapshot) error { _, err := snap.Get("a/before"); return err })
	if err != nil {
		t.Errorf("View: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".open"); err != nil {
		t.Errorf("the marker does not exist: %v", err)
	}
	s = open(t, dir)
	defer s.Close()
	if err := put("a/after"); err != nil {
		t.Errorf("reopened: %v", err)
	}
}

// descriptor returns the file descriptor of an open file of this process.
func descriptor(t *testing.T, path string) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range open {
		if target, _ := os.Readlink("/proc/self/fd/" + entry.Name()); target == path {
			var fd int
			fmt.Sscan(entry.Name(), &fd)
			return fd
		}
	}
	t.Fatalf("%s is not open", path)
	return -1
}
