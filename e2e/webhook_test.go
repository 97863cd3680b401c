package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Receiver takes webhooks, checks each as its secret demands, and stalls on command.
type Receiver struct {
	URL string

	mu      sync.Mutex
	secret  string
	stalls  bool
	stalled int
	events  map[string]string // type by id
	wrong   []string
	bodies  []string
}

// StartReceiver listens until the test ends.
func StartReceiver(tb testing.TB) *Receiver {
	r := &Receiver{events: map[string]string{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		stalls := r.stalls
		if stalls {
			r.stalled++
		}
		r.mu.Unlock()
		if stalls {
			<-q.Context().Done()
			return
		}
		r.take(q.Header, body)
		w.WriteHeader(http.StatusNoContent)
	}))
	tb.Cleanup(server.Close)
	r.URL = server.URL
	return r
}

func (r *Receiver) take(header http.Header, body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bodies = append(r.bodies, string(body))
	check, err := standardwebhooks.NewWebhook(r.secret)
	if err == nil {
		err = check.VerifyIgnoringTimestamp(body, header) // the program's clock is moved
	}
	var told struct {
		Type string
		Data struct{ UUID, EventType string }
	}
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	if err != nil || told.Type != told.Data.EventType {
		r.wrong = append(r.wrong, string(body))
		return
	}
	r.events[told.Data.UUID] = told.Type
}

// Stall begins or ends stalling.
func (r *Receiver) Stall(stalls bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stalls = stalls
}

// until waits for something to be true of the receiver.
func (r *Receiver) until(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for begun := time.Now(); ; <-time.After(20 * time.Millisecond) {
		r.mu.Lock()
		ok := is()
		r.mu.Unlock()
		if ok {
			return
		}
		if time.Since(begun) > patience {
			tb.Fatalf("waited for the receiver: %s", what)
		}
	}
}

// subscribe makes a webhook for everything. The first event can arrive before the answer with the secret, so r waits meanwhile.
func (h *Env) subscribe(r *Receiver) {
	h.tb.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	var made struct{ Secret string }
	h.Admin.Call("POST", "/webhooks", map[string]any{"name": "Atelier", "url": r.URL + "/in?key=zcBzQ1nPp0aXvW7d", "events": []string{"*"}}).Want(http.StatusCreated).Into(&made)
	h.Secret("webhook", made.Secret)
	h.Secret("address of the webhook", "zcBzQ1nPp0aXvW7d")
	r.secret = made.Secret
}

// openToReceivers starts an Env whose webhooks may use loopback addresses.
func openToReceivers(tb testing.TB) *Env {
	return Open(tb, EnvOptions{Config: `outbound.allow = ["127.0.0.1"]`})
}

func TestWebhook_StalledReceiverDelaysNothing(t *testing.T) {
	h, r := openToReceivers(t), StartReceiver(t)
	r.Stall(true)
	h.subscribe(r)
	m := h.Member(t, person(1))
	r.until(t, "a call that stalls", func() bool { return r.stalled > 0 })
	h.Clock.NextStep()
	// A stalled call takes five seconds, so a request that waits for one takes more than four.
	begun := time.Now()
	m.signIn(h.Visitor(t))
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("a sign-in took %v", took)
	}
	begun = time.Now()
	h.Admin.Call("POST", "/users/"+person(1)+"/lifecycle/reset_factors", nil).Want(http.StatusOK)
	h.ticket(person(1))
	if took := time.Since(begun); took > 4*time.Second {
		t.Errorf("the mail of a reset took %v", took)
	}
}

func TestWebhook_KillLosesNoEvent(t *testing.T) {
	h, r := openToReceivers(t), StartReceiver(t)
	h.subscribe(r)
	r.until(t, "the event of its own making", func() bool { return len(r.events) > 0 })
	r.Stall(true)
	m := h.Member(t, person(1))
	r.until(t, "a call that stalls", func() bool { return r.stalled > 0 })
	h.Kill()
	r.Stall(false)
	h.Restart()
	h.Clock.NextStep()
	m.signIn(h.Visitor(t))
	h.Clock.Advance(2 * time.Minute)
	var log []struct{ UUID, EventType string }
	h.Admin.Call("GET", "/logs?limit=200", nil).Want(http.StatusOK).Into(&log)
	wanted, subscribed := 0, false
	for _, e := range log {
		if subscribed = subscribed || e.EventType == "barillet.webhook.created"; !subscribed {
			continue
		}
		wanted++
		r.until(t, e.EventType+" "+e.UUID, func() bool { return r.events[e.UUID] == e.EventType })
	}
	if wanted < 8 {
		t.Errorf("got %d events in the log: nothing is proven", wanted)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.wrong) != 0 {
		t.Errorf("got calls that are not signed or not of their type: %s", strings.Join(r.wrong, "\n"))
	}
}

func TestWebhook_PrivateAddressNeedsPermission(t *testing.T) {
	h := Open(t, EnvOptions{})
	r := StartReceiver(t)
	for _, url := range []string{r.URL, strings.Replace(r.URL, "http:", "https:", 1), "https://localhost/", "https://169.254.169.254/"} {
		h.Admin.Call("POST", "/webhooks", map[string]any{"name": "x", "url": url, "events": []string{"*"}}).Want(http.StatusBadRequest)
	}
}
