package webhook_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/storetest"
)

func TestAnEventReachesItsReceiverSigned(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	h.hook("one", r.URL+"/in?key=1", "user.mfa.factor.reset_all")
	ids := h.happen(audit.FactorsReset, audit.SessionStart)
	h.wait(3 * time.Second)
	h.pass()
	got := r.posts("")
	if len(got) != 1 || len(h.deliveries("one", "")) != 0 {
		t.Fatalf("got %d calls and %d left, want 1 and 0", len(got), len(h.deliveries("one", "")))
	}
	p := got[0]
	if want := `{"id":"` + ids[0] + `","type":"user.mfa.factor.reset_all"}`; string(p.body) != want || p.header.Get("Content-Type") != "application/json" {
		t.Errorf("got %s %q, want %s", p.body, p.header.Get("Content-Type"), want)
	}
	if at := p.header.Get("webhook-timestamp"); at != strconv.FormatInt(start.Add(3*time.Second).Unix(), 10) {
		t.Errorf("got timestamp %s, want that of the attempt", at)
	}
	if err := verify(p, secretOf("one")); err != nil {
		t.Errorf("the signature is not good: %v", err)
	}
	if verify(p, secretOf("two")) == nil {
		t.Error("a signature by another secret is good")
	}
	for name, change := range map[string]func(*post){
		"the body":      func(p *post) { p.body = append(slices.Clone(p.body), ' ') },
		"the id":        func(p *post) { p.header.Set("webhook-id", "msg_other") },
		"the timestamp": func(p *post) { p.header.Set("webhook-timestamp", "1") },
	} {
		forged := post{body: p.body, header: p.header.Clone()}
		if change(&forged); verify(forged, secretOf("one")) == nil {
			t.Errorf("the signature stays good when %s is another", name)
		}
	}
}

func TestAReceiverGetsWhatItAskedForAndNothingElse(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	for i, filter := range []string{"*", "user.*", "user.mfa.*", "user.session.start", "user.session.star", "group.*"} {
		h.hook("hook"+strconv.Itoa(i), r.URL+"/"+filter, filter)
	}
	h.hook("off", r.URL+"/off", "*")
	h.change(func(b *webhook.Book) error { b.Find("off").Off = webhook.OffByOperator; return nil })
	h.happen(audit.SessionStart, audit.FactorsReset, audit.ServerStarted)
	h.pass()
	for path, want := range map[string]int{"/*": 3, "/user.*": 2, "/user.mfa.*": 1, "/user.session.start": 1, "/user.session.star": 0, "/group.*": 0, "/off": 0} {
		if got := len(r.posts(path)); got != want {
			t.Errorf("%s: got %d calls, want %d", path, got, want)
		}
	}
}

func TestFiltersAreReadStrictly(t *testing.T) {
	for filter, want := range map[string]bool{"*": true, "user.*": true, "user.mfa.factor.reset_all": true, "user": true, "": false, ".": false, ".*": false,
		"**": false, "user*": false, "user.*.start": false, "user..start": false, "User.*": false, "user.* ": false, "user.session.start.": false,
		"a." + strings.Repeat("b", 62): true, "a." + strings.Repeat("b", 63): false} {
		if got := webhook.IsFilter(filter); got != want {
			t.Errorf("%q: got %v, want %v", filter, got, want)
		}
	}
}

func TestManyEventsForManyReceiversFitIntoOneUpdate(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
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
		t.Errorf("got %d calls that are still to be spread", len(left))
	}
}

func TestACallThatFailsIsRepeatedAsTheSame(t *testing.T) {
	r := listen(t)
	for name, answer := range map[string]http.HandlerFunc{
		"500": status(500), "503": status(503), "429": status(429), "400": status(400), "404": status(404), "302": http.RedirectHandler("/other", http.StatusFound).ServeHTTP,
		"dropped": drop, "100 headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set("X-"+strconv.Itoa(i), "https://x/?t=SECRET")
			}
		},
	} {
		h := newHouse(t, r)
		path := "/" + strings.ReplaceAll(name, " ", "")
		h.hook("one", r.URL+path+"?key=SECRET", "*")
		r.set(answer)
		h.happen(audit.FactorsReset)
		h.pass()
		waits := h.deliveries("one", "waiting")
		if len(waits) != 1 || waits[0].Attempts != 1 || waits[0].LastError == "" || !waits[0].NotBefore.Equal(start.Add(time.Minute)) {
			t.Errorf("%s: got %+v, want one that waits a minute", name, waits)
			continue
		}
		if strings.Contains(waits[0].LastError+h.log.String(), "SECRET") {
			t.Errorf("%s: the address is told: %s\n%s", name, waits[0].LastError, h.log)
		}
		h.pass()
		h.wait(time.Minute)
		r.set(nil)
		h.pass()
		got := r.posts(path)
		if len(got) != 2 || len(h.deliveries("one", "")) != 0 {
			t.Errorf("%s: got %d calls and %d left, want 2 and 0", name, len(got), len(h.deliveries("one", "")))
			continue
		}
		if got[0].header.Get("webhook-id") != got[1].header.Get("webhook-id") || string(got[0].body) != string(got[1].body) ||
			got[0].header.Get("webhook-timestamp") == got[1].header.Get("webhook-timestamp") {
			t.Errorf("%s: got %v then %v, want the same message at another time", name, got[0], got[1])
		}
		if err := verify(got[1], secretOf("one")); err != nil {
			t.Errorf("%s: the repeat is not signed: %v", name, err)
		}
	}
	if got := r.posts("/other"); len(got) != 0 {
		t.Error("a redirect was followed")
	}
}

func TestADeadReceiverIsTriedForFiveDaysThenItsCallsAreListedAsDead(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	r.set(status(500))
	h.hook("one", r.URL, "*")
	h.happen(audit.FactorsReset)
	var last time.Duration
	for len(h.deliveries("one", "dead")) == 0 {
		h.pass()
		rows := h.deliveries("one", "")
		if len(rows) != 1 {
			t.Fatalf("got %d rows, want the one", len(rows))
		}
		d := rows[0]
		if d.Dead {
			break
		}
		wait := d.NotBefore.Sub(h.clock())
		if wait < last || wait > 6*time.Hour {
			t.Fatalf("got a wait of %v after %v, want growing ones up to 6h", wait, last)
		}
		last = wait
		h.wait(wait)
	}
	if took := h.clock().Sub(start); took < 5*24*time.Hour || took > 6*24*time.Hour {
		t.Errorf("given up after %v, want 5 days", took)
	}
	dead := h.deliveries("one", "dead")
	if len(dead) != 1 || dead[0].Type != audit.FactorsReset || dead[0].LastError != "server cannot be used: answered 500" || dead[0].Attempts < 8 {
		t.Errorf("got %+v, want the dead letter with its failure", dead)
	}
	r.set(nil)
	before := len(r.posts(""))
	h.wait(30 * 24 * time.Hour)
	h.pass()
	if len(r.posts("")) != before || len(h.deliveries("one", "")) != 0 {
		t.Errorf("a month later: got %d calls and %d rows, want none", len(r.posts(""))-before, len(h.deliveries("one", "")))
	}
}

func TestAReceiverThatIsGoneIsSwitchedOff(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	r.set(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	})
	h.hook("gone", r.URL+"/gone", "user.*")
	h.hook("other", r.URL+"/other", "barillet.webhook.*")
	h.happen(audit.FactorsReset)
	h.pass()
	if got := h.read("gone"); got.Off != webhook.OffGone {
		t.Errorf("got %q, want %q", got.Off, webhook.OffGone)
	}
	h.happen(audit.FactorsReset)
	h.pass()
	if got := len(r.posts("/gone")); got != 1 {
		t.Errorf("got %d calls after it was gone, want none", got-1)
	}
	if dead := h.deliveries("gone", "dead"); len(dead) != 1 {
		t.Errorf("got %+v, want the call that it refused as dead", dead)
	}
	if got := r.posts("/other"); len(got) != 1 || !strings.Contains(string(got[0].body), audit.WebhookDisabled) {
		t.Errorf("got %v, want the other told that it was switched off", got)
	}
}

func TestASlowReceiverHoldsUpNoOther(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	release := make(chan struct{})
	letGo := sync.OnceFunc(func() { close(release) })
	defer letGo() // whatever fails
	var at, most atomic.Int32
	r.set(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/slow" {
			return
		}
		n := at.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		at.Add(-1)
	})
	h.hook("slow", r.URL+"/slow", "*")
	h.hook("fast", r.URL+"/fast", "*")
	h.happen(slices.Repeat([]string{audit.SessionStart}, 20)...)
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.pass()
	}()
	for deadline := time.Now().Add(4 * time.Second); len(r.posts("/fast")) < 20; {
		if time.Now().After(deadline) {
			t.Fatalf("got %d of 20 calls at the fast one while the slow one stalls", len(r.posts("/fast")))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if got := most.Load(); got > 2 || at.Load() == 0 {
		t.Errorf("got %d at once at the slow one, want 2 at the most", got)
	}
	letGo()
	<-done
	if got := most.Load(); got != 2 || len(r.posts("/slow")) != 20 {
		t.Errorf("got %d calls, %d at once, want 20, 2 at once", len(r.posts("/slow")), got)
	}
}

func TestAReceiverThatStallsIsLeftAloneForAMinute(t *testing.T) {
	t.Parallel() // it waits for the timeout of a call
	r := listen(t)
	h := newHouse(t, r)
	r.set(func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	h.hook("one", r.URL, "*")
	h.happen(slices.Repeat([]string{audit.SessionStart}, 20)...)
	if next := h.pass(); !next.Equal(start) {
		t.Errorf("got %v, want to look again at once", next)
	}
	if next := h.pass(); !next.Equal(start.Add(time.Minute)) || len(r.posts("")) > 2 {
		t.Errorf("got %d calls and the next look at %v, want 2 and in a minute", len(r.posts("")), next)
	}
}

func TestARestartInTheMiddleLosesNoEvent(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	stalled := make(chan struct{}, 64)
	r.set(func(_ http.ResponseWriter, q *http.Request) {
		stalled <- struct{}{}
		<-q.Context().Done()
	})
	h.hook("one", r.URL+"/one", "*")
	h.hook("two", r.URL+"/two", "*")
	h.happen(slices.Repeat([]string{audit.SessionStart}, 12)...)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.sender.Run(ctx) }()
	<-stalled
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Run: got %v, want nil at the end of its context", err)
	}
	if err := h.file.Close(); err != nil {
		t.Fatal(err)
	}
	h.open()
	before := len(r.posts(""))
	r.set(nil)
	h.pass()
	for _, path := range []string{"/one", "/two"} {
		ids := map[string]bool{}
		for _, p := range r.posts("")[before:] {
			if p.path == path {
				ids[p.header.Get("webhook-id")] = true
			}
		}
		if len(ids) != 12 {
			t.Errorf("%s: got %d events after the restart, want 12", path, len(ids))
		}
	}
}

func TestAReplacedSecretSignsBesideTheNewOneForADay(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	h.hook("one", r.URL, "*")
	second := webhook.Secret(strings.Repeat("2", 32))
	h.change(func(b *webhook.Book) error { b.Find("one").Replace(h.clock(), second); return nil })
	told := func() post {
		h.happen(audit.SessionStart)
		h.pass()
		all := r.posts("")
		return all[len(all)-1]
	}
	h.wait(24*time.Hour - time.Second)
	if p := told(); verify(p, secretOf("one")) != nil || verify(p, second) != nil || len(strings.Fields(p.header.Get("webhook-signature"))) != 2 {
		t.Errorf("within the day: got %q, want two good signatures", p.header.Get("webhook-signature"))
	}
	h.wait(time.Second)
	if p := told(); verify(p, secretOf("one")) == nil || verify(p, second) != nil {
		t.Error("after the day: want the new one's signature alone")
	}
	third := webhook.Secret(strings.Repeat("3", 32))
	h.change(func(b *webhook.Book) error { b.Find("one").Replace(h.clock(), third); return nil })
	if p := told(); verify(p, secretOf("one")) == nil || verify(p, second) != nil || verify(p, third) != nil {
		t.Error("replaced again: want the last two")
	}
}

func TestWhatWaitsForAReceiverThatIsDeletedIsForgottenAndOfOneSwitchedOffIsDead(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	h.hook("deleted", r.URL, "*")
	h.hook("off", r.URL, "*")
	h.happen(audit.SessionStart)
	h.change(func(b *webhook.Book) error {
		b.Find("off").Off = webhook.OffByOperator
		b.Hooks = slices.DeleteFunc(b.Hooks, func(h webhook.Hook) bool { return h.ID == "deleted" })
		return nil
	})
	h.pass()
	if got := len(r.posts("")); got != 0 || len(h.deliveries("deleted", "")) != 0 || len(h.deliveries("off", "dead")) != 1 {
		t.Errorf("got %d calls, %d and %d rows, want none, none and one dead", got, len(h.deliveries("deleted", "")), len(h.deliveries("off", "dead")))
	}
}

func TestAnAddressThatIsNoLongerAllowedIsTriedSlowlyAndNeverCalled(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r, "hooks.garage.local")
	h.hook("one", r.URL, "*")
	h.happen(audit.SessionStart)
	h.pass()
	if d := h.deliveries("one", "waiting"); len(d) != 1 || !d[0].NotBefore.Equal(start.Add(time.Hour)) || d[0].Unreachable || len(r.posts("")) != 0 {
		t.Errorf("got %+v, want one that waits an hour", d)
	}
}

func TestAnEndlessQueueIsCutAndGoesOnLater(t *testing.T) {
	t.Parallel()
	r := listen(t)
	h := newHouse(t, r)
	r.set(status(500))
	h.hook("one", r.URL+"/one", "user.session.*")
	h.hook("two", r.URL+"/two", "barillet.webhook.*")
	for range 167 {
		h.happen(slices.Repeat([]string{audit.SessionStart}, 30)...)
	}
	h.pass()
	if !h.read("one").Overrun {
		t.Fatal("got more than 5,000 that wait and no end of it")
	}
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
		t.Errorf("got %d that wait, want the 5,010 from before", waiting)
	}
	r.set(nil)
	h.wait(time.Minute)
	for count() > 2400 {
		h.pass()
	}
	h.pass()
	if h.read("one").Overrun {
		t.Error("the queue is short again and still gets nothing")
	}
	h.pass()
	var told []string
	for _, p := range r.posts("/two") {
		told = append(told, string(p.body))
	}
	if all := strings.Join(told, "\n"); !strings.Contains(all, audit.WebhookOverrun) || !strings.Contains(all, audit.WebhookResumed) {
		t.Errorf("got %s, want both events told", all)
	}
}

func TestATestGoesToTheTestedOneAlone(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	h.hook("one", r.URL+"/one", "group.*")
	h.hook("two", r.URL+"/two", "*")
	id := audit.NewID(start)
	err := h.store.Update(t.Context(), func(tx store.Tx) error {
		return h.events.Append(tx, id, audit.Event{Action: audit.WebhookTested, Outcome: audit.Success, Targets: []audit.Actor{{Type: audit.TypeWebhook, ID: "one"}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	h.pass()
	if len(r.posts("/one")) != 1 || len(r.posts("/two")) != 0 {
		t.Errorf("got %d and %d calls, want 1 and 0", len(r.posts("/one")), len(r.posts("/two")))
	}
}

func TestAKickIsAnsweredAtOnceByAnIdleSender(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
	h.hook("one", r.URL, "*")
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.sender.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	h.happen(audit.SessionStart)
	h.sender.Kick()
	for deadline := time.Now().Add(5 * time.Second); len(r.posts("")) == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	running.Wait()
	if got := len(r.posts("")); got != 1 {
		t.Errorf("got %d calls, want 1", got)
	}
}

func TestStoredRecordsDecodeForEver(t *testing.T) {
	hook := webhook.Hook{ID: "abc", Name: "Atelier", URL: "https://hooks.example/in", Events: []string{"user.mfa.*"}, Off: webhook.OffGone, Overrun: true,
		By: "token:1", Created: start, Changed: start.Add(time.Hour)}
	hook.Replace(start, webhook.Secret("0123456789abcdef"))
	hook.Replace(start, webhook.Secret("fedcba9876543210"))
	storetest.Golden(t, store.Webhooks, nil, webhook.Book{Hooks: []webhook.Hook{hook}})
	storetest.Golden(t, store.Calls, nil, webhook.Call{Event: "20260302T080000.000000000Z-abc", Type: audit.FactorsReset, Hook: "abc", Hooks: []string{"abc", "def"},
		State: outbox.Try{Queued: start, NotBefore: start.Add(time.Minute), UselessAfter: start.Add(time.Hour), Attempts: 2, Tried: start.Add(time.Second),
			LastError: "answered 500", Unreachable: true, Dead: true, Died: start.Add(time.Hour)}})
}

func TestAReceiverPrintsWithoutItsSecret(t *testing.T) {
	hook := webhook.Hook{ID: "one"}
	hook.Replace(start, secretOf("one"))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{hook, &hook, hook.Keys, hook.Keys[0].Value} {
			got := fmt.Sprintf(verb, v)
			if strings.Contains(got, "secret") || strings.Contains(got, "736563726574") || strings.Contains(got, "115 101 99") || strings.Contains(got, "0x73, 0x65") {
				t.Errorf("%s: got %s", verb, got)
			}
		}
	}
}

func TestWhatAReceiverMissedForSixDaysIsGivenUpAtOnce(t *testing.T) {
	r := listen(t)
	h := newHouse(t, r)
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
	if dead := h.deliveries("one", "dead"); len(dead) != 100 || dead[99].LastError != "too late to be of use" || len(r.posts("")) != before {
		t.Errorf("got %d given up and %d calls, want all 100 and none", len(dead), len(r.posts(""))-before)
	}
}
