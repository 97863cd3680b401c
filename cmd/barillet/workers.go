package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"barillet/store"
)

const (
	seenEvery  = time.Minute
	sweepEvery = 10 * time.Minute
	sweepBite  = 32 // records one Update removes, so that no sign-in waits for it
)

// work runs what goes on beside the requests until ctx ends, and returns when all of it has ended. A failure
// is logged and tried again: none of it may end the service.
func (h *house) work(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	for what, run := range map[string]func(context.Context) error{"mail": h.sender.Run, "webhooks": h.caller.Run, "what applications were given": h.oidc.Run} {
		beside.Go(func() {
			if err := run(ctx); err != nil {
				h.log.Error("work ended", "what", what, "error", err)
			}
		})
	}
	seen, sweep := time.NewTicker(seenEvery), time.NewTicker(sweepEvery)
	defer seen.Stop()
	defer sweep.Stop()
	var clock clockWatch
	clock.agree(now(), h.sessions.Uptime())
	for ctx.Err() == nil {
		var err error
		select {
		case <-ctx.Done():
		case <-seen.C:
			err = errors.Join(h.keepTimes(ctx), h.watchClock(ctx, &clock, now(), h.sessions.Uptime()))
		case <-sweep.C:
			err = h.sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			h.log.Error("keeping the store in order", "error", err)
		}
	}
}

// sweep removes what is dead.
func (h *house) sweep(ctx context.Context) error {
	for _, deleteExpired := range []func(context.Context) error{
		h.signIn.DeleteExpired, h.accounts.DeleteExpiredLinks, h.sessions.DeleteExpiredSessions,
		h.api.Sweep, h.desk.Sweep, h.oidc.DeleteExpired,
	} {
		if err := deleteExpired(ctx); err != nil {
			return err
		}
	}
	if err := h.forget(ctx, h.accounts.Limiter.Full, h.accounts.Limiter.Forget); err != nil {
		return fmt.Errorf("removing limits that are full again: %w", err)
	}
	if err := h.forget(ctx, h.accounts.Failures.Expired, h.accounts.Failures.Forget); err != nil {
		return fmt.Errorf("removing counters that are quiet: %w", err)
	}
	return nil
}

// forget walks through one kind of counter, a bite an Update.
func (h *house) forget(ctx context.Context,
	find func(s store.Snapshot, now time.Time, after string, limit int) (ids []string, next string, err error),
	remove func(tx store.Tx, now time.Time, ids []string) error) error {
	at := now()
	for after := ""; ; {
		var ids []string
		var next string
		err := h.opened.store.View(ctx, func(s store.Snapshot) (err error) {
			ids, next, err = find(s, at, after, sweepBite)
			return err
		})
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			if err := h.opened.store.Update(ctx, func(tx store.Tx) error { return remove(tx, at, ids) }); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}
