package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbound"
	"barillet/internal/outbox"
	"barillet/store"
)

// Sender sends stored deliveries, each at least once. Set all fields before Run and do not change them afterwards.
type Sender struct {
	Store   store.Store
	Hooks   *Endpoints
	Events  audit.Log
	Client  *outbound.Client
	Compose func(e audit.Entry) ([]byte, error) // returns the body, the same for each attempt
	Now     func() time.Time
	Log     *slog.Logger

	once   sync.Once
	worker outbox.Worker[Job]
}

const parallel = 2 // concurrent requests to one endpoint

func (s *Sender) work() *outbox.Worker[Job] {
	s.once.Do(func() {
		s.worker.What, s.worker.Store, s.worker.Table = "webhook", s.Store, s.Hooks.calls
		s.worker.Send, s.worker.Spread, s.worker.OnWaiting = s.send, s.spread, s.bound
		s.worker.Attrs = func(c Job) []any { return []any{"type", c.Type} }
		s.worker.Parallel, s.worker.Now, s.worker.Log = parallel, s.Now, s.Log
	})
	return &s.worker
}

// Run sends deliveries until ctx ends, and then returns nil. A failure of an endpoint or the store does not end it.
func (s *Sender) Run(ctx context.Context) error { return s.work().Run(ctx) }

// RunOnce tries what is due and returns the time of the next pass; the zero time means that nothing waits. An error is from the
// store.
func (s *Sender) RunOnce(ctx context.Context) (time.Time, error) { return s.work().RunOnce(ctx) }

// Depth returns the number of deliveries.
func (s *Sender) Depth() outbox.Depth { return s.work().Depth() }

// spread replaces each delivery to several endpoints by one delivery to each of them.
func (s *Sender) spread(ctx context.Context, ids []string) error {
	for len(ids) > 0 {
		n, err := store.Do(ctx, s.Store, func(tx store.Tx) (n int, err error) {
			for keys := 0; n < len(ids) && keys+1+Most <= store.MaxUpdateKeys; n++ {
				several, err := s.Hooks.calls.Get(tx, ids[n])
				keys += 1 + len(several.Endpoints)
				there, err := store.Found(err)
				if err == nil && there {
					err = s.spreadOne(tx, ids[n], several)
				}
				if err != nil {
					return 0, err
				}
			}
			return n, nil
		})
		if err != nil {
			return fmt.Errorf("storing webhook deliveries: %w", err)
		}
		ids = ids[n:]
	}
	return nil
}

func (s *Sender) spreadOne(tx store.Tx, id string, several Job) error {
	if err := s.Hooks.calls.Delete(tx, id); err != nil {
		return err
	}
	for _, hook := range several.Endpoints {
		one := several
		one.Endpoint, one.Endpoints = hook, nil
		if err := s.Hooks.calls.Put(tx, jobID(hook, several.Event), one); err != nil {
			return err
		}
	}
	return nil
}

// send makes one request. Its error has a meaning for the worker (outbox.Worker.Send).
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
			return fmt.Errorf("webhook is disabled: %w", outbox.ErrFinal)
		}
		hook = *found
		entry, err = s.Events.Get(snap, c.Event)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("event was deleted: %w", outbox.ErrFinal)
		}
		return err
	})
	if err != nil {
		return err
	}
	body, err := s.Compose(entry)
	if err != nil {
		return fmt.Errorf("composing the body: %w", err)
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

// gone is the status by which a receiver unsubscribes (RFC 9110 §15.5.11).
const gone = 410

// ClassifyResponse returns the error of outbox.Worker.Send for a response, or nil. A status 2xx means that the job was delivered,
// even if reading the body failed. Judge is also for logout deliveries.
func ClassifyResponse(status int, err error) error {
	switch {
	case status/100 == 2:
		return nil
	case errors.Is(err, outbound.ErrForbidden):
		return fmt.Errorf("%w: %w", outbox.ErrRefused, err)
	case status == 0:
		return fmt.Errorf("%w: %w", outbox.ErrUnreachable, err)
	case status == gone:
		return fmt.Errorf("status 410: %w", outbox.ErrFinal)
	case status >= 500, status == 408, status == 429: // the receiver rejects every request
		return fmt.Errorf("%w: status %d", outbox.ErrUnreachable, status)
	}
	return fmt.Errorf("status %d", status)
}

// disable disables an endpoint that unsubscribed.
func (s *Sender) disable(ctx context.Context, now time.Time, id string) error {
	return s.mark(ctx, now, id, audit.WebhookDisabled, func(h *Endpoint) bool {
		was := h.DisabledReason
		h.DisabledReason = DisabledGone
		return was == ""
	}, nil)
}

// SweepDead returns the sweep of the dead letters that were given up before a time. See outbox.SweepDead.
func (s *Sender) SweepDead(before func() time.Time, announce func(ids []string) func(store.Tx) error) store.TableSweep {
	return outbox.SweepDead(s.Hooks.calls, before, announce)
}
