package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// proofPage opens the page of `audit prove --page` from a file, in a browser without a network.
func (h *Env) proofPage(t *testing.T, language string) *Browser {
	t.Helper()
	page := filepath.Join(t.TempDir(), "proof.html")
	h.Run("audit", "prove", "--page", "--out", page).OK(t)
	b := NewBrowser(t, "", BrowserOptions{Language: language})
	call(b, network.EmulateNetworkConditionsByRule, network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}})
	b.Open("file://" + page)
	return b
}

// TestAuditProof_VerifiesWithoutTheService proves a reset to a reader who has the proof and the page, and nothing else.
func TestAuditProof_VerifiesWithoutTheService(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "zoe@garage.example")
	h.Run("factors", "reset", m.Login, "--reason", "téléphone perdu", "--identity", "photo_document").OK(t)
	var events []struct {
		ID string `json:"uuid"`
	}
	if err := json.Unmarshal([]byte(h.Run("audit", "list", "--type", "user.mfa.factor.reset_all", "--json").OK(t)), &events); err != nil || len(events) != 1 {
		t.Fatalf("got %v, %v, want the event of the reset", events, err)
	}
	file := filepath.Join(t.TempDir(), "proof.json")
	h.Run("audit", "prove", events[0].ID, "--out", file).OK(t)
	key := h.Run("audit", "head", "--key").OK(t)
	head := filepath.Join(t.TempDir(), "head.txt")
	h.Run("audit", "head", "--out", head).OK(t)
	h.Run("audit", "verify", "--head", head).OK(t)
	h.Stop()
	if said := h.Run("audit", "verify", "--head", head).OK(t); !strings.Contains(said, "unchanged") {
		t.Errorf("got %q", said)
	}
	proof, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b := h.proofPage(t, "fr")
	b.Accessible("the page of proofs")
	b.Fill("#proof", string(proof))
	b.Fill("#key", key)
	b.Click("main button")
	b.Wait(".verdict.good")
	text := b.Text("#result")
	for _, part := range []string{"exactement comme il est affiché", "user.mfa.factor.reset_all", m.Login, "téléphone perdu", key} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not show %q:\n%s", part, text)
		}
	}
	b.Accessible("a proof that is good")
	b.Album("audit-proof")
	b.Click("#language")
	if got := b.Text(".verdict.good"); got != "The event is in the audit log, exactly as it is shown here." {
		t.Errorf("got %q in English", got)
	}
	b.Fill("#key", strings.Replace(key, "+", "+0", 1))
	b.Click("main button")
	b.Wait(".verdict.wrong")
	b.Fill("#key", "")
	b.Click("main button")
	b.Wait(".verdict.warn")
	b.proofFiles(file, head)
	b.everyByteCounts(string(proof))
}

// proofFiles chooses files in the page: one with a proof, and one without.
func (b *Browser) proofFiles(good, other string) {
	b.tb.Helper()
	run(b, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{other}))
	b.Wait(".verdict.wrong")
	if got := b.Text("#result"); !strings.Contains(got, "not a proof of an audit log") {
		b.tb.Errorf("a file without a proof: got %q", got)
	}
	b.Accessible("a file without a proof")
	b.Album("audit-proof-other-file")
	run(b, chromedp.SetUploadFiles(chromedp.CSS("#file"), []string{good}))
	b.Wait(".verdict.good")
	b.evaluate(`document.getElementById("proof").setRangeText("0", 40, 41), document.getElementById("form").dispatchEvent(new Event("input"))`)
	if got := b.Text("#result"); got != "" {
		b.tb.Errorf("the result of the proof before stays beside a changed one: %q", got)
	}
	b.Click("main button")
	b.Wait(".verdict.wrong")
	b.Album("audit-proof-changed")
	b.evaluate(`Object.defineProperty(crypto, "subtle", {configurable: true, value: undefined})`)
	b.Click("main button")
	b.Wait(".verdict.warn")
	if got := b.Text("#result"); !strings.Contains(got, "cannot check") {
		b.tb.Errorf("without SubtleCrypto: got %q", got)
	}
	b.evaluate(`delete crypto.subtle`)
}

// everyByteCounts fails for each changed byte of the proof that the page accepts.
func (b *Browser) everyByteCounts(proof string) {
	b.tb.Helper()
	b.evaluate("window.proofText = " + quoted(proof) + ";")
	for from := 0; from < len(proof); from += 500 {
		accepted := run(b, chromedp.Evaluate[[]string](`(async from => {
			const bytes = new TextEncoder().encode(window.proofText), accepted = [];
			for (let at = from; at < Math.min(bytes.length, from + 500); at++) {
				for (const by of [1, 2 + at % 254]) {
					const changed = bytes.slice();
					changed[at] ^= by;
					try {
						await check(new TextDecoder().decode(changed), "");
						accepted.push(at + " by " + by + ": " + new TextDecoder().decode(changed.slice(Math.max(0, at - 10), at + 10)));
					} catch {}
				}
			}
			return accepted;
		})(`+strconv.Itoa(from)+`)`, chromedp.EvalAwaitPromise))
		if len(accepted) > 0 {
			b.tb.Errorf("the page accepts changes of the proof: %q", accepted)
		}
	}
}
