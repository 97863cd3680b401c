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

// post is a call as its receiver got it.
type post struct {
	path   string
	header http.Header
	body   []byte
}

// receiver takes calls on the loopback and misbehaves on command.
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

// status answers everything so.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// drop takes the call and loses the answer.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// posts are the calls to a path, all of them with "".
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

// house is a log whose events are told, in a real store, with a clock that the test moves.
type house struct {
	t      *testing.T
	dir    string
	keys   store.HouseKeys
	file   *bolt.Store
	store  store.Store
	hooks  *webhook.Hooks
	events audit.Log
	sender *webhook.Sender
	log    *strings.Builder
	client *outbound.Client
	mu     sync.Mutex
	now    time.Time
}

func newHouse(t *testing.T, r *receiver, allowed ...string) *house {
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
	h := &house{t: t, dir: storetest.Dir(t), keys: store.NewHouseKeys(), now: start, log: new(strings.Builder),
		client: outbound.New(outbound.Config{Allowed: a, Roots: roots})}
	h.open()
	t.Cleanup(func() { _ = h.file.Close() })
	return h
}

// open is the start of the program on the folder.
func (h *house) open() {
	h.t.Helper()
	var err error
	if h.file, err = bolt.Open(filepath.Join(h.dir, "barillet.db"), bolt.Options{}); err != nil {
		h.t.Fatal(err)
	}
	ring, err := store.OpenKeyring(h.t.Context(), h.file, h.keys, start)
	if err != nil {
		h.t.Fatal(err)
	}
	h.store, h.hooks, h.events = storetest.Twice(h.file), webhook.NewHooks(ring), audit.NewLog(ring)
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

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// secretOf is the one secret of a receiver made by hook.
func secretOf(id string) webhook.Secret { return webhook.Secret(fmt.Sprintf("%-32s", "secret of "+id)) }

// hook makes a receiver.
func (h *house) hook(id, url string, events ...string) {
	h.t.Helper()
	h.change(func(b *webhook.Book) error {
		n := webhook.Hook{ID: id, Name: "name of " + id, URL: url, Events: events, Created: h.clock()}
		n.Replace(h.clock(), secretOf(id))
		b.Hooks = append(b.Hooks, n)
		return nil
	})
}

func (h *house) change(fn func(*webhook.Book) error) {
	h.t.Helper()
	if err := h.store.Update(h.t.Context(), func(tx store.Tx) error { return h.hooks.Change(tx, fn) }); err != nil {
		h.t.Fatal(err)
	}
}

// read is a receiver as it stands.
func (h *house) read(id string) webhook.Hook {
	h.t.Helper()
	var out webhook.Hook
	err := h.store.View(h.t.Context(), func(s store.Snapshot) error {
		b, err := h.hooks.Book(s)
		if found := b.Find(id); found != nil {
			out = *found
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// happen appends events in one Update and gives their ids.
func (h *house) happen(actions ...string) []string {
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

func (h *house) pass() time.Time {
	h.t.Helper()
	next, err := h.sender.RunOnce(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return next
}

func (h *house) deliveries(id, state string) []webhook.Delivery {
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

// verify judges a call as its receiver does, by the library of Standard Webhooks.
func verify(p post, secret webhook.Secret) error {
	w, err := standardwebhooks.NewWebhook(secret.Text())
	if err != nil {
		return err
	}
	return w.VerifyIgnoringTimestamp(p.body, p.header)
}
