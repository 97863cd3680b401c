package tree

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
)

// numbered is the number of events with a number in the log of guards.
const numbered = 300

// guards are changes of a log of 300 events with a number and three without, and what Verify says about each: the number of the
// first wrong entry and the beginning of the reason.
var guards = map[string]struct {
	change func(a *attacker, ids []string)
	number int64
	reason string
}{
	"an event is edited": {func(a *attacker, ids []string) {
		e := a.event(ids[10])
		e.Outcome = audit.Deny
		a.putEvent(ids[10], e)
	}, 10, "the event differs from its leaf in the tree"},
	"an event is malformed": {func(a *attacker, ids []string) {
		e := a.event(ids[10])
		e.Salt = nil
		a.putEvent(ids[10], e)
	}, 10, "malformed event: the salt is missing"},
	"an event is deleted": {func(a *attacker, ids []string) { a.deleteKey(store.Audit.Prefix + ids[10]) }, 10, "the entry is missing"},
	"an event is deleted, and its leaf kept": {func(a *attacker, ids []string) {
		leaf := a.leaf(ids[10])
		a.deleteKey(store.Audit.Prefix + ids[10])
		a.putLeaf(ids[10], leaf)
	}, 10, "the event was deleted"},
	"an event counts as removed too": {func(a *attacker, ids []string) {
		e, leaf := a.event(ids[10]), a.leaf(ids[10])
		leaf.Body = a.digest(ids[10], e, must(leaf.Hash(ids[10], &e)))
		a.putLeaf(ids[10], leaf)
	}, 10, "another entry has this number too"},
	"an event is inserted with a number beyond the tree": {func(a *attacker, ids []string) {
		a.putLeaf(a.insert(ids[10]), audit.Leaf{Number: numbered})
	}, -1, "its number 300 is not in the tree"},
	"an event is inserted with a negative number": {func(a *attacker, ids []string) {
		a.putLeaf(a.insert(ids[10]), audit.Leaf{Number: -2})
	}, -1, "its number -2 is not in the tree"},
	"an event is inserted with the number of another": {func(a *attacker, ids []string) {
		a.putLeaf(a.insert(ids[10]), audit.Leaf{Number: 10})
	}, 10, "another entry has this number too"},
	"an event cannot be read": {func(a *attacker, ids []string) { must(0, a.Put(store.Audit.Prefix+ids[10], []byte("x"))) }, 10, "the event cannot be read"},
	"a leaf cannot be read": {func(a *attacker, ids []string) {
		must(0, a.Put(store.AuditLeaves.Prefix+audit.NewID(a.f.clock), []byte("x")))
	}, -1, "the leaf cannot be read"},
	"an event without number is edited": {func(a *attacker, _ []string) {
		p, e := a.pending(a.waiting[1])
		e.Outcome = audit.Deny
		a.putPending(a.waiting[1], p, e)
	}, -1, "the event was edited before its leaf got a number"},
	"an event without number is malformed": {func(a *attacker, _ []string) {
		p, e := a.pending(a.waiting[1])
		e.Salt = nil
		a.putPending(a.waiting[1], p, e)
	}, -1, "malformed event: the salt is missing"},
	"an event without number cannot be read": {func(a *attacker, _ []string) {
		must(0, a.Put(store.AuditPending.Prefix+a.waiting[1], []byte("x")))
	}, -1, "the event cannot be read"},
	"an event with a number waits for another": {func(a *attacker, ids []string) {
		p, e := a.pending(a.waiting[1])
		a.putPending(ids[10], p, e)
	}, -1, "the event has a number, and waits for another"},
	"a hash is edited":                     {func(a *attacker, _ []string) { a.editTile(0, 1, 5) }, 261, "the event differs from its leaf in the tree"},
	"a hash of the second level is edited": {func(a *attacker, _ []string) { a.editTile(1, 0, 0) }, 0, "the hashes of entries 0 to 255 differ from the tree above"},
	"a tile is cut": {func(a *attacker, _ []string) {
		must(0, a.f.tree.tiles.Put(a, tileID(0, 1), Tile{must(a.f.tree.tiles.Get(a, tileID(0, 1))).Hashes[:10*tlog.HashSize]}))
	}, 266, "its hash is missing in the tree"},
	"a tile of the second level is cut": {func(a *attacker, _ []string) { must(0, a.f.tree.tiles.Put(a, tileID(1, 0), Tile{[]byte{}})) },
		0, "the tile 1/000000000000 is cut"},
	"a tile of the second level is deleted": {func(a *attacker, _ []string) { a.deleteKey(store.AuditTiles.Prefix + tileID(1, 0)) },
		0, "the tile 1/000000000000 is missing"},
	"an event is edited and the tree built again": {func(a *attacker, ids []string) {
		e := a.event(ids[10])
		e.Outcome = audit.Deny
		a.putEvent(ids[10], e)
		a.rebuild()
	}, 0, "the first 300 entries differ from those of the head"},
	"the end is cut off":      {func(a *attacker, _ []string) { a.truncate(200) }, 200, "the log has 200 entries, and the head"},
	"the newest head is gone": {func(a *attacker, _ []string) { a.deleteKey(store.AuditHeads.Prefix + newestID) }, numbered, "the newest head is missing"},
	"a head is edited": {func(a *attacker, _ []string) {
		head := must(a.f.tree.heads.Get(a, newestID))
		head.Note = strings.Replace(head.Note, "\n300\n", "\n301\n", 1)
		must(0, a.f.tree.heads.Put(a, newestID, head))
	}, numbered, `the stored head "newest" cannot be verified`},
	"an event is removed without a statement": {func(a *attacker, ids []string) { must(0, a.f.log.DropBody(a, ids[11])) },
		11, "the event is missing, and no event states that it was removed"},
	"an event is removed with a statement for another lane": {func(a *attacker, ids []string) {
		a.declare(audit.Removal(audit.LaneSecurity, a.f.clock, 1))
		must(0, a.f.log.DropBody(a, ids[11])) // of LaneNoise
	}, 11, "the event is missing, and no event states that it was removed"},
	"an event is removed that is not older than the statement says": {func(a *attacker, ids []string) {
		a.declare(audit.Removal(audit.LaneNoise, must(audit.TimeOf(ids[11])), 1))
		must(0, a.f.log.DropBody(a, ids[11]))
	}, 11, "the event is missing, and no event states that it was removed"},
	"an event is erased with a statement about another user": {func(a *attacker, ids []string) {
		a.declare(audit.Erasure("u4", 1))
		a.erase(ids[11]) // about u3
	}, 11, "the names in the event are missing, and no event states that they were erased"},
	"an event is erased with a statement that failed": {func(a *attacker, ids []string) {
		failed := audit.Erasure("u3", 1)
		failed.Outcome = audit.Failure
		a.declare(failed)
		a.erase(ids[11])
	}, 11, "the names in the event are missing, and no event states that they were erased"},
	"an event without a user is erased": {func(a *attacker, ids []string) {
		a.declare(audit.Erasure("", 1))
		a.erase(ids[0])
	}, 0, "the names in the event are missing, and no event states that they were erased"},
}

// insert puts a copy of an event into the log, shortly after it, and returns its id.
func (a *attacker) insert(id string) string {
	e := a.event(id)
	inserted := audit.NewID(e.At.Add(time.Millisecond))
	a.putEvent(inserted, e)
	return inserted
}

// declare appends an event as the service does, without a number.
func (a *attacker) declare(e audit.Event) { must(0, a.f.log.Append(a, audit.NewID(a.f.clock), e)) }

func (a *attacker) editTile(level int, n int64, hash int) {
	tile := must(a.f.tree.tiles.Get(a, tileID(level, n)))
	tile.Hashes = bytes.Clone(tile.Hashes)
	tile.Hashes[hash*tlog.HashSize] ^= 1
	must(0, a.f.tree.tiles.Put(a, tileID(level, n), tile))
}

func TestVerify_NamesTheReasonOfEachGuard(t *testing.T) {
	f := newFixture(t)
	f.clock = f.clock.Add(time.Second)
	unknown := sampleEvent(0)
	unknown.Actor, unknown.Subject, unknown.SubjectName = audit.Actor{Type: audit.TypeUnknown}, "", ""
	ids := append([]string{f.appendEvent(unknown)}, f.append(numbered-1)...)
	f.advance()
	f.append(3)
	f.wantGood(Report{Entries: numbered, Pending: 3, Heads: 2})
	a := f.attacker()
	for name, guard := range guards {
		guard.change(a, ids)
		a.apply()
		bad := f.verify().Bad
		if bad == nil || bad.Number != guard.number || !strings.HasPrefix(bad.Reason, guard.reason) {
			t.Errorf("%s: got %v, want number %d: %s", name, bad, guard.number, guard.reason)
		}
		a.undo()
	}
	f.wantGood(Report{Entries: numbered, Pending: 3, Heads: 2})
}
