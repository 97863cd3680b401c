package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

const flushInterval = time.Minute

// runWorkers runs the background work until ctx ends, and returns when all of it has ended. It logs errors and continues.
func (a *app) runWorkers(ctx context.Context) {
	var beside sync.WaitGroup
	defer beside.Wait()
	workers := map[string]func(context.Context) error{"mail": a.sender.Run, "webhooks": a.webhooks.Run, "OpenID Connect": a.oidc.Run,
		"free space": a.watchSpace, "certificate": a.certificate.Run, "certificate warnings": a.certificateWatch().Run, "audit log": a.tree.Run,
		"sweep": a.runSweeper, "sign-in counters": a.counts.Run, "setup link": a.setup.Run, "backup": a.schedule.Run, "reload": a.runReload}
	if a.metrics != nil {
		workers["metrics"] = a.metrics.Run
	}
	for what, run := range workers {
		beside.Go(func() {
			if err := run(ctx); err != nil {
				a.log.Error("worker ended", "worker", what, "error", err)
			}
		})
	}
	seen := time.NewTicker(flushInterval)
	defer seen.Stop()
	var clock clockWatch
	clock.reset(now(), a.sessions.Uptime())
	for ctx.Err() == nil {
		var err error
		select {
		case <-ctx.Done():
		case <-seen.C:
			err = errors.Join(a.flushTimes(ctx), a.accounts.FlushRefusals(ctx, false), a.watchClock(ctx, &clock, now(), a.sessions.Uptime()))
		}
		if err != nil && ctx.Err() == nil {
			a.log.Error("running maintenance", "error", err)
		}
	}
}
