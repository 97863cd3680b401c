package tree

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// damages are changes of one record of a log with 50 leaves and a head. Each keeps the service from signing another head.
var damages = map[string]func(a *attacker){
	"the last tile is unreadable":   func(a *attacker) { a.garble(a.f.tree.tiles.Key(tileID(0, 0))) },
	"the last tile is missing":      func(a *attacker) { a.deleteKey(a.f.tree.tiles.Key(tileID(0, 0))) },
	"the last tile lost its end":    func(a *attacker) { a.resizeTile(49) },
	"the size is unreadable":        func(a *attacker) { a.garble(a.f.tree.heads.Key(treeID)) },
	"the size is too large":         func(a *attacker) { must(0, a.f.tree.heads.Put(a, treeID, Head{Size: 52})) },
	"the size is too small":         func(a *attacker) { must(0, a.f.tree.heads.Put(a, treeID, Head{Size: 49})) },
	"the newest head is unreadable": func(a *attacker) { a.garble(a.f.tree.heads.Key(newestID)) },
	"the newest head is forged":     func(a *attacker) { must(0, a.f.tree.heads.Put(a, newestID, Head{Size: 50, Note: "x"})) },
}

func (a *attacker) garble(key string) { must(0, a.Put(key, []byte("x"))) }

// resizeTile keeps the first hashes of the only tile.
func (a *attacker) resizeTile(hashes int) {
	tile := must(a.f.tree.tiles.Get(a, tileID(0, 0)))
	must(0, a.f.tree.tiles.Put(a, tileID(0, 0), Tile{tile.Hashes[:hashes*tlog.HashSize]}))
}

// One damaged record ends the heads. The operator learns it from the event and from /readyz.
func TestRun_RecordsEachDamageThatEndsTheHeads(t *testing.T) {
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.append(50)
			f.advance()
			a := f.attacker()
			damage(a)
			a.apply()
			f.append(1)
			f.tree = f.newTree()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			recorded := false
			f.tree.Contradicted = func(context.Context, string) error {
				recorded = true
				cancel()
				return nil
			}
			if err := f.tree.Run(ctx); err != nil || !recorded || !f.tree.IsContradicted() {
				t.Errorf("got %v, recorded %t, contradicted %t", err, recorded, f.tree.IsContradicted())
			}
		})
	}
}

// After a start with many events that wait, the first head does not wait for all of them.
func TestRun_SignsWhileManyEventsWait(t *testing.T) {
	f := newFixture(t)
	const waiting = atOnce*batchKeys/3 + 100 // each uses three keys or more
	for done := 0; done < waiting; done += 90 {
		f.update(func(tx store.Tx) error {
			for i := range min(90, waiting-done) {
				if err := f.log.Append(tx, audit.NewID(f.clock), sampleEvent(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = f.tree.Run(ctx) })
	defer running.Wait()
	defer cancel()
	_, err := f.tree.NewestHead(ctx)
	for ; errors.Is(err, ErrUnsigned); _, err = f.tree.NewestHead(ctx) {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatal(err)
	}
	var first Head // of the day: the newest one may be later
	err = f.s.View(t.Context(), func(s store.Snapshot) (err error) {
		first, err = f.tree.heads.Get(s, dayPrefix+f.clock.UTC().Format(time.DateOnly))
		return err
	})
	if err != nil || first.Size >= waiting {
		t.Errorf("got a head of %d events, %v, want one before all %d have a number", first.Size, err, waiting)
	}
}
