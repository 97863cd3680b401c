package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"barillet/internal/audit"
	logtree "barillet/internal/audit/tree"
	"barillet/store"
	"barillet/store/bolt"
)

// TestAuditProof_PageAgreesWithTheTree checks proofs of events at the edges of a tree, and of an erased event, in the page.
func TestAuditProof_PageAgreesWithTheTree(t *testing.T) {
	t.Parallel()
	proofs := edgeProofs(t)
	page := filepath.Join(t.TempDir(), "proof.html")
	if err := os.WriteFile(page, logtree.ProofPage, 0o600); err != nil {
		t.Fatal(err)
	}
	b := NewBrowser(t, "", BrowserOptions{Language: "en"})
	b.Open("file://" + page)
	for name, proof := range proofs {
		if got := run(b, chromedp.Evaluate[string](`check(`+quoted(proof)+`, "").then(r => String(r.signed), e => e.message)`, chromedp.EvalAwaitPromise)); got != "true" {
			t.Errorf("%s: got %q", name, got)
		}
	}
	b.Fill("#proof", proofs["erased"])
	b.Click("main button")
	b.Wait(".verdict.good")
	b.Accessible("a proof of an erased event")
	b.everyByteCounts(proofs["erased"])
}

// edgeProofs returns proofs of a log with 301 events, by name.
func edgeProofs(t *testing.T) map[string]string {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	at, keys := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), store.NewRootKeys()
	ring, err := store.OpenKeyring(context.Background(), s, keys, at)
	if err != nil {
		t.Fatal(err)
	}
	log := audit.NewLog(ring)
	ids := make([]string, 301)
	for i := range ids {
		ids[i] = audit.NewID(at.Add(time.Duration(i) * 10 * time.Millisecond))
		e := audit.Event{Action: audit.FactorsReset, Outcome: audit.Success, Subject: "u1", SubjectName: "zoé@garage.example",
			Targets: []audit.Actor{{Type: audit.TypeDevice, ID: "d1", Name: "téléphone 📱 <b>&amp;"}}, Agent: "Mozilla/5.0 \u2603",
			Detail: map[string]string{"b": "1", "a": "", "é": "2", "10": "3", "9": "4", "_": "5", "\U0001F527": "6", "\uFB01": "7"}}
		if i%2 == 0 {
			e = audit.Event{Action: fmt.Sprintf("barillet.test.%d", i), Outcome: audit.Failure, Reason: "x", Address: "2001:db8::1", Session: "s", Request: "r"}
		}
		if err := s.Update(t.Context(), func(tx store.Tx) error { return log.Append(tx, ids[i], e) }); err != nil {
			t.Fatal(err)
		}
	}
	hashes, err := logtree.New(logtree.Config{Store: s, Keyring: ring, Pepper: keys.Pepper, Now: func() time.Time { return at }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := hashes.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	prove := func(name string, n int) {
		p, err := hashes.Prove(t.Context(), ids[n])
		if err != nil {
			t.Fatal(err)
		}
		raw, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(raw)
	}
	for _, n := range []int{0, 1, 2, 127, 255, 256, 257, 287, 288, 299, 300} {
		prove(fmt.Sprintf("event %d", n), n)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error { return log.Erase(tx, ids[129]) }); err != nil {
		t.Fatal(err)
	}
	prove("erased", 129)
	return out
}
