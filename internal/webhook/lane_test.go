package webhook_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/webhook"
	"barillet/store"
)

// refuse appends n refused sign-ins, 30 in each Update.
func (h *env) refuse(n int) {
	h.t.Helper()
	for ; n > 0; n -= 30 {
		err := h.store.Update(h.t.Context(), func(tx store.Tx) error {
			for range min(n, 30) {
				if err := h.events.Append(tx, audit.NewID(h.clock()), audit.Event{Action: audit.SessionStart, Outcome: audit.Failure}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestAttack_RefusedSignInsKeepANewGroupFromTheReceiver floods two receivers, one that is slow and one that works, with refused
// sign-ins. A new group reaches each of them before the refused sign-ins that wait.
func TestAttack_RefusedSignInsKeepANewGroupFromTheReceiver(t *testing.T) {
	t.Parallel()
	r := listen(t)
	h := newEnv(t, r)
	pace := make(chan struct{})
	r.set(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/slow" {
			select {
			case <-pace:
			case <-q.Context().Done():
			}
		}
		w.WriteHeader(http.StatusNoContent)
	})
	h.hook("works", r.URL+"/works", "*")
	h.hook("slow", r.URL+"/slow", "*")
	h.refuse(5400)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.sender.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	wait := func(what string, done func() bool) {
		t.Helper()
		for deadline := time.After(20 * time.Second); !done(); {
			select {
			case <-deadline:
				t.Fatal(what)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	wait("no receiver is overrun", func() bool { return h.read("slow").Drops(audit.LaneNoise, start.Add(1)) })
	h.wait(time.Second)
	h.refuse(300)
	ids := h.happen(audit.GroupCreated)
	h.refuse(300)
	arrived := func(path string) int {
		return slices.IndexFunc(r.posts(path), func(p post) bool { return strings.Contains(string(p.body), ids[0]) })
	}
	before := len(r.posts("/slow"))
	wait("the group did not reach the receiver that works", func() bool { return arrived("/works") >= 0 })
	wait("the group was not tried at the slow receiver", func() bool {
		select {
		case pace <- struct{}{}:
		default:
		}
		return arrived("/slow") >= 0
	})
	if n := arrived("/slow") - before; n > 50 {
		t.Errorf("%d refused sign-ins came before the group", n)
	}
	close(pace)
}

// TestSender_LanesHaveTheirOwnBounds fills each lane of a receiver that fails.
func TestSender_LanesHaveTheirOwnBounds(t *testing.T) {
	t.Parallel()
	r := listen(t)
	h := newEnv(t, r)
	r.set(status(500))
	h.hook("one", r.URL+"/one", "user.*", "group.*")
	h.hook("two", r.URL+"/two", "barillet.webhook.*")
	h.refuse(5010)
	h.pass()
	if hook := h.read("one"); !hook.Drops(audit.LaneNoise, start.Add(1)) || hook.Drops(audit.LaneRoutine, h.clock()) || hook.Drops(audit.LaneSecurity, h.clock()) {
		t.Fatalf("got %+v, want refused events left out", hook.Overruns)
	}
	h.wait(time.Second)
	h.refuse(70)
	h.happen(audit.SessionStart)
	for range 200 {
		h.happen(slices.Repeat([]string{audit.GroupCreated}, 30)...)
	}
	h.pass()
	if hook := h.read("one"); hook.Drops(audit.LaneSecurity, h.clock()) || hook.Drops(audit.LaneRoutine, h.clock()) {
		t.Fatalf("got %+v, want 6,000 security events kept", hook.Overruns)
	}
	counts := map[audit.Lane]int{}
	for after, first := "", true; first || after != ""; first = false {
		err := h.store.View(t.Context(), func(s store.Snapshot) (err error) {
			var part []webhook.Delivery
			part, after, err = h.hooks.Deliveries(s, "one", "waiting", after, 500)
			for _, d := range part {
				counts[d.Lane]++
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if counts[audit.LaneSecurity] != 6000 || counts[audit.LaneRoutine] != 1 || counts[audit.LaneNoise] != 5010 {
		t.Errorf("got %v waiting, want 6,000, 1 and 5,010", counts)
	}
	r.set(nil)
	h.wait(time.Minute)
	for range 26 {
		h.pass()
	}
	if hook := h.read("one"); len(hook.Overruns) != 0 {
		t.Errorf("got %+v with a short queue", hook.Overruns)
	}
	var resumed []audit.Entry
	err := h.store.View(t.Context(), func(s store.Snapshot) (err error) {
		resumed, _, err = h.events.Scan(s, audit.Query{Actions: []string{audit.WebhookResumed}, Descending: true})
		return err
	})
	if err != nil || len(resumed) != 1 {
		t.Fatalf("got %d events, %v, want one", len(resumed), err)
	}
	got := resumed[0].Detail
	if got["lane"] != "noise" || got["omitted"] != "70" || got["since"] != "2026-03-02T08:00:00Z" || got["until"] < got["since"] {
		t.Errorf("got %v, want the 70 refused events and their times", got)
	}
	others, late := 0, 0
	for _, p := range r.posts("/one")[2:] {
		if !strings.Contains(string(p.body), audit.GroupCreated) {
			others++
		} else if others > 0 {
			late++
		}
	}
	if late > 1 { // of two attempts at once, the last security event can arrive after what began beside it
		t.Errorf("%d security events came after one of the %d others", late, others)
	}
}
