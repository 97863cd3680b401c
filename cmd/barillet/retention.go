package main

import (
	"context"
	"slices"
	"time"

	"barillet/internal/audit"
	"barillet/store"
)

// The budget of the sweep. It does not depend on the size of the store, see "Retention" in docs/operations.md.
const (
	sweepInterval = time.Minute
	sweepReads    = 60_000 // records in a minute
	sweepIdle     = 6_000  // of them, those that are read while few have expired
	sweepDeletes  = 12_000 // records in a minute
	sweepPause    = 50 * time.Millisecond
)

// days is a number of days.
func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// sweeps returns the sweep of each table whose records expire, and those of the retention policies.
func (a *app) sweeps() []store.TableSweep {
	keep, now := a.live.Load().Retention, a.removal.Now
	dead := func() time.Time { return audit.Cutoff(now(), days(keep.DeadLetters)) }
	announce := func(table store.TableDef, n int) func(ids []string) func(store.Tx) error {
		return a.accounts.Log.AnnounceRemoval(now, table, days(n))
	}
	return slices.Concat([]store.TableSweep{a.signIn.Sweep(), a.api.Sweep(), a.approvals.Sweep(), a.handover.Sweep(), a.directory.Admin.SweepMail(), a.counts.Sweep(now)}, a.accounts.Sweeps(), a.sessions.Sweeps(), a.oidc.Sweeps(),
		[]store.TableSweep{
			a.sender.SweepDead(dead, announce(store.Outbox, keep.DeadLetters)),
			a.webhooks.SweepDead(dead, announce(store.WebhookDeliveries, keep.DeadLetters)),
			a.oidc.Tokens.SweepDeadLogouts(dead, announce(store.Logouts, keep.DeadLetters)),
			a.directory.HelpDesk.SweepOld(days(keep.HelpRequests), announce(store.HelpRequests, keep.HelpRequests)),
			a.accounts.Log.SweepErasures(now, days(keep.DeletedUsers)),
		},
		a.accounts.Log.Sweeps(now, map[audit.Lane]time.Duration{audit.LaneSecurity: days(keep.Events), audit.LaneRoutine: days(keep.Routine),
			audit.LaneNoise: days(keep.Failures)}))
}

func (a *app) sweeper(pause time.Duration) *store.Sweeper {
	return &store.Sweeper{Store: a.dataDir.Store, Sweeps: a.sweeps(), Reads: sweepReads, Idle: sweepIdle, Deletes: sweepDeletes, Pause: pause}
}

// runSweeper sweeps once a minute until ctx ends.
func (a *app) runSweeper(ctx context.Context) error {
	sweeper, retention := a.sweeper(sweepPause), a.live.Load().Retention
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if now := a.live.Load().Retention; now != retention { // after a reload
			sweeper, retention = a.sweeper(sweepPause), now
		}
		if _, err := sweeper.Run(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("deleting expired records", "error", err)
		}
	}
}
