package diskspace_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"barillet/internal/diskspace"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

const mib = 1 << 20

func open(t *testing.T, dir string) *diskspace.Watch {
	t.Helper()
	w, err := diskspace.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func check(t *testing.T, w *diskspace.Watch, low, reserved bool) {
	t.Helper()
	s, err := w.Check()
	if err != nil || s.Low != low || s.Reserved > 0 != reserved || w.HasRoom() == low {
		t.Errorf("got %+v, %v, want low %t and a reserve %t", s, err, low, reserved)
	}
}

func TestReserve_IsMadeWithRoomAndFreedWithout(t *testing.T) {
	storetest.OnSmallDisk(t, 64, func(dir string) {
		filler := filepath.Join(dir, "filler")
		w := open(t, dir)
		check(t, w, false, true)
		info, err := os.Stat(filepath.Join(dir, diskspace.ReserveName))
		if err != nil || info.Mode() != 0o600 || info.Size() != 4*mib || info.Sys().(*syscall.Stat_t).Blocks*512 != 4*mib {
			t.Errorf("got %v, %v, want 4 MiB allocated with mode 0600", info, err)
		}
		storetest.Fill(t, filler, 9*mib)
		check(t, w, false, true)
		storetest.Fill(t, filler, 7*mib)
		check(t, w, true, true)
		storetest.Fill(t, filler, 1*mib)
		check(t, w, true, false)
		if free := storetest.Free(t, dir); free != 5*mib {
			t.Errorf("got %d bytes free, want those of the reserve", free)
		}
		os.Truncate(filler, 64*mib-13*mib)
		check(t, w, true, false) // not yet with a margin
		os.Truncate(filler, 64*mib-20*mib)
		check(t, w, false, true)
	})
}

func TestNew_FreesTheReserveOfAFullDisk(t *testing.T) {
	storetest.OnSmallDisk(t, 64, func(dir string) {
		check(t, open(t, dir), false, true)
		storetest.Fill(t, filepath.Join(dir, "filler"), 0)
		w := open(t, dir)
		if s := w.State(); !s.Low || s.Reserved > 0 || s.Free != 4*mib {
			t.Errorf("got %+v, want the reserve freed", s)
		}
	})
}

func TestGuard_RepeatsAChangeThatFailsForWantOfSpace(t *testing.T) {
	storetest.OnSmallDisk(t, 64, func(dir string) {
		db, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		w := open(t, dir)
		check(t, w, false, true)
		s := w.Guard(db)
		put := func(n int) error {
			return s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("a/"+string(rune('a'+n)), make([]byte, 60000)) })
		}
		storetest.Fill(t, filepath.Join(dir, "filler"), 0)
		for n := range 20 {
			if err := put(n); err != nil {
				t.Fatalf("change %d on the full disk: %v", n, err)
			}
		}
		if s := w.State(); !s.Low || s.Reserved > 0 {
			t.Errorf("got %+v, want the reserve in use", s)
		}
		storetest.Fill(t, filepath.Join(dir, "filler"), 0)
		err = nil
		for n := 25; n < 100 && err == nil; n++ { // the file has free pages
			err = put(n)
		}
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("without a reserve: got %v, want ErrUnavailable", err)
		}
	})
}
