package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/store"
)

// EndpointList is all receivers, in the order in which they were made.
type EndpointList struct {
	Hooks []Endpoint `json:"endpoints"`
}

// Find gives the receiver with this id, nil when there is none.
func (b *EndpointList) Find(id string) *Endpoint {
	i := slices.IndexFunc(b.Hooks, func(h Endpoint) bool { return h.ID == id })
	if i < 0 {
		return nil
	}
	return &b.Hooks[i]
}

// Endpoints is the receivers and calls in the store. It is safe for concurrent use.
type Endpoints struct {
	books store.Table[EndpointList]
	calls store.Table[Job]

	mu   sync.Mutex
	kept store.Cached[EndpointList] // every event reads it, and hardly any changes it
}

// bookID is the one key under store.Webhooks.
const bookID = "all"

// NewEndpoints returns what is kept under store.Webhooks and store.Calls.
func NewEndpoints(ring *store.Keyring) *Endpoints {
	return &Endpoints{books: store.NewTable[EndpointList](ring, store.Webhooks), calls: store.NewTable[Job](ring, store.WebhookDeliveries)}
}

// List reads all receivers. What it points to is shared and not to be changed.
func (h *Endpoints) List(r store.Reader) (EndpointList, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, err := h.books.GetCached(r, bookID, &h.kept)
	if errors.Is(err, store.ErrNotFound) {
		return EndpointList{}, nil
	}
	if err != nil {
		return EndpointList{}, fmt.Errorf("loading webhooks: %w", err)
	}
	return b, nil
}

// Change rewrites the receivers in an Update. An error of fn leaves them as they are.
func (h *Endpoints) Change(tx store.Tx, fn func(*EndpointList) error) error {
	b, err := h.List(tx)
	if err != nil {
		return err
	}
	b.Hooks = slices.Clone(b.Hooks)
	if err := fn(&b); err != nil {
		return err
	}
	if err := h.books.Put(tx, bookID, b); err != nil {
		return fmt.Errorf("storing webhooks: %w", err)
	}
	return nil
}

// Job is one event on its way to one receiver, or to be spread to several.
type Job struct {
	Event     string          `json:"event"`               // id of the audit event: the body is made of it
	Type      string          `json:"type"`                // its action
	Endpoint  string          `json:"endpoint,omitempty"`  // the receiver; empty: each of Hooks
	Endpoints []string        `json:"endpoints,omitempty"` // several, so that an Update touches one key however many there are
	State     outbox.Attempts `json:"state"`
}

var _ outbox.Job[Job] = Job{}

// Destination is the receiver.
func (c Job) Destination() string { return c.Endpoint }

// Attempts is how far the call has come.
func (c Job) Attempts() outbox.Attempts { return c.State }

// WithAttempts is the call after a further try.
func (c Job) WithAttempts(t outbox.Attempts) Job {
	c.State = t
	return c
}

// MessageID is the same at each attempt, so that a receiver can tell a repeat. It has no full stop, for that parts what
// is signed.
func (c Job) MessageID() string {
	_, random, _ := strings.Cut(c.Event, "-")
	return "msg_" + random
}

// uselessAfter is longer than anything is tried: what a receiver that is down for a week missed is in the log.
const uselessAfter = 6 * 24 * time.Hour

// jobID sorts by receiver, then by time.
func jobID(hook, event string) string { return hook + "." + event }

// toSpread stands in ids in the place of a receiver.
const toSpread = "all"

// Watch queues a call to every receiver that wants the event, in its Update. It is for audit.Log: it reads one key and
// writes at most one more.
func (h *Endpoints) Watch(tx store.Tx, e audit.Entry) error {
	b, err := h.List(tx)
	if err != nil {
		return err
	}
	var wanted []string
	for i := range b.Hooks {
		hook := &b.Hooks[i]
		// A test is for the receiver that is tested alone.
		if e.Action == audit.WebhookTested && len(e.Targets) == 1 && e.Targets[0].ID == hook.ID || e.Action != audit.WebhookTested && hook.Wants(e.Action) {
			wanted = append(wanted, hook.ID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	c := Job{Event: e.ID, Type: e.Action, Endpoints: wanted, State: outbox.Attempts{Queued: e.At, ExpiresAt: e.At.Add(uselessAfter)}}
	id := jobID(toSpread, e.ID)
	if len(wanted) == 1 {
		c.Endpoint, c.Endpoints = wanted[0], nil
		id = jobID(c.Endpoint, e.ID)
	}
	if err := h.calls.Put(tx, id, c); err != nil {
		return fmt.Errorf("queuing a webhook: %w", err)
	}
	return nil
}

// Delivery is a call as it may be shown.
type Delivery struct {
	ID, Event, Type string
	outbox.Attempts
}

// Deliveries lists what waits for a receiver and what was given up, oldest first, and a cursor for more (empty at the
// end). State selects: "waiting", "dead", or empty for both.
func (h *Endpoints) Deliveries(s store.Snapshot, hook, state, after string, limit int) (found []Delivery, next string, err error) {
	found, next, err = outbox.List(s, h.calls, jobID(hook, ""), after, limit, func(id string, c Job) (Delivery, bool) {
		keep := state == "" || c.State.Dead == (state == "dead")
		return Delivery{ID: id, Event: c.Event, Type: c.Type, Attempts: c.State}, keep
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing deliveries: %w", err)
	}
	return found, next, nil
}
