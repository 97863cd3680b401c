package webhook_test

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/storetest"
)

func TestSender_SignsDeliveries(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
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
		t.Errorf("invalid signature: %v", err)
	}
	if verify(p, secretOf("two")) == nil {
		t.Error("the signature is valid with another secret")
	}
	for name, change := range map[string]func(*post){
		"body":      func(p *post) { p.body = append(slices.Clone(p.body), ' ') },
		"id":        func(p *post) { p.header.Set("webhook-id", "msg_other") },
		"timestamp": func(p *post) { p.header.Set("webhook-timestamp", "1") },
	} {
		forged := post{body: p.body, header: p.header.Clone()}
		if change(&forged); verify(forged, secretOf("one")) == nil {
			t.Errorf("the signature is valid with another %s", name)
		}
	}
}

func TestWatch_FollowsFilters(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	for i, filter := range []string{"*", "user.*", "user.mfa.*", "user.session.start", "user.session.star", "group.*"} {
		h.hook("hook"+strconv.Itoa(i), r.URL+"/"+filter, filter)
	}
	h.hook("off", r.URL+"/off", "*")
	h.change(func(b *webhook.EndpointList) error {
		b.Find("off").DisabledReason = webhook.DisabledByAdmin
		return nil
	})
	h.happen(audit.SessionStart, audit.FactorsReset, audit.ServerStarted)
	h.pass()
	for path, want := range map[string]int{"/*": 3, "/user.*": 2, "/user.mfa.*": 1, "/user.session.start": 1, "/user.session.star": 0, "/group.*": 0, "/off": 0} {
		if got := len(r.posts(path)); got != want {
			t.Errorf("%s: got %d calls, want %d", path, got, want)
		}
	}
}

func TestSender_RepeatsAFailedDeliveryWithTheSameID(t *testing.T) {
	r := listen(t)
	for name, answer := range map[string]http.HandlerFunc{
		"500": status(500), "503": status(503), "429": status(429), "400": status(400), "404": status(404), "302": http.RedirectHandler("/other", http.StatusFound).ServeHTTP,
		"dropped": drop, "100 headers": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				w.Header().Set("X-"+strconv.Itoa(i), "https://x/?t=SECRET")
			}
		},
	} {
		h := newEnv(t, r)
		path := "/" + strings.ReplaceAll(name, " ", "")
		h.hook("one", r.URL+path+"?key=SECRET", "*")
		r.set(answer)
		h.happen(audit.FactorsReset)
		h.pass()
		waiting := h.deliveries("one", "waiting")
		if len(waiting) != 1 || waiting[0].Count != 1 || waiting[0].LastError == "" || !waiting[0].NotBefore.Equal(start.Add(time.Minute)) {
			t.Errorf("%s: got %+v, want one delivery that waits a minute", name, waiting)
			continue
		}
		if strings.Contains(waiting[0].LastError+h.log.String(), "SECRET") {
			t.Errorf("%s: the secret of the URL is in the error or the log: %s\n%s", name, waiting[0].LastError, h.log)
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
			t.Errorf("%s: invalid signature of the second attempt: %v", name, err)
		}
	}
	if got := r.posts("/other"); len(got) != 0 {
		t.Error("a redirect was followed")
	}
}

func TestSender_GivesUpAfterFiveDays(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	r.set(status(500))
	h.hook("one", r.URL, "*")
	h.happen(audit.FactorsReset)
	var last time.Duration
	for len(h.deliveries("one", "dead")) == 0 {
		h.pass()
		list := h.deliveries("one", "")
		if len(list) != 1 {
			t.Fatalf("got %d deliveries, want 1", len(list))
		}
		d := list[0]
		if d.Dead {
			break
		}
		wait := d.NotBefore.Sub(h.clock())
		if wait < last || wait > 6*time.Hour {
			t.Fatalf("got a wait of %v after %v, want increasing waits up to 6h", wait, last)
		}
		last = wait
		h.wait(wait)
	}
	if took := h.clock().Sub(start); took < 5*24*time.Hour || took > 6*24*time.Hour {
		t.Errorf("given up after %v, want 5 days", took)
	}
	dead := h.deliveries("one", "dead")
	if len(dead) != 1 || dead[0].Type != audit.FactorsReset || dead[0].LastError != "server is unavailable: status 500" || dead[0].Count < 8 {
		t.Errorf("got %+v, want a dead letter with its error", dead)
	}
	r.set(nil)
	before := len(r.posts(""))
	h.wait(30 * 24 * time.Hour)
	h.pass()
	if err := storetest.Sweep(t.Context(), h.store, h.sender.SweepDead(func() time.Time { return h.clock().Add(-29 * 24 * time.Hour) }, nil)); err != nil {
		t.Fatal(err)
	}
	if len(r.posts("")) != before || len(h.deliveries("one", "")) != 0 {
		t.Errorf("a month later: got %d calls and %d deliveries, want none", len(r.posts(""))-before, len(h.deliveries("one", "")))
	}
}

func TestSender_DisablesAnEndpointAfter410(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	r.set(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/gone" {
			w.WriteHeader(http.StatusGone)
		}
	})
	h.hook("gone", r.URL+"/gone", "user.*")
	h.hook("other", r.URL+"/other", "barillet.webhook.*")
	h.happen(audit.FactorsReset)
	h.pass()
	if got := h.read("gone"); got.DisabledReason != webhook.DisabledGone {
		t.Errorf("got %q, want %q", got.DisabledReason, webhook.DisabledGone)
	}
	h.happen(audit.FactorsReset)
	h.pass()
	if got := len(r.posts("/gone")); got != 1 {
		t.Errorf("got %d calls after status 410, want none", got-1)
	}
	if dead := h.deliveries("gone", "dead"); len(dead) != 1 {
		t.Errorf("got %+v, want one dead letter", dead)
	}
	if got := r.posts("/other"); len(got) != 1 || !strings.Contains(string(got[0].body), audit.WebhookDisabled) {
		t.Errorf("got %v, want the event that the endpoint was disabled", got)
	}
}

func TestSender_SlowEndpointDoesNotDelayOthers(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	release := make(chan struct{})
	unblock := sync.OnceFunc(func() { close(release) })
	defer unblock()
	var running, most atomic.Int32
	r.set(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path != "/slow" {
			return
		}
		n := running.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		running.Add(-1)
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
			t.Fatalf("got %d of 20 calls to the fast endpoint", len(r.posts("/fast")))
		}
		time.Sleep(5 * time.Millisecond)
	}
	if got := most.Load(); got > 2 || running.Load() == 0 {
		t.Errorf("got %d concurrent calls to the slow endpoint, want 1 or 2", got)
	}
	unblock()
	<-done
	if got := most.Load(); got != 2 || len(r.posts("/slow")) != 20 {
		t.Errorf("got %d calls, %d concurrent, want 20 and 2", len(r.posts("/slow")), got)
	}
}

func TestSender_PausesAfterATimeout(t *testing.T) {
	t.Parallel() // it waits for the timeout of a call
	r := listen(t)
	h := newEnv(t, r)
	r.set(func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
	h.hook("one", r.URL, "*")
	h.happen(slices.Repeat([]string{audit.SessionStart}, 20)...)
	if next := h.pass(); !next.Equal(start.Add(time.Minute)) || len(r.posts("")) > 2 {
		t.Errorf("got %d calls and the next pass at %v, want 2 and in a minute", len(r.posts("")), next)
	}
}

func TestSender_LosesNoDeliveryInARestart(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
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

func TestSender_DoesNotCallAForbiddenAddress(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r, "hooks.garage.local")
	h.hook("one", r.URL, "*")
	h.happen(audit.SessionStart)
	h.pass()
	if d := h.deliveries("one", "waiting"); len(d) != 1 || !d[0].NotBefore.Equal(start.Add(time.Hour)) || d[0].Unreachable || len(r.posts("")) != 0 {
		t.Errorf("got %+v, want one delivery that waits an hour", d)
	}
}

func TestWatch_SendsATestOnlyToItsEndpoint(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
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

func TestRun_DeliversANewEvent(t *testing.T) {
	r := listen(t)
	h := newEnv(t, r)
	h.hook("one", r.URL, "*")
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := h.sender.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	h.happen(audit.SessionStart)
	for deadline := time.Now().Add(20 * time.Second); len(r.posts("")) == 0 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	running.Wait()
	if got := len(r.posts("")); got != 1 {
		t.Errorf("got %d calls, want 1", got)
	}
}
