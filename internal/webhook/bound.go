package webhook

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"barillet/internal/audit"
	"barillet/internal/outbox"
	"barillet/store"
)

const (
	// maxQueue is the maximum of waiting deliveries of one lane to an endpoint. Then the lane is left out until there are fewer
	// than half. The lane of security events has maxSecurityQueue.
	maxQueue         = 5000
	maxSecurityQueue = 100_000

	maxOmitted = 1_000_000 // events that are counted as left out
)

// queueSize returns the maximum of waiting deliveries of a lane to one endpoint.
func queueSize(lane audit.Lane) int {
	if lane == audit.LaneSecurity {
		return maxSecurityQueue
	}
	return maxQueue
}

// bound sets the overruns of each endpoint by the length of its queues. A delivery to several endpoints counts for each.
func (s *Sender) bound(ctx context.Context, now time.Time, waiting map[outbox.Queue]int) error {
	var book EndpointList
	err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
		book, err = s.Hooks.List(snap)
		return err
	})
	if err != nil {
		return err
	}
	for _, h := range book.Hooks {
		for _, lane := range audit.Lanes() {
			n := waiting[outbox.Queue{Destination: h.ID, Lane: lane}] + waiting[outbox.Queue{Lane: lane}]
			i := slices.IndexFunc(h.Overruns, func(o Overrun) bool { return o.Lane == lane })
			switch {
			case n > queueSize(lane) && (i < 0 || h.Overruns[i].Since.After(now)): // or the clock was set back
				err = s.overrun(ctx, now, &h, lane)
			case n < queueSize(lane)/2 && i >= 0:
				err = s.resume(ctx, now, &h, h.Overruns[i])
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// overrun begins to leave out a lane.
func (s *Sender) overrun(ctx context.Context, now time.Time, h *Endpoint, lane audit.Lane) error {
	s.Log.Warn("webhook queue is full, dropping events", "webhook", h.ID, "lane", lane.String())
	return s.mark(ctx, now, h.ID, audit.WebhookOverrun, func(h *Endpoint) bool {
		h.Overruns = append(withoutLane(h.Overruns, lane), Overrun{lane, now})
		return true
	}, map[string]string{"lane": lane.String()})
}

// resume ends an overrun. Its event states which events were left out, so that the receiver can read them in the log.
func (s *Sender) resume(ctx context.Context, now time.Time, h *Endpoint, o Overrun) error {
	n, err := s.omitted(ctx, h, o)
	if err != nil {
		return err
	}
	return s.mark(ctx, now, h.ID, audit.WebhookResumed, func(h *Endpoint) bool {
		before := len(h.Overruns)
		h.Overruns = withoutLane(h.Overruns, o.Lane)
		return len(h.Overruns) < before
	}, map[string]string{"lane": o.Lane.String(), "omitted": strconv.Itoa(n), "since": o.Since.UTC().Format(time.RFC3339),
		"until": s.Now().Add(time.Second).UTC().Format(time.RFC3339)}) // an event whose Update began before can still be left out
}

// omitted returns the number of events that the endpoint left out since an overrun began, at most about maxOmitted.
func (s *Sender) omitted(ctx context.Context, h *Endpoint, o Overrun) (n int, err error) {
	q := audit.Query{Since: o.Since, Limit: 1}
	for done := false; !done && n < maxOmitted; {
		found := 0
		q.Keep = func(e audit.Entry) bool {
			if e.At.After(o.Since) && e.Lane() == o.Lane && h.Wants(e.Action) {
				found++
			}
			return false // only counted
		}
		err := s.Store.View(ctx, func(snap store.Snapshot) (err error) {
			found = 0
			_, q.After, err = s.Events.Scan(snap, q)
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("counting the events that webhook %q left out: %w", h.ID, err)
		}
		n, done = n+found, q.After == ""
	}
	return n, nil
}

func withoutLane(all []Overrun, lane audit.Lane) []Overrun {
	return slices.DeleteFunc(slices.Clone(all), func(o Overrun) bool { return o.Lane == lane })
}

// mark changes an endpoint and appends an event, unless fn reports that nothing changed.
func (s *Sender) mark(ctx context.Context, now time.Time, id, action string, fn func(*Endpoint) bool, detail map[string]string) error {
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
		return s.Events.Append(tx, event, audit.Event{Actor: audit.System, Action: action,
			Outcome: audit.Success, Targets: []audit.Actor{{Type: audit.TypeWebhook, ID: id, Name: name}}, Detail: detail})
	})
	if err != nil {
		return fmt.Errorf("marking webhook %q: %w", id, err)
	}
	return nil
}
