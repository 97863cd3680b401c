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
	flushInterval  = time.Minute
	deleteInterval = 10 * time.Minute
	deleteBatch    = 32 // records removed by one transaction, so that a sign-in does not wait long
)

// runWorkers runs the background work until ctx ends, and returns when all of it has ended. It logs errors and continues.
func (a *app) runWorkers(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	for what, run := range map[string]func(context.Context) error{"mail": a.sender.Run, "webhooks": a.webhooks.Run, "OpenID Connect": a.oidc.Run, "free space": a.watchSpace} {
		beside.Go(func() {
			if err := run(ctx); err != nil {
				a.log.Error("worker ended", "worker", what, "error", err)
			}
		})
	}
	seen, sweep := time.NewTicker(flushInterval), time.NewTicker(deleteInterval)
	defer seen.Stop()
	defer sweep.Stop()
	var clock clockWatch
	clock.reset(now(), a.sessions.Uptime())
	for ctx.Err() == nil {
		var err error
		select {
		case <-ctx.Done():
		case <-seen.C:
			err = errors.Join(a.flushTimes(ctx), a.watchClock(ctx, &clock, now(), a.sessions.Uptime()))
		case <-sweep.C:
			err = a.deleteExpired(ctx)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("running maintenance", "error", err)
		}
	}
}

// deleteExpired deletes expired records. An error of one kind does not stop the others.
func (a *app) deleteExpired(ctx context.Context) error {
	var all []error
	for _, deleteExpired := range []func(context.Context) error{
		a.signIn.DeleteExpired, a.accounts.DeleteExpired, a.sessions.DeleteExpired,
		a.api.DeleteExpired, a.directory.HelpDesk.DeleteExpired, a.oidc.DeleteExpired,
	} {
		all = append(all, deleteExpired(ctx))
	}
	if err := a.deleteCounters(ctx, a.accounts.Limiter.Full, a.accounts.Limiter.Forget); err != nil {
		all = append(all, fmt.Errorf("deleting unused rate limits: %w", err))
	}
	if err := a.deleteCounters(ctx, a.accounts.Failures.Expired, a.accounts.Failures.Forget); err != nil {
		all = append(all, fmt.Errorf("deleting unused failure counters: %w", err))
	}
	return errors.Join(all...)
}

// deleteCounters deletes counters of one kind, a batch in each transaction.
func (a *app) deleteCounters(ctx context.Context,
	find func(s store.Snapshot, now time.Time, after string, limit int) (ids []string, next string, err error),
	remove func(tx store.Tx, now time.Time, ids []string) error) error {
	at := now()
	for after := ""; ; {
		var ids []string
		var next string
		err := a.dataDir.store.View(ctx, func(s store.Snapshot) (err error) {
			ids, next, err = find(s, at, after, deleteBatch)
			return err
		})
		if err != nil {
			return err
		}
		if len(ids) > 0 {
			if err := a.dataDir.store.Update(ctx, func(tx store.Tx) error { return remove(tx, at, ids) }); err != nil {
				return err
			}
		}
		if next == "" {
			return nil
		}
		after = next
	}
}
