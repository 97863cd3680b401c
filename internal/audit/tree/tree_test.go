package tree

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"barillet/internal/audit"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// fixture is a log in a real file.
type fixture struct {
	t     testing.TB
	s     store.Store
	keys  store.RootKeys
	ring  *store.Keyring
	log   audit.Log
	tree  *Tree
	clock time.Time
	path  string
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{t: t, keys: store.NewRootKeys(), clock: start, path: filepath.Join(t.TempDir(), "barillet.db")}
	f.open()
	return f
}

// open opens the file as a new process does.
func (f *fixture) open() {
	f.t.Helper()
	s, err := bolt.Open(f.path, bolt.Options{})
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = s.Close() })
	f.s = storetest.RejectNesting(f.t, s)
	if f.ring, err = store.OpenKeyring(context.Background(), f.s, f.keys, start); err != nil {
		f.t.Fatal(err)
	}
	f.log = audit.NewLog(f.ring)
	f.tree = f.newTree()
}

func (f *fixture) newTree() *Tree {
	f.t.Helper()
	tree, err := New(Config{Store: f.s, Keyring: f.ring, Pepper: f.keys.Pepper, Now: func() time.Time { return f.clock }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		f.t.Fatal(err)
	}
	return tree
}

// events are different kinds of events, about user n.
func sampleEvent(n int) audit.Event {
	user := fmt.Sprintf("u%d", n%7)
	e := audit.Event{Actor: audit.Actor{Type: audit.TypeUser, ID: user, Name: user + "@garage.test"}, Subject: user, SubjectName: user + "@garage.test",
		Address: "203.0.113.7", Agent: "Mozilla/5.0 (X11; Linux x86_64)", Session: "s1", Request: "r1"}
	switch n % 3 {
	case 0:
		e.Action, e.Outcome = audit.SessionStart, audit.Success
	case 1:
		e.Action, e.Outcome, e.Reason = audit.FactorProven, audit.Failure, "wrong_code"
	default:
		e.Action, e.Outcome, e.Actor = audit.FactorsReset, audit.Success, audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "help desk"}
		e.Targets = []audit.Actor{{Type: audit.TypeDevice, ID: "d1", Name: "téléphone"}}
		e.Detail = map[string]string{"devices": "2", "to": user + "@home.test"}
	}
	return e
}

// append appends n events and returns their ids.
func (f *fixture) append(n int) (ids []string) {
	f.t.Helper()
	for i := range n {
		f.clock = f.clock.Add(time.Second)
		ids = append(ids, f.appendEvent(sampleEvent(i)))
	}
	return ids
}

func (f *fixture) appendEvent(e audit.Event) string {
	f.t.Helper()
	id := audit.NewID(f.clock)
	f.update(func(tx store.Tx) error { return f.log.Append(tx, id, e) })
	return id
}

func (f *fixture) update(fn func(tx store.Tx) error) {
	f.t.Helper()
	if err := f.s.Update(context.Background(), fn); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) advance() {
	f.t.Helper()
	if err := f.tree.Advance(context.Background()); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fixture) head() string {
	f.t.Helper()
	head, err := f.tree.NewestHead(context.Background())
	if err != nil {
		f.t.Fatal(err)
	}
	return head
}

func (f *fixture) verify(heads ...string) Report {
	f.t.Helper()
	report, err := f.newTree().Verify(context.Background(), heads...)
	if err != nil {
		f.t.Fatal(err)
	}
	return report
}

func (f *fixture) wantGood(want Report, heads ...string) {
	f.t.Helper()
	got := f.verify(heads...)
	if got.Bad != nil {
		f.t.Fatalf("got %v, want a log without a wrong entry", got.Bad)
	}
	if got != want {
		f.t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestVerify_AcceptsALogOfAnySize(t *testing.T) {
	f := newFixture(t)
	f.wantGood(Report{})
	total := int64(0)
	for _, n := range []int{1, 1, 39, 1, 213, 1, 1, 300} {
		f.append(n)
		f.wantGood(Report{Entries: total, Pending: int64(n), Heads: 2 * min(total, 1)})
		f.advance()
		total += int64(n)
		f.wantGood(Report{Entries: total, Heads: 2})
	}
}

// The reference is package tlog's own algorithm. Tiles of the third level begin at 65,536 entries.
func TestAdd_BuildsTheSameTreeAsTheReference(t *testing.T) {
	f := newFixture(t)
	a := f.attacker()
	tiles := map[string][]byte{}
	var stored []tlog.Hash
	reference := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for n := range int64(tileWidth*tileWidth + 3*tileWidth + 7) {
		leaf := tlog.RecordHash(binary.BigEndian.AppendUint64(nil, uint64(n)))
		stored = append(stored, must(tlog.StoredHashesForRecordHash(n, leaf, reference))...)
		must(0, f.tree.add(a, tiles, 0, n, leaf))
		if size := n + 1; size < 5 || size%tileWidth < 2 && size < 1000 || size > tileWidth*tileWidth-2 && size%31 == 0 {
			for id, hashes := range tiles {
				must(0, f.tree.tiles.Put(a, id, Tile{hashes}))
			}
			if got, want := must(tlog.TreeHash(size, f.tree.reader(a))), must(tlog.TreeHash(size, reference)); got != want {
				t.Fatalf("%d leaves: got root %v, want %v", size, got, want)
			}
		}
	}
}

// checkProof returns the JSON of a proof after a check with the public key alone.
func (f *fixture) checkProof(id string) []byte {
	f.t.Helper()
	p, err := f.tree.Prove(context.Background(), id)
	if err != nil {
		f.t.Fatal(err)
	}
	raw, err := json.Marshal(p)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := checkProof(raw, f.tree.Key()); err != nil {
		f.t.Fatal(err)
	}
	return raw
}

func checkProof(raw []byte, key string) error {
	var p Proof
	if err := json.Unmarshal(raw, &p); err != nil {
		return err
	}
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return err
	}
	head, err := openHead(p.Head, verifier)
	if err != nil {
		return err
	}
	hash, err := audit.Leaf{Number: p.Number, Lane: p.Lane}.Hash(p.ID, &p.Event)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(p.Hashes, head.Size, head.Root, p.Number, hash)
}

func TestProve_ProvesEachEventWithoutWriting(t *testing.T) {
	f := newFixture(t)
	if _, err := f.tree.NewestHead(t.Context()); !errors.Is(err, ErrUnsigned) {
		t.Errorf("the head of an empty log: got %v, want ErrUnsigned", err)
	}
	ids := f.append(300)
	f.advance()
	ids = append(ids, f.append(3)...)
	head := f.head()
	if _, err := f.tree.Prove(t.Context(), ids[301]); !errors.Is(err, ErrUnsigned) {
		t.Errorf("before its head: got %v, want ErrUnsigned", err)
	}
	if f.wantPending(3); f.head() != head {
		t.Error("a question signed a head")
	}
	f.advance()
	for _, id := range ids {
		f.checkProof(id)
	}
	if _, err := f.tree.Prove(t.Context(), audit.NewID(f.clock)); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("for an unknown id: got %v, want ErrNotFound", err)
	}
	if _, err := f.tree.Prove(t.Context(), "../x"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("for an id that is none: got %v, want ErrNotFound", err)
	}
}

func TestRun_SignsAHeadForAReader(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = f.tree.Run(ctx) })
	defer running.Wait()
	defer cancel()
	f.append(1)
	for started := time.Now(); ; time.Sleep(50 * time.Millisecond) { // the first head is signed as soon as there is an event
		if _, err := f.tree.NewestHead(ctx); err == nil {
			break
		} else if !errors.Is(err, ErrUnsigned) || time.Since(started) > signInterval/2 {
			t.Fatal(err)
		}
	}
	id := f.append(1)[0]
	for started := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if _, err := f.tree.Prove(ctx, id); err == nil {
			break
		} else if !errors.Is(err, ErrUnsigned) || time.Since(started) > signInterval/2 {
			t.Fatalf("got %v, want a head long before the minute is over", err)
		}
	}
}

// A process that ends between the Update of an event and its number loses nothing.
func TestSequence_ContinuesAfterAKill(t *testing.T) {
	f := newFixture(t)
	f.append(60)
	next := f.next()
	f.update(func(tx store.Tx) error {
		_, err := f.tree.grow(tx, next)
		return err
	}) // the first batch, then the process ends
	if err := f.s.Close(); err != nil {
		t.Fatal(err)
	}
	f.open()
	f.append(5)
	f.wantPending(65 - int64(len(next)))
	f.advance()
	f.wantGood(Report{Entries: 65, Heads: 2})
}

// next returns the ids of the next batch.
func (f *fixture) next() (ids []string) {
	f.t.Helper()
	err := f.s.View(context.Background(), func(s store.Snapshot) (err error) {
		ids, _, err = f.tree.next(s)
		return err
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return ids
}

func (f *fixture) wantPending(want int64) {
	f.t.Helper()
	if got := f.verify().Pending; got != want {
		f.t.Errorf("got %d pending events, want %d", got, want)
	}
}

// Only one process has the file open. A second Tree in it would number a leaf twice, and does not.
func TestSequence_NumbersNoLeafTwice(t *testing.T) {
	f := newFixture(t)
	f.append(3)
	next := f.next()
	f.advance()
	f.append(1)
	if err := f.tree.growBy(t.Context(), next); err == nil {
		t.Error("got no error for leaves that have a number")
	}
	f.advance()
	f.wantGood(Report{Entries: 4, Heads: 2})
}

func TestSequence_ReplacesNoEvent(t *testing.T) {
	f := newFixture(t)
	id := f.append(1)[0]
	f.advance()
	f.update(func(tx store.Tx) error { return f.log.Append(tx, id, sampleEvent(2)) })
	f.append(1)
	f.advance()
	err := f.s.View(t.Context(), func(s store.Snapshot) error {
		e, err := f.log.Get(s, id)
		if e.Action != sampleEvent(0).Action {
			t.Errorf("got %s, want the first event with the id", e.Action)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if bad := f.verify().Bad; bad == nil || bad.ID != id {
		t.Errorf("got %v, want the second event with the id", bad)
	}
}

func TestSequence_AcceptsAClockThatWasSetBack(t *testing.T) {
	f := newFixture(t)
	f.append(100)
	f.advance()
	before := f.head()
	f.clock = start.Add(-48 * time.Hour)
	ids := f.append(100)
	f.advance()
	f.wantGood(Report{Entries: 200, Heads: 4}, before)
	f.checkProof(ids[0])
}

func TestSign_KeepsTheFirstHeadOfEachDay(t *testing.T) {
	f := newFixture(t)
	var days []string
	for range 3 {
		f.append(10)
		f.advance()
		days = append(days, f.head())
		f.append(10)
		f.advance()
		f.clock = f.clock.Add(24 * time.Hour)
	}
	var kept []string
	err := f.s.View(t.Context(), func(s store.Snapshot) error {
		return f.tree.heads.Scan(s, dayPrefix, "", 0, func(_ string, h Head) error {
			kept = append(kept, h.Note)
			return nil
		})
	})
	if err != nil || !slices.Equal(kept, days) {
		t.Errorf("got %d heads, %v, want the first of each of 3 days", len(kept), err)
	}
	lines := strings.Split(days[0], "\n")
	if lines[0] != "barillet-audit-"+f.keys.Pepper.ID() || lines[1] != "10" || lines[3] != "2026-03-02T08:00:10Z" || lines[4] != "" {
		t.Errorf("got head\n%s", days[0])
	}
	f.wantGood(Report{Entries: 60, Heads: 7}, days...)
}

// The head proves what the log was. A service that signed a changed log would destroy the proof.
func TestSign_DoesNotSignALogWhosePastWasChanged(t *testing.T) {
	for name, restart := range map[string]bool{"while the service runs": false, "while it does not run": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.append(50)
			f.advance()
			old := f.head()
			a := f.attacker()
			a.editRandom()
			a.rebuild()
			a.apply()
			if restart {
				f.tree = f.newTree()
			}
			f.append(1)
			if err := f.tree.Advance(t.Context()); err == nil || !strings.Contains(err.Error(), "differ") {
				t.Errorf("got %v, want a refusal", err)
			}
			if f.head() != old {
				t.Error("the head changed")
			}
		})
	}
}

func TestRun_RecordsAContradictionOnce(t *testing.T) {
	f := newFixture(t)
	f.append(50)
	f.advance()
	if f.tree.IsContradicted() {
		t.Error("a good log counts as contradicted")
	}
	a := f.attacker()
	a.editRandom()
	a.rebuild()
	a.apply()
	f.append(1)
	failure := errors.New("full")
	reasons := []string{}
	f.tree.Contradicted = func(_ context.Context, reason string) error {
		reasons = append(reasons, reason)
		if len(reasons) == 1 {
			return failure
		}
		return nil
	}
	reported := false
	for i, want := range []bool{false, true, true} {
		err := f.tree.Sign(t.Context())
		if reported = f.tree.report(t.Context(), err, reported); err == nil || !f.tree.IsContradicted() || reported != want {
			t.Errorf("attempt %d: got %v, reported %t, want %t", i, err, reported, want)
		}
	}
	if len(reasons) != 2 || !strings.Contains(reasons[1], "differ") {
		t.Errorf("got %q, want one failure and one report", reasons)
	}
	a.undo()
	err := f.tree.Sign(t.Context())
	if f.tree.report(t.Context(), err, reported) || err != nil || f.tree.IsContradicted() {
		t.Errorf("after the restore: got %v, want the end of the episode", err)
	}
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

func TestVerify_RefusesAHeadOfAnotherService(t *testing.T) {
	f, other := newFixture(t), newFixture(t)
	f.append(3)
	f.advance()
	other.append(3)
	other.advance()
	bits := []byte(f.head()) // the last bits of the signature have no meaning, and are refused too
	at := len(bits) - len("x=\n")
	bits[at] = base64Digits[strings.IndexByte(base64Digits, bits[at])+1]
	for name, head := range map[string]string{"with other last bits": string(bits), "of another service": other.head(), "that is empty": "", "that was edited": strings.Replace(f.head(), "\n3\n", "\n2\n", 1)} {
		if _, err := f.tree.Verify(t.Context(), head); !errors.Is(err, ErrHead) {
			t.Errorf("a head %s: got %v, want ErrHead", name, err)
		}
	}
}

func TestVerify_CountsRemovedAndErasedEvents(t *testing.T) {
	f := newFixture(t)
	ids := f.append(90)
	f.advance()
	cut := f.clock
	f.clock = f.clock.Add(time.Hour)
	f.append(3)
	f.advance()
	f.removeNoise(ids, cut)
	f.appendEvent(audit.Erasure("u2", 1))
	f.update(func(tx store.Tx) error { return f.log.Erase(tx, ids[2]) })
	f.update(func(tx store.Tx) error { return f.log.Erase(tx, ids[2]) })
	f.wantGood(Report{Entries: 93 - 30, Removed: 30, Erased: 1, Pending: 2, Heads: 2}) // what states them has no number yet
	f.advance()
	f.wantGood(Report{Entries: 93 + 2 - 30, Removed: 30, Erased: 1, Heads: 2})
	f.checkProof(ids[2])
	if _, err := f.tree.Prove(t.Context(), ids[1]); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a removed event: got %v, want ErrNotFound", err)
	}
}

// removeNoise removes the failures among the events, as a retention policy does.
func (f *fixture) removeNoise(ids []string, before time.Time) {
	f.t.Helper()
	f.appendEvent(audit.Removal(audit.LaneNoise, before.Add(time.Second), len(ids)/3))
	for i, id := range ids {
		if i%3 == 1 {
			f.update(func(tx store.Tx) error { return f.log.DropBody(tx, id) })
		}
	}
}

func TestTree_Golden(t *testing.T) {
	storetest.Golden(t, store.AuditTiles, nil, Tile{Hashes: []byte{1, 2, 3}})
	storetest.Golden(t, store.AuditHeads, nil, Head{Size: 7, Note: "note"})
}

// Committed gets each event once, although the closure of its Update runs twice.
func TestSequence_ReportsEachEventAfterItsCommit(t *testing.T) {
	f := newFixture(t)
	f.tree.Store = storetest.RunTwice(f.s)
	var got []string
	f.tree.Committed = func(ids []string, events []audit.Record) {
		for i := range events {
			if e, err := events[i].Event(ids[i]); err != nil || e.Action == "" {
				t.Errorf("event %s: got %+v, %v", ids[i], e, err)
			}
		}
		got = append(got, ids...)
	}
	want := f.append(60)
	if err := f.tree.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("got %d events, want %d", len(got), len(want))
	}
}

func TestCovered_IsTheTimeOfTheLastSignatureThatSucceeded(t *testing.T) {
	f := newFixture(t)
	f.append(3)
	if got := f.tree.Covered(); !got.IsZero() {
		t.Errorf("before the first head: got %v", got)
	}
	for range 2 { // with something to sign, and without
		f.clock = f.clock.Add(time.Hour)
		if err := f.tree.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := f.tree.Covered(); !got.Equal(f.clock) {
			t.Errorf("got %v, want %v", got, f.clock)
		}
	}
	before := f.clock
	f.clock = f.clock.Add(time.Hour)
	f.update(func(tx store.Tx) error { return f.tree.heads.Put(tx, treeID, Head{Size: 1}) })
	if err := f.tree.Sign(t.Context()); err == nil || !f.tree.Covered().Equal(before) {
		t.Errorf("with a contradiction: got %v, %v, want %v", f.tree.Covered(), err, before)
	}
}
