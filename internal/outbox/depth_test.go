package outbox

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/store"
)

func TestDepth_FollowsTheTable(t *testing.T) {
	w := newWorker(t)
	now := guardsTime
	w.Now, w.Log, w.Parallel = func() time.Time { return now }, slog.New(slog.DiscardHandler), 1
	put := func(id string) {
		t.Helper()
		if err := w.Store.Update(t.Context(), func(tx store.Tx) error { return w.Table.Put(tx, id, letter{Attempts{Queued: now, NotBefore: now}}) }); err != nil {
			t.Fatal(err)
		}
	}
	want := func(waiting, dead int, oldest string) {
		t.Helper()
		if _, err := w.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := w.Depth(); d.Waiting[audit.LaneSecurity] != waiting || d.Dead != dead || d.Oldest != oldest {
			t.Errorf("got %+v, want %d waiting, %d dead, oldest %q", d, waiting, dead, oldest)
		}
	}
	put("b")
	put("a")
	want(2, 0, "a") // there is no server
	w.Send = func(_ context.Context, id string, _ letter) error {
		if id == "a" {
			return ErrFinal
		}
		return errors.New("later")
	}
	want(1, 1, "b")
	if err := w.Store.Update(t.Context(), func(tx store.Tx) error { return errors.Join(w.Table.Delete(tx, "a"), w.Table.Delete(tx, "b")) }); err != nil {
		t.Fatal(err)
	}
	want(0, 0, "")
}
