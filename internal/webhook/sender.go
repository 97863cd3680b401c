package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbound"
	"barillet/internal/outbox"
	"barillet/store"
)

// Sender makes the calls that wait, each at least once. Its fields are set before Run and not changed after; all are
// needed.
type Sender struct {
	Store   store.Store
	Hooks   *Endpoints
	Events  audit.Log
	Client  *outbound.Client
	Compose func(e audit.Entry) ([]byte, error) // the body: the same at each attempt
	Now     func() time.Time
	Log     *slog.Logger

	once   sync.Once
	worker outbox.Worker[Job]
}

const (
	parallel = 2           // calls at once to one receiver
	rest     = time.Second // between passes: a receiver that is down has a long queue
	// A queue that is longer than tooMany gets no more until it is shorter than enough: what is left out is in the log.
	tooMany = 5000
	enough  = 2500

	spreadAtOnce = 3 // calls spread in one Update: each touches a key and one for each receiver
)

func (s *Sender) work() *outbox.Worker[Job] {
	s.once.Do(func() {
		s.worker.What, s.worker.Store, s.worker.Table = "webhook", s.Store, s.Hooks.calls
		s.worker.Send, s.worker.Prepare, s.worker.OnWaiting = s.send, s.spread, s.bound
		s.worker.Attrs = func(c Job) []any { return []any{"type", c.Type} }
		s.worker.Parallel, s.worker.Rest, s.worker.Now, s.worker.Log = parallel, rest, s.Now, s.Log
	})
	return &s.worker
}

// Wake tells that something was queued. It never blocks, and may be called before Run and by many at once.
func (s *Sender) Wake() { s.work().Wake() }

// Run makes calls until the context ends, and returns nil then. A failure of receiver or store never ends it.
func (s *Sender) Run(ctx context.Context) error { return s.work().Run(ctx) }

// RunOnce makes one pass and returns when there will be something to do again; the zero time is when something is
// queued. Its error is the store's.
func (s *Sender) RunOnce(ctx context.Context) (time.Time, error) { return s.work().RunOnce(ctx) }

// spread makes one call of each receiver that an event goes to.
func (s *Sender) spread(ctx context.Context, _ time.Time, due, _ []outbox.Pending[Job]) ([]outbox.Pending[Job], error) {
	var out, whole []outbox.Pending[Job]
	for _, p := range due {
		if p.Job.Endpoint == "" {
			whole = append(whole, p)
		} else {
			out = append(out, p)
		}
	}
	for part := range slices.Chunk(whole, spreadAtOnce) {
		parts, err := store.Do(ctx, s.Store, func(tx store.Tx) (parts []outbox.Pending[Job], err error) {
			for _, p := range part {
				several, err := s.Hooks.calls.Get(tx, p.ID)
				if errors.Is(err, store.ErrNotFound) {
					continue // done by another machine
				}
				if err == nil {
					err = s.Hooks.calls.Delete(tx, p.ID)
				}
				if err != nil {
					return nil, err
				}
				for _, hook := range several.Endpoints {
					one := outbox.Pending[Job]{ID: jobID(hook, several.Event), Job: several}
					one.Job.Endpoint, one.Job.Endpoints = hook, nil
					if err := s.Hooks.calls.Put(tx, one.ID, one.Job); err != nil {
						return nil, err
					}
					parts = append(parts, one)
				}
			}
			return parts, nil
		})
		if err != nil {
			return nil, fmt.Errorf("spreading webhooks: %w", err)
		}
		out = append(out, parts...)
	}
	return out, nil
}

// send makes one call. Its error says what it means for the call and for the receiver (internal/outbox).
func (s *Sender) send(ctx context.Context, _ string, c Job) error {
	var hook Endpoint
	var entry audit.Entry
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		book, err := s.Hooks.List(snap)
		if err != nil {
			return err
		}
		found := book.Find(c.Endpoint)
		switch {
		case found == nil:
			return outbox.ErrDiscard
		case found.DisabledReason != "":
			return fmt.Errorf("webhook is switched off, %w", outbox.ErrFinal)
		}
		hook = *found
		entry, err = s.Events.Get(snap, c.Event)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("the event is no longer kept, %w", outbox.ErrFinal)
		}
		return err
	})
	if err != nil {
		return err
	}
	body, err := s.Compose(entry)
	if err != nil {
		return fmt.Errorf("composing: %w", err)
	}
	now, id := s.Now(), c.MessageID()
	answer, err := s.Client.Post(ctx, hook.URL, map[string][]string{"Content-Type": {"application/json"}, "Webhook-Id": {id},
		"Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {hook.sign(now, id, body)}}, body)
	if answer.Status == gone {
		if err := s.disable(ctx, now, hook.ID); err != nil {
			return err
		}
	}
	return ClassifyResponse(answer.Status, err)
}

// gone is the status by which a receiver unsubscribes (RFC 9110 section 15.5.11).
const gone = 410

// ClassifyResponse says what an answer means for a row of an outbox, of a logout as of a webhook. Only 2xx is taken, whatever is
// wrong with what comes after the status.
func ClassifyResponse(status int, err error) error {
	switch {
	case status/100 == 2:
		return nil
	case errors.Is(err, outbound.ErrForbidden):
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	case status == 0:
		return fmt.Errorf("%w: %w", outbox.ErrUnreachable, err)
	case status == gone:
		return fmt.Errorf("answered 410, %w", outbox.ErrFinal)
	case status >= 500, status == 408, status == 429: // it is overloaded or broken, whatever it is sent
		return fmt.Errorf("%w: answered %d", outbox.ErrUnreachable, status)
	}
	return fmt.Errorf("answered %d", status)
}

// disable switches off a receiver that wants no more.
func (s *Sender) disable(ctx context.Context, now time.Time, id string) error {
	return s.mark(ctx, now, id, audit.WebhookDisabled, func(h *Endpoint) bool {
		was := h.DisabledReason
		h.DisabledReason = DisabledGone
		return was == ""
	})
}

// bound keeps queues from growing without end.
func (s *Sender) bound(ctx context.Context, now time.Time, waiting map[string]int) error {
	var book EndpointList
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		book, err = s.Hooks.List(snap)
		return err
	})
	if err != nil {
		return err
	}
	for _, h := range book.Hooks {
		n := waiting[h.ID]
		switch {
		case !h.Overrun && n > tooMany:
			s.Log.Warn("too much waits for a webhook, events are left out", "webhook", h.ID)
			err = s.mark(ctx, now, h.ID, audit.WebhookOverrun, func(h *Endpoint) bool { h.Overrun = true; return true })
		case h.Overrun && n < enough:
			err = s.mark(ctx, now, h.ID, audit.WebhookResumed, func(h *Endpoint) bool { h.Overrun = false; return true })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mark changes a receiver, with the event that says so, unless fn finds nothing to change.
func (s *Sender) mark(ctx context.Context, now time.Time, id, action string, fn func(*Endpoint) bool) error {
	event := audit.NewID(now)
	err := s.Store.Update(ctx, func(tx store.Tx) error {
		changed, name := false, ""
		err := s.Hooks.Change(tx, func(b *EndpointList) error {
			if h := b.Find(id); h != nil {
				changed, name = fn(h), h.Name
			}
			return nil
		})
		if err != nil || !changed {
			return err
		}
		return s.Events.Append(tx, event, audit.Event{Actor: audit.Actor{Type: audit.TypeSystem, Name: "barillet"}, Action: action,
			Outcome: audit.Success, Targets: []audit.Actor{{Type: audit.TypeWebhook, ID: id, Name: name}}})
	})
	if err != nil {
		return fmt.Errorf("marking webhook %q: %w", id, err)
	}
	return nil
}
