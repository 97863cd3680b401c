package bolt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"barillet/store"
)

// grown returns the path of a closed store that had 2,000 records and has 200, and the size of its file.
func grown(t *testing.T) (path string, size int64) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "barillet.db")
	s, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 40 {
		for _, keep := range []bool{true, false} {
			err := s.Update(t.Context(), func(tx store.Tx) error {
				for j := range 50 {
					key := fmt.Sprintf("a/%03d-%03d", i, j)
					if keep {
						if err := tx.Put(key, []byte(key+strings.Repeat("x", 9000))); err != nil {
							return err
						}
					} else if i*50+j >= 200 {
						if err := tx.Delete(key); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path, fileSize(t, path)
}

func fileSize(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// checkGrown fails unless the store has the 200 records of grown, accepts a change, and has no unfinished copy.
func checkGrown(t *testing.T, path string) {
	t.Helper()
	s, err := Open(path, Options{Check: true})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = s.View(t.Context(), func(snap store.Snapshot) error {
		return snap.Scan("a/", "", 0, func(key string, value []byte) error {
			if n++; string(value) != key+strings.Repeat("x", 9000) {
				t.Errorf("%s has another value", key)
			}
			return nil
		})
	})
	if err != nil || n != 200 {
		t.Errorf("got %d records, %v, want 200", n, err)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("b/1", []byte("x")) }); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + copySuffix); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unfinished copy exists: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestCompaction_GivesFreeSpaceBack(t *testing.T) {
	path, before := grown(t)
	var space Space
	after, err := Compaction{Path: path, Before: func(s Space) { space = s }}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := fileSize(t, path); got != after || after > 4<<20 || after > space.Needed || space.File != before || space.Free <= 0 {
		t.Errorf("got %d bytes, reported %d after %d, with %+v", got, after, before, space)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
	if _, err := os.Stat(marker(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("marker after a compaction: %v", err)
	}
	checkGrown(t, path)
}

func TestCompaction_ByRootKeepsTheOwner(t *testing.T) {
	path, _ := grown(t)
	if os.Getuid() != 0 {
		t.Log("as another user the owner cannot differ")
	} else if err := os.Chown(path, 1234, 1235); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Compaction{Path: path}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	was, is := before.Sys().(*syscall.Stat_t), after.Sys().(*syscall.Stat_t)
	if is.Uid != was.Uid || is.Gid != was.Gid {
		t.Errorf("got owner %d and group %d, want %d and %d", is.Uid, is.Gid, was.Uid, was.Gid)
	}
}

func TestCompaction_KeepsTheMarkerOfAnUncleanStop(t *testing.T) {
	path, _ := grown(t)
	if err := mark(path); err != nil {
		t.Fatal(err)
	}
	if _, err := (Compaction{Path: path}).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(marker(path)); err != nil {
		t.Errorf("the marker does not exist: %v", err)
	}
	checkGrown(t, path)
}

func TestCompaction_ChangesNothingIfItFails(t *testing.T) {
	for name, c := range map[string]struct {
		before func(t *testing.T, path string)
		want   error
	}{
		"a missing store": {func(t *testing.T, path string) { os.Remove(path) }, fs.ErrNotExist},
		"a damaged page": {func(t *testing.T, path string) {
			f, err := os.OpenFile(path, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for n := int64(2); n < 400; n++ {
				if _, err := f.WriteAt(make([]byte, 16), n*int64(os.Getpagesize())); err != nil {
					t.Fatal(err)
				}
			}
		}, ErrDamaged},
		"another file": {func(t *testing.T, path string) {
			os.WriteFile(path, []byte(strings.Repeat("text ", 9000)), 0o600)
		}, ErrDamaged},
		"a service that runs": {func(t *testing.T, path string) {
			s, err := Open(path, Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
		}, ErrInUse},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, _ := grown(t)
			c.before(t, path)
			before, _ := os.ReadFile(path)
			_, err := Compaction{Path: path}.Run(t.Context())
			if after, _ := os.ReadFile(path); !errors.Is(err, c.want) || string(after) != string(before) {
				t.Errorf("got %v, want %v and the same file: %v", err, c.want, string(after) == string(before))
			}
			if _, err := os.Stat(path + copySuffix); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("an unfinished copy exists: %v", err)
			}
		})
	}
}

func TestCompaction_OfAFullDiskOrStoppedLeavesTheStore(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ) // without this the signal kills the process
	defer signal.Reset(syscall.SIGXFSZ)
	path, before := grown(t)
	var unlimited syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 20, Max: unlimited.Max}); err != nil {
		t.Fatal(err)
	}
	_, full := Compaction{Path: path}.Run(t.Context())
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &unlimited); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	_, stopped := Compaction{Path: path, testingOnlyStep: func(string) { stop() }}.Run(ctx)
	if full == nil || !errors.Is(stopped, context.Canceled) || fileSize(t, path) != before {
		t.Errorf("got %v and %v, and %d bytes, want two errors and %d bytes", full, stopped, fileSize(t, path), before)
	}
	checkGrown(t, path)
}

// killedCompaction is the environment variable that gives the child process a store and the step at which it ends.
const killedCompaction = "BARILLET_BOLT_KILLED_COMPACTION"

func TestCompaction_KilledAtAnyStepLeavesACompleteStore(t *testing.T) {
	if at, path, ok := strings.Cut(os.Getenv(killedCompaction), ":"); ok {
		_, err := Compaction{Path: path, testingOnlyStep: func(name string) {
			if name == at {
				syscall.Kill(os.Getpid(), syscall.SIGKILL)
			}
		}}.Run(t.Context())
		t.Fatalf("not killed: %v", err)
	}
	for _, step := range []string{"created", "copied", "checked", "synced", "renamed"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			path, _ := grown(t)
			child := exec.Command(os.Args[0], "-test.run=^TestCompaction_KilledAtAnyStepLeavesACompleteStore$", "-test.count=1")
			child.Env = append(os.Environ(), killedCompaction+"="+step+":"+path)
			out, err := child.CombinedOutput()
			if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != -1 {
				t.Fatalf("the child was not killed: %v\n%s", err, out)
			}
			checkGrown(t, path)
		})
	}
}

// The lock is on the file, not on its name: what waited for the old file must not use it.
func TestOpen_AfterACompactionUsesTheNewFile(t *testing.T) {
	path, _ := grown(t)
	old, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	opened := make(chan error)
	var s *Store
	go func() {
		var err error
		s, err = Open(path, Options{}) // waits for the lock
		opened <- err
	}()
	if err := os.Link(path, path+".kept"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path+".new", data, 0o600), os.Rename(path+".new", path), old.Close()); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	mustPut(t, s, "b/1", []byte("x"))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if kept, err := os.ReadFile(path + ".kept"); err != nil || string(kept) != string(data) {
		t.Errorf("the old file was changed: %v", err)
	}
}
