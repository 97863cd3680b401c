package audit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

var leafTime = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

const leafID = "20260302T080000.000000000Z-abc"

func fixedEvent() Event {
	return Event{At: leafTime, Actor: Actor{TypeUser, "u1", "Inès"}, Subject: "u2", SubjectName: "paul@garage.test",
		Targets: []Actor{{TypeDevice, "d1", "téléphone"}, {TypeGroup, "g1", ""}}, Action: FactorsReset, Outcome: Success, Reason: "lost",
		Address: "203.0.113.7", Agent: "Mozilla/5.0", Session: "s1", Request: "r1",
		Detail: map[string]string{"to": "paul@home.test", "devices": "2", "empty": ""}, Salt: []byte("0123456789abcdef")}
}

// The bytes never change: a new encoding gets a new version.
func TestLeaf_HasTheBytesOfVersion1ForEver(t *testing.T) {
	e := fixedEvent()
	enc := bodyEncoder{event: &e}
	if err := enc.encode(); err != nil {
		t.Fatal(err)
	}
	text := func(s string) string { return string([]byte{0, 0, 0, byte(len(s))}) + s }
	secret := func(name, value string) string {
		sum := sha256.Sum256([]byte("barillet audit commitment 1\n0123456789abcdef" + text(name) + text(value)))
		return "\x01" + string(sum[:])
	}
	want := "\x01" + text("user.mfa.factor.reset_all") + text("SUCCESS") + text("lost") + text("User") + text("u1") + secret("actor.name", "Inès") +
		text("u2") + secret("subject_name", "paul@garage.test") +
		"\x00\x00\x00\x02" + text("Factor") + text("d1") + secret("target.0.name", "téléphone") + text("UserGroup") + text("g1") + "\x00" +
		secret("address", "203.0.113.7") + secret("agent", "Mozilla/5.0") + text("s1") + text("r1") +
		"\x00\x00\x00\x03" + text("devices") + secret("detail.devices", "2") + text("empty") + "\x00" + text("to") + secret("detail.to", "paul@home.test")
	if string(enc.out) != want {
		t.Errorf("got body\n%x\nwant\n%x", enc.out, want)
	}
	hash, err := Leaf{Number: 7, Lane: LaneRoutine}.Hash(leafID, &e)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := hex.EncodeToString(hash[:]), "7b20b3a63bb392659134a82678e7ee519732fda96293657f47073b9604d23e77"; got != want {
		t.Errorf("got leaf %s, want %s", got, want)
	}
}

func TestErase_KeepsTheLeafAndNoValueOfAUser(t *testing.T) {
	e := fixedEvent()
	before, err := Leaf{}.Hash(leafID, &e)
	if err != nil {
		t.Fatal(err)
	}
	e.erase()
	after, err := Leaf{}.Hash(leafID, &e)
	if err != nil || after != before {
		t.Errorf("got leaf %v, %v, want %v", after, err, before)
	}
	for _, text := range []string{"Inès", "paul", "téléphone", "203.0.113.7", "Mozilla", "home.test"} {
		if e.contains(strings.ToLower(text)) {
			t.Errorf("the erased event has %q", text)
		}
	}
	if e.Salt != nil || e.Actor.ID != "u1" || e.Subject != "u2" || e.Action != FactorsReset {
		t.Errorf("got %+v, want no salt, and the ids", e)
	}
}

// An attacker who can write records cannot present an edit as an erasure.
func TestLeaf_RefusesAnErasedEventWithAValue(t *testing.T) {
	for name, edit := range map[string]func(e *Event){
		"a value beside its commitment":       func(e *Event) { e.Actor.Name = "Paul" },
		"a value without commitment":          func(e *Event) { delete(e.Erased, "agent"); e.Agent = "curl" },
		"a salt":                              func(e *Event) { e.Salt = []byte("0123456789abcdef") },
		"a commitment to a field that is not": func(e *Event) { e.Erased["detail.other"] = tlog.Hash{1} },
		"no commitments":                      func(e *Event) { e.Erased = nil },
	} {
		e := fixedEvent()
		e.erase()
		e.Erased = maps.Clone(e.Erased)
		edit(&e)
		if _, err := (Leaf{}).Hash(leafID, &e); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestLog_DropBodyKeepsTheLeaf(t *testing.T) {
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ring, err := store.OpenKeyring(context.Background(), s, store.NewRootKeys(), leafTime)
	if err != nil {
		t.Fatal(err)
	}
	log := NewLog(ring)
	var waiting Pending
	err = storetest.RunTwice(s).Update(t.Context(), func(tx store.Tx) (err error) {
		if err = log.Append(tx, leafID, fixedEvent()); err == nil {
			waiting, err = log.pending.Get(tx, leafID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	drop := func(tx store.Tx) error { return log.DropBody(tx, leafID) }
	if err := s.Update(t.Context(), drop); !errors.Is(err, ErrPending) {
		t.Errorf("without a number: got %v, want ErrPending", err)
	}
	err = s.Update(t.Context(), func(tx store.Tx) error {
		if _, err := log.Number(tx, leafID, 7); err != nil {
			return err
		}
		if err := log.Erase(tx, leafID); err != nil {
			return err
		}
		return drop(tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.View(t.Context(), func(snap store.Snapshot) error {
		if _, err := log.Get(snap, leafID); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v, want a deleted event", err)
		}
		leaf, err := log.leaves.Get(snap, leafID)
		if err != nil {
			return err
		}
		if hash, err := leaf.Hash(leafID, nil); err != nil || hash != waiting.Hash {
			t.Errorf("got leaf %v, %v, want %v", hash, err, waiting.Hash)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRemoved_ReturnsWhatRemovalStates(t *testing.T) {
	for _, want := range Lanes() {
		e := Removal(want, leafTime, 3)
		if lane, before, ok := e.Removed(); !ok || lane != want || !before.Equal(leafTime) {
			t.Errorf("got %v, %v, %v, want %v, %v", lane, before, ok, want, leafTime)
		}
	}
	e := fixedEvent()
	if _, _, ok := e.Removed(); ok {
		t.Error("another event counts as a removal")
	}
	failed := Removal(LaneNoise, leafTime, 3)
	failed.Outcome = Failure
	if _, _, ok := failed.Removed(); ok {
		t.Error("a removal that failed counts as one")
	}
}

func TestLeaf_Golden(t *testing.T) {
	storetest.Golden(t, store.AuditPending, nil, Pending{Hash: tlog.Hash{1, 2, 3}, Record: NewRecord(fixedEvent(), Leaf{Lane: LaneNoise})})
	storetest.Golden(t, store.AuditLeaves, nil, Leaf{Number: 7, Lane: LaneNoise, Body: &tlog.Hash{1, 2, 3}})
}
