package main

import (
	"context"
	"errors"
	"time"

	"barillet/authn/account"
	"barillet/cmd/barillet/removal"
	"barillet/internal/audit"
	"barillet/store"
)

// clockWatch compares the clock with the uptime. A host that slept counts as one whose clock was set forward, because codes and
// sessions depend on the clock.
type clockWatch struct {
	wall   time.Time     // time of the clock at the last reset
	uptime time.Duration // uptime at the last reset
}

// reset accepts the present difference.
func (c *clockWatch) reset(wall time.Time, ran time.Duration) { c.wall, c.uptime = wall.Round(0), ran }

// jump returns the movement of the clock since the last reset, or 0 if it is less than removal.MinJump. It removes the monotonic
// reading of wall, which would hide the movement.
func (c *clockWatch) jump(wall time.Time, ran time.Duration) time.Duration {
	if by := wall.Round(0).Sub(c.wall) - (ran - c.uptime); by.Abs() >= removal.MinJump {
		return by
	}
	return 0
}

// watchClock logs and audits a jump of the clock. If the audit fails, the next call repeats it.
func (a *app) watchClock(ctx context.Context, c *clockWatch, wall time.Time, ran time.Duration) error {
	by := c.jump(wall, ran).Round(time.Second)
	if by == 0 {
		return nil
	}
	a.log.Warn("the clock jumped: TOTP codes and sessions depend on it", "by", by, "clock", wall.UTC())
	err := a.auditSystem(ctx, audit.ClockJumped, audit.Unknown, map[string]string{"by": by.String()})
	if err == nil {
		c.reset(wall, ran)
	}
	if by < 0 {
		err = errors.Join(err, a.dataDir.Ring.CorrectAll(ctx, a.dataDir.Store))
	}
	return err
}

// checkClock logs a warning if the clock is behind the last audit event, and corrects the times of all records (protocol rule
// 34).
func (a *app) checkClock(ctx context.Context) {
	last, err := a.lastEvent(ctx)
	if err == nil && last.After(now().Add(time.Minute)) {
		a.log.Warn("the clock is behind the last audit event: correct it", "clock", now().UTC(), "entry", last)
		err = a.dataDir.Ring.CorrectAll(ctx, a.dataDir.Store)
	}
	if err != nil {
		a.log.Error("checking the clock", "error", err)
	}
}

// lastEvent returns the time of the last audit event, or the zero time.
func (a *app) lastEvent(ctx context.Context) (last time.Time, err error) {
	err = a.dataDir.Store.View(ctx, func(s store.Snapshot) error {
		entries, _, err := a.accounts.Log.Scan(s, audit.Query{Limit: 1, Descending: true})
		if err == nil && len(entries) > 0 {
			last = entries[0].At
		}
		return err
	})
	return last, err
}

// auditContradiction implements tree.Config.Contradicted.
func (a *app) auditContradiction(ctx context.Context, reason string) error {
	return a.auditSystem(ctx, audit.LogContradicted, audit.Unknown, map[string]string{"reason": reason})
}

// auditSystem audits an event of the service itself.
func (a *app) auditSystem(ctx context.Context, action, outcome string, detail map[string]string) error {
	_, err := account.Update(ctx, a.accounts, a.accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (struct{}, error) {
		return struct{}{}, tx.Audit(audit.Event{Actor: audit.System, Action: action, Outcome: outcome, Detail: detail})
	})
	return err
}
