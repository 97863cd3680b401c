package webhook_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/storetest"
)

func TestWatch_FitsManyEventsAndEndpointsInOneUpdate(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	for i := range webhook.Most {
		h.hook("hook"+strconv.Itoa(i), r.URL+"/"+strconv.Itoa(i), "*")
	}
	h.happen(slices.Repeat([]string{audit.SessionStart}, 31)...)
	h.pass()
	for i := range webhook.Most {
		got := r.posts("/" + strconv.Itoa(i))
		ids := map[string]bool{}
		for _, p := range got {
			ids[p.header.Get("webhook-id")] = true
		}
		if len(got) != 31 || len(ids) != 31 {
			t.Errorf("receiver %d: got %d calls with %d ids, want 31 each", i, len(got), len(ids))
		}
	}
	if left := h.deliveries("all", ""); len(left) != 0 {
		t.Errorf("got %d deliveries to all endpoints, want none", len(left))
	}
}

func TestSender_DropsDeliveriesOfDeletedAndDisabledEndpoints(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	h.hook("deleted", r.URL, "*")
	h.hook("off", r.URL, "*")
	h.happen(audit.SessionStart)
	h.change(func(b *webhook.EndpointList) error {
		b.Find("off").DisabledReason = webhook.DisabledByAdmin
		b.Hooks = slices.DeleteFunc(b.Hooks, func(h webhook.Endpoint) bool { return h.ID == "deleted" })
		return nil
	})
	h.pass()
	if got := len(r.posts("")); got != 0 || len(h.deliveries("deleted", "")) != 0 || len(h.deliveries("off", "dead")) != 1 {
		t.Errorf("got %d calls, %d deliveries and %d dead letters, want 0, 0 and 1", got, len(h.deliveries("deleted", "")), len(h.deliveries("off", "dead")))
	}
}

func TestSender_LimitsTheQueueOfAnEndpoint(t *testing.T) {
	t.Parallel()
	r := listen(t)
	h := newEnv(t, r)
	r.set(status(500))
	h.hook("one", r.URL+"/one", "user.session.*")
	h.hook("two", r.URL+"/two", "barillet.webhook.*")
	for range 167 {
		h.happen(slices.Repeat([]string{audit.SessionStart}, 30)...)
	}
	h.pass()
	if !h.read("one").Drops(audit.LaneRoutine, start.Add(1)) {
		t.Fatal("the endpoint has more than 5,000 deliveries and is not overrun")
	}
	h.wait(time.Second)
	h.happen(audit.SessionStart)
	var waiting int
	count := func() int {
		n := 0
		err := h.store.View(t.Context(), func(s store.Snapshot) error {
			n = 0
			for after, first := "", true; first || after != ""; first = false {
				part, next, err := h.hooks.Deliveries(s, "one", "waiting", after, 500)
				if err != nil {
					return err
				}
				n, after = n+len(part), next
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if waiting = count(); waiting != 5010 {
		t.Errorf("got %d waiting deliveries, want 5010", waiting)
	}
	r.set(nil)
	h.wait(time.Minute)
	for count() > 2400 {
		h.pass()
	}
	h.pass()
	if len(h.read("one").Overruns) > 0 {
		t.Error("the endpoint is overrun with a short queue")
	}
	h.pass()
	var bodies []string
	for _, p := range r.posts("/two") {
		bodies = append(bodies, string(p.body))
	}
	if all := strings.Join(bodies, "\n"); !strings.Contains(all, audit.WebhookOverrun) || !strings.Contains(all, audit.WebhookResumed) {
		t.Errorf("got %s, want both events", all)
	}
}

func TestSender_GivesUpExpiredDeliveries(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	r.set(status(500))
	h.hook("one", r.URL, "*")
	for range 10 {
		h.happen(slices.Repeat([]string{audit.SessionStart}, 10)...)
	}
	h.pass()
	h.wait(6 * 24 * time.Hour)
	r.set(nil)
	before := len(r.posts(""))
	h.pass()
	if dead := h.deliveries("one", "dead"); len(dead) != 100 || dead[99].LastError != "expired before delivery" || len(r.posts("")) != before {
		t.Errorf("got %d dead letters and %d calls, want 100 and 0", len(dead), len(r.posts(""))-before)
	}
}

// A receiver that is down has many waiting deliveries before its dead letters. One request reads a bounded number of them.
func TestDeliveries_FindsDeadLettersBehindManyThatWaitInBoundedPages(t *testing.T) {
	t.Parallel()
	h := newEnv(t, listen(t))
	h.hook("one", "https://one.test", "group.*")
	for range 340 {
		h.happen(slices.Repeat([]string{audit.GroupCreated}, 30)...)
	}
	counter := storetest.CountReads(h.store, store.WebhookDeliveries.Prefix)
	for after, first := "", true; first || after != ""; first = false {
		counter.Reset()
		err := counter.View(t.Context(), func(s store.Snapshot) (err error) {
			_, after, err = h.hooks.Deliveries(s, "one", "dead", after, 100)
			return err
		})
		if err != nil || counter.Records() > store.PageReads+1 {
			t.Fatalf("read %d deliveries for one page, %v", counter.Records(), err)
		}
	}
}

// The clock is set back after a delivery, and then the receiver is down: the pauses between the attempts still grow.
func TestSender_WaitsLongerAfterEachAttemptAlsoIfTheClockWasSetBack(t *testing.T) {
	t.Parallel()
	r := listen(t)
	h := newEnv(t, r)
	h.hook("one", r.URL+"/in", "group.*")
	h.happen(audit.GroupCreated)
	h.pass()
	h.wait(-2 * time.Hour)
	r.set(status(503))
	h.happen(audit.GroupCreated)
	for range 60 {
		h.pass()
		h.wait(time.Minute)
	}
	if n := len(r.posts("")); n < 4 || n > 9 {
		t.Errorf("got %d requests in an hour, want a few", n)
	}
}
