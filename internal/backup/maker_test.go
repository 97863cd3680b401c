package backup_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"barillet/internal/backup"
	"barillet/store"
)

// anything is a record whose content does not matter.
type anything struct {
	Text string `json:"text"`
}

func TestMaker_RefusesAStoreWithARecordThatCannotBeOpened(t *testing.T) {
	e := newEnv(t)
	var key string
	err := e.file.View(t.Context(), func(snap store.Snapshot) error {
		return snap.Scan(store.Users.Prefix, "", 1, func(k string, _ []byte) error { key = k; return nil })
	})
	if err != nil || key == "" {
		t.Fatal(err)
	}
	for what, change := range map[string]func(tx store.Tx) error{
		"a changed record": func(tx store.Tx) error {
			sealed, err := tx.Get(key)
			if err != nil {
				return err
			}
			changed := bytes.Clone(sealed)
			changed[len(changed)-1] ^= 1
			return tx.Put(key, changed)
		},
		"a record under another key": func(tx store.Tx) error {
			sealed, err := tx.Get(key)
			if err != nil {
				return err
			}
			return tx.Put(key+"x", sealed)
		},
		"a record of no table": func(tx store.Tx) error { return tx.Put("unknown/1", []byte("x")) },
	} {
		e := newEnv(t)
		if err := e.file.Update(t.Context(), change); err != nil {
			t.Fatal(err)
		}
		if _, err := e.maker.TrySpool(t.Context()); !errors.Is(err, store.ErrUnreadable) {
			t.Errorf("%s: %v", what, err)
		}
		if found, err := e.spools(); len(found) != 0 {
			t.Errorf("%s: the data directory keeps %v, %v", what, found, err)
		}
		if _, err := e.maker.TrySpool(t.Context()); errors.Is(err, backup.ErrBusy) {
			t.Errorf("%s: a failure blocks the next backup", what)
		}
	}
}

func TestMaker_OpensTheCopyWithTheKeyFileAlone(t *testing.T) {
	e := newEnv(t)
	e.maker.Keys = store.NewRootKeys
	if _, err := e.maker.TrySpool(t.Context()); !errors.Is(err, store.ErrWrongKey) {
		t.Errorf("with another key file: %v", err)
	}
}

// Writers change two records together while backups are made. Each backup has both changes or none.
func TestMaker_ABackupOfABusyStoreIsOneMoment(t *testing.T) {
	e := newEnv(t)
	table := store.NewTable[anything](e.ring, store.Throttles)
	ctx, stop := context.WithCancel(t.Context())
	var written atomic.Int64
	ended := make(chan error)
	go func() {
		for n := int64(1); ctx.Err() == nil; n++ {
			err := e.file.Update(t.Context(), func(tx store.Tx) error {
				text := anything{string(rune('a' + n%26))}
				return errors.Join(table.Put(tx, "left", text), table.Put(tx, "right", text))
			})
			if err != nil {
				ended <- err
				return
			}
			written.Store(n)
		}
		ended <- nil
	}()
	for range 5 {
		for begin := written.Load(); written.Load() < begin+20; {
		}
		raw, _ := e.make()
		text, err := e.extract(raw, backup.Identities{})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		err = e.read(path, func(snap store.Snapshot) error {
			left, err := table.Get(snap, "left")
			if err != nil {
				return err
			}
			right, err := table.Get(snap, "right")
			if left != right {
				t.Errorf("the backup has %q and %q", left.Text, right.Text)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestMaker_EndsWithoutRoomAndWithItsContext(t *testing.T) {
	e := newEnv(t)
	full := errors.New("full")
	e.maker.Room = func(dir string, bytes int64) error {
		if dir != e.dir || bytes <= 0 {
			t.Errorf("Room gets %s and %d", dir, bytes)
		}
		return full
	}
	if _, err := e.maker.TrySpool(t.Context()); !errors.Is(err, backup.ErrNoRoom) || !errors.Is(err, full) {
		t.Errorf("without room: %v", err)
	}
	e.maker.Room = func(string, int64) error { return nil }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.maker.TrySpool(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	if found, err := e.spools(); len(found) != 0 {
		t.Errorf("the data directory keeps %v, %v", found, err)
	}
}

func TestMaker_SendsOneBackupAtATimeAndForgetsThoseOfAKilledProcess(t *testing.T) {
	e := newEnv(t)
	first, err := e.maker.TrySpool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.maker.TrySpool(t.Context()); !errors.Is(err, backup.ErrBusy) {
		t.Errorf("beside another: %v", err)
	}
	scheduled, err := e.maker.Spool(t.Context()) // does not wait for the client of the first
	if err != nil {
		t.Fatal(err)
	}
	if found, err := e.spools(); len(found) != 2 {
		t.Errorf("the data directory has %v, %v", found, err)
	}
	if err := errors.Join(first.Close(), scheduled.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"barillet.spool-send", "barillet.spool-file"} {
		if err := os.WriteFile(filepath.Join(e.dir, name), []byte("killed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.maker.RemoveSpools(); err != nil {
		t.Fatal(err)
	}
	if found, err := e.spools(); len(found) != 0 {
		t.Errorf("the data directory keeps %v, %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(e.dir, "barillet.db")); err != nil {
		t.Error(err)
	}
}

// changedWriter changes the spool while it is sent.
type changedWriter struct {
	path    string
	changed bool
	bytes.Buffer
}

func (w *changedWriter) Write(p []byte) (int, error) {
	if !w.changed {
		w.changed = true
		if err := os.Truncate(w.path, 8192); err != nil {
			return 0, err
		}
	}
	return w.Buffer.Write(p)
}

func TestSpool_ThatChangesIsNoBackup(t *testing.T) {
	e := newEnv(t)
	s, err := e.maker.TrySpool(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w := &changedWriter{path: filepath.Join(e.dir, "barillet.spool-send")}
	if err := s.Write(t.Context(), w); err == nil {
		t.Error("a cut spool is sent as a backup")
	}
	if _, err := e.extract(w.Bytes(), backup.Identities{}); !errors.Is(err, backup.ErrDamaged) {
		t.Errorf("what was sent: %v", err)
	}
}
