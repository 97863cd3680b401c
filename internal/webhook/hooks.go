package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/store"
)

// EndpointList contains all endpoints in the order of their creation.
type EndpointList struct {
	Hooks []Endpoint `json:"endpoints"`
}

// Find returns the endpoint with an id, or nil.
func (b *EndpointList) Find(id string) *Endpoint {
	i := slices.IndexFunc(b.Hooks, func(h Endpoint) bool { return h.ID == id })
	if i < 0 {
		return nil
	}
	return &b.Hooks[i]
}

// Endpoints contains the endpoints and their deliveries in the store. It is safe for concurrent use.
type Endpoints struct {
	books store.Table[EndpointList]
	calls store.Table[Job]
}

// bookID is the id of the only record in the table store.Webhooks.
const bookID = "all"

// NewEndpoints returns the endpoints in the table store.Webhooks and the deliveries in the table store.Calls.
func NewEndpoints(ring *store.Keyring) *Endpoints {
	return &Endpoints{books: store.NewTable[EndpointList](ring, store.Webhooks), calls: store.NewTable[Job](ring, store.WebhookDeliveries)}
}

// List returns all endpoints. The result is shared: callers must not change what it points to.
func (h *Endpoints) List(r store.Reader) (EndpointList, error) {
	b, err := store.GetShared(h.books, r, bookID) // each event reads it, and it rarely changes
	if errors.Is(err, store.ErrNotFound) {
		return EndpointList{}, nil
	}
	if err != nil {
		return EndpointList{}, fmt.Errorf("loading webhooks: %w", err)
	}
	return b, nil
}

// Change stores the endpoints as fn changes them. If fn returns an error, nothing is stored.
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

// Job is the delivery of an event to one endpoint, or to several before Sender makes one of each.
type Job struct {
	Event     string          `json:"event"`               // id of the audit event, from which the body is made
	Type      string          `json:"type"`                // action of the event
	Rank      audit.Lane      `json:"lane,omitempty"`      // lane of the event
	Endpoint  string          `json:"endpoint,omitempty"`  // the endpoint; empty: each of Hooks
	Endpoints []string        `json:"endpoints,omitempty"` // several endpoints, so that an event uses one key of its Update
	State     outbox.Attempts `json:"state"`
}

var _ outbox.Job[Job] = Job{}

// Destination returns the id of the endpoint.
func (c Job) Destination() string { return c.Endpoint }

// Lane returns the lane of the event.
func (c Job) Lane() audit.Lane { return c.Rank }

// Attempts returns the state of the delivery.
func (c Job) Attempts() outbox.Attempts { return c.State }

// WithAttempts returns the delivery with another state.
func (c Job) WithAttempts(t outbox.Attempts) Job {
	c.State = t
	return c
}

// MessageID returns the value of the header webhook-id. It is the same in each attempt, so that a receiver can recognize a
// repeated message (promise D5). It contains no dot, which is a separator in the signed text.
func (c Job) MessageID() string {
	_, random, _ := strings.Cut(c.Event, "-")
	return "msg_" + random
}

// uselessAfter is the time from an event to the expiry of its delivery. It is longer than the attempts last.
const uselessAfter = 6 * 24 * time.Hour

// jobID returns an id that sorts by endpoint, then by time.
func jobID(hook, event string) string { return hook + "." + event }

// forAll is in an id in place of an endpoint, if the delivery is for several.
const forAll = "all"

// Watch stores a delivery to each endpoint that receives the event and does not drop its lane, in the Update of the event. It
// is the Watch of an audit.Log. It reads one key and writes at most one more.
func (h *Endpoints) Watch(tx store.Tx, e audit.Entry) error {
	b, err := h.List(tx)
	if errors.Is(err, store.ErrUnreadable) {
		return nil // reported; operations go on without webhooks
	}
	if err != nil {
		return err
	}
	var wanted []string
	for i := range b.Hooks {
		hook := &b.Hooks[i]
		// A test event is only for the tested endpoint.
		if e.Action == audit.WebhookTested && len(e.Targets) == 1 && e.Targets[0].ID == hook.ID || e.Action != audit.WebhookTested && hook.Wants(e.Action) && !hook.Drops(e.Lane(), e.At) {
			wanted = append(wanted, hook.ID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	c := Job{Event: e.ID, Type: e.Action, Rank: e.Lane(), Endpoints: wanted, State: outbox.Attempts{Queued: e.At, ExpiresAt: e.At.Add(uselessAfter)}}
	id := jobID(forAll, e.ID)
	if len(wanted) == 1 {
		c.Endpoint, c.Endpoints = wanted[0], nil
		id = jobID(c.Endpoint, e.ID)
	}
	if err := h.calls.Put(tx, id, c); err != nil {
		return fmt.Errorf("storing a webhook delivery: %w", err)
	}
	return nil
}

// Delivery is a stored delivery as administrators see it.
type Delivery struct {
	ID, Event, Type string
	Lane            audit.Lane
	outbox.Attempts
}

// Deliveries returns a page of waiting deliveries and dead letters of an endpoint, oldest first, and a cursor for the next
// page (empty at the end). state is "waiting", "dead", or empty for both.
func (h *Endpoints) Deliveries(s store.Snapshot, hook, state, after string, limit int) (found []Delivery, next string, err error) {
	found, next, err = outbox.List(s, h.calls, jobID(hook, ""), after, limit, func(id string, c Job) (Delivery, bool) {
		keep := state == "" || c.State.Dead == (state == "dead")
		return Delivery{ID: id, Event: c.Event, Type: c.Type, Lane: c.Rank, Attempts: c.State}, keep
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing deliveries: %w", err)
	}
	return found, next, nil
}
