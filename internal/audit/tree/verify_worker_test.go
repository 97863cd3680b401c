package tree

import (
	"sync/atomic"
	"testing"

	"barillet/store"
)

// A worker verifies an old part of the log and then entries that got their numbers meanwhile, in the same tile.
func TestVerify_AcceptsEntriesThatAreNumberedMeanwhile(t *testing.T) {
	f := newFixture(t)
	f.append(3)
	f.advance()
	tree := f.newTree()
	v := &verification{tree: tree, size: 3}
	v.seen = make([]atomic.Uint64, 1)
	w := worker{verification: v, ctx: t.Context(), tiles: map[int64][]byte{}}
	read := func(after string) (last string) {
		var c chunk
		err := f.s.View(t.Context(), func(s store.Snapshot) (err error) {
			c, _, err = v.readChunk(s, after)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		w.verify(c)
		return c.events[len(c.events)-1].id
	}
	last := read("")
	f.append(2)
	f.advance()
	read(last)
	if v.report.Bad != nil {
		t.Errorf("got %v, want a log without a wrong entry", v.report.Bad)
	}
}
