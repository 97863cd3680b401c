package webhook_test

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbound"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

var start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// post is a received request.
type post struct {
	path   string
	header http.Header
	body   []byte
}

// receiver is a server of an endpoint, with configurable responses.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []post
	answer http.HandlerFunc // nil: 204
}

func listen(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		r.got = append(r.got, post{q.URL.Path, q.Header, body})
		answer := r.answer
		r.mu.Unlock()
		if answer == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		answer(w, q)
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) set(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// status returns a handler that responds with a status.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// drop closes the connection without a response.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// posts returns the requests to a path, or all requests if path is empty.
func (r *receiver) posts(path string) (out []post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.got {
		if path == "" || p.path == path {
			out = append(out, p)
		}
	}
	return out
}

// env is an audit log with webhooks in a real store, with a clock that the test sets.
type env struct {
	t      *testing.T
	dir    string
	keys   store.RootKeys
	file   *bolt.Store
	store  store.Store
	hooks  *webhook.Endpoints
	events audit.Log
	sender *webhook.Sender
	log    *strings.Builder
	client *outbound.Client
	mu     sync.Mutex
	now    time.Time
}

func newEnv(t *testing.T, r *receiver, allowed ...string) *env {
	t.Helper()
	if allowed == nil {
		allowed = []string{"127.0.0.1"}
	}
	a, err := outbound.ParseAllowed(allowed)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	h := &env{t: t, dir: storetest.Dir(t), keys: store.NewRootKeys(), now: start, log: new(strings.Builder),
		client: outbound.New(outbound.Config{Allowed: a, Roots: roots})}
	h.open()
	t.Cleanup(func() { _ = h.file.Close() })
	return h
}

// open opens the store in the directory, as at the start of the service.
func (h *env) open() {
	h.t.Helper()
	var err error
	if h.file, err = bolt.Open(filepath.Join(h.dir, "barillet.db"), bolt.Options{}); err != nil {
		h.t.Fatal(err)
	}
	ring, err := store.OpenKeyring(h.t.Context(), h.file, h.keys, start)
	if err != nil {
		h.t.Fatal(err)
	}
	h.store, h.hooks, h.events = storetest.RunTwice(storetest.RejectNesting(h.t, h.file)), webhook.NewEndpoints(ring), audit.NewLog(ring)
	h.events.Watch = h.hooks.Watch
	h.sender = &webhook.Sender{Store: h.store, Hooks: h.hooks, Events: h.events, Client: h.client, Now: h.clock,
		Compose: func(e audit.Entry) ([]byte, error) {
			return json.Marshal(map[string]string{"type": e.Action, "id": e.ID})
		},
		Log: slog.New(slog.NewTextHandler(&locked{w: h.log}, nil))}
}

type locked struct {
	sync.Mutex
	w *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.w.Write(p)
}

func (h *env) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *env) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// secretOf returns the secret of an endpoint that hook created.
func secretOf(id string) webhook.Secret { return webhook.Secret(fmt.Sprintf("%-32s", "secret of "+id)) }

// hook creates an endpoint.
func (h *env) hook(id, url string, events ...string) {
	h.t.Helper()
	h.change(func(b *webhook.EndpointList) error {
		n := webhook.Endpoint{ID: id, Name: "name of " + id, URL: url, Events: events, Created: h.clock()}
		n.Replace(h.clock(), secretOf(id))
		b.Hooks = append(b.Hooks, n)
		return nil
	})
}

func (h *env) change(fn func(*webhook.EndpointList) error) {
	h.t.Helper()
	if err := h.store.Update(h.t.Context(), func(tx store.Tx) error { return h.hooks.Change(tx, fn) }); err != nil {
		h.t.Fatal(err)
	}
}

// read returns an endpoint from the store.
func (h *env) read(id string) *webhook.Endpoint {
	h.t.Helper()
	out := new(webhook.Endpoint)
	err := h.store.View(h.t.Context(), func(s store.Snapshot) error {
		b, err := h.hooks.List(s)
		if found := b.Find(id); found != nil {
			*out = *found
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// happen appends events in one Update and returns their ids.
func (h *env) happen(actions ...string) []string {
	h.t.Helper()
	ids := make([]string, len(actions))
	for i := range ids {
		ids[i] = audit.NewID(h.clock())
	}
	err := h.store.Update(h.t.Context(), func(tx store.Tx) error {
		for i, action := range actions {
			if err := h.events.Append(tx, ids[i], audit.Event{Action: action, Outcome: audit.Success}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ids
}

func (h *env) pass() time.Time {
	h.t.Helper()
	next, err := h.sender.RunOnce(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return next
}

func (h *env) deliveries(id, state string) []webhook.Delivery {
	h.t.Helper()
	var out []webhook.Delivery
	err := h.store.View(h.t.Context(), func(s store.Snapshot) (err error) {
		out, _, err = h.hooks.Deliveries(s, id, state, "", 500)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// verify checks the signature of a request with the library of Standard Webhooks.
func verify(p post, secret webhook.Secret) error {
	w, err := standardwebhooks.NewWebhook(secret.Text())
	if err != nil {
		return err
	}
	return w.VerifyIgnoringTimestamp(p.body, p.header)
}
