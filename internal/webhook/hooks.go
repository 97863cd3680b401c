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

// Book is all receivers, in the order in which they were made.
type Book struct {
	Hooks []Hook `json:"hooks"`
}

// Find gives the receiver with this id, nil when there is none.
func (b *Book) Find(id string) *Hook {
	i := slices.IndexFunc(b.Hooks, func(h Hook) bool { return h.ID == id })
	if i < 0 {
		return nil
	}
	return &b.Hooks[i]
}

// Hooks is the receivers and calls in the store. It is safe for concurrent use.
type Hooks struct {
	books store.Table[Book]
	calls store.Table[Call]

	mu   sync.Mutex
	kept store.Kept[Book] // every event reads it, and hardly any changes it
}

// bookID is the one key under store.Webhooks.
const bookID = "all"

// NewHooks returns what is kept under store.Webhooks and store.Calls.
func NewHooks(ring *store.Keyring) *Hooks {
	return &Hooks{books: store.NewTable[Book](ring, store.Webhooks), calls: store.NewTable[Call](ring, store.Calls)}
}

// Book reads all receivers. What it points to is shared and not to be changed.
func (h *Hooks) Book(r store.Reader) (Book, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b, err := h.books.GetKept(r, bookID, &h.kept)
	if errors.Is(err, store.ErrNotFound) {
		return Book{}, nil
	}
	if err != nil {
		return Book{}, fmt.Errorf("loading webhooks: %w", err)
	}
	return b, nil
}

// Change rewrites the receivers in an Update. An error of fn leaves them as they are.
func (h *Hooks) Change(tx store.Tx, fn func(*Book) error) error {
	b, err := h.Book(tx)
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

// Call is one event on its way to one receiver, or to be spread to several.
type Call struct {
	Event string     `json:"event"`           // id of the audit event: the body is made of it
	Type  string     `json:"type"`            // its action
	Hook  string     `json:"hook,omitempty"`  // the receiver; empty: each of Hooks
	Hooks []string   `json:"hooks,omitempty"` // several, so that an Update touches one key however many there are
	State outbox.Try `json:"state"`
}

var _ outbox.Row[Call] = Call{}

// Lane is the receiver.
func (c Call) Lane() string { return c.Hook }

// Try is how far the call has come.
func (c Call) Try() outbox.Try { return c.State }

// WithTry is the call after a further try.
func (c Call) WithTry(t outbox.Try) Call {
	c.State = t
	return c
}

// MessageID is the same at each attempt, so that a receiver can tell a repeat. It has no full stop, for that parts what
// is signed.
func (c Call) MessageID() string {
	_, random, _ := strings.Cut(c.Event, "-")
	return "msg_" + random
}

// uselessAfter is longer than anything is tried: what a receiver that is down for a week missed is in the log.
const uselessAfter = 6 * 24 * time.Hour

// callID sorts by receiver, then by time.
func callID(hook, event string) string { return hook + "." + event }

// toSpread stands in ids in the place of a receiver.
const toSpread = "all"

// Watch queues a call to every receiver that wants the event, in its Update. It is for audit.Log: it reads one key and
// writes at most one more.
func (h *Hooks) Watch(tx store.Tx, e audit.Entry) error {
	b, err := h.Book(tx)
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
	c := Call{Event: e.ID, Type: e.Action, Hooks: wanted, State: outbox.Try{Queued: e.At, UselessAfter: e.At.Add(uselessAfter)}}
	id := callID(toSpread, e.ID)
	if len(wanted) == 1 {
		c.Hook, c.Hooks = wanted[0], nil
		id = callID(c.Hook, e.ID)
	}
	if err := h.calls.Put(tx, id, c); err != nil {
		return fmt.Errorf("queuing a webhook: %w", err)
	}
	return nil
}

// Delivery is a call as it may be shown.
type Delivery struct {
	ID, Event, Type string
	outbox.Try
}

// Deliveries lists what waits for a receiver and what was given up, oldest first, and a cursor for more (empty at the
// end). State selects: "waiting", "dead", or empty for both.
func (h *Hooks) Deliveries(s store.Snapshot, hook, state, after string, limit int) (found []Delivery, next string, err error) {
	found, next, err = outbox.List(s, h.calls, callID(hook, ""), after, limit, func(id string, c Call) (Delivery, bool) {
		keep := state == "" || c.State.Dead == (state == "dead")
		return Delivery{ID: id, Event: c.Event, Type: c.Type, Try: c.State}, keep
	})
	if err != nil {
		return nil, "", fmt.Errorf("listing deliveries: %w", err)
	}
	return found, next, nil
}
