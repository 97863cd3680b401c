package main

import (
	"context"
	"time"

	"barillet/authn"
	"barillet/internal/audit"
	"barillet/store"
)

// minClockJump is by how much the clock has to move against the time that went by before it is audited (BAR 3).
const minClockJump = 5 * time.Minute

// clockWatch tells the clock on the wall from the time that goes by. A machine that slept counts as one whose clock
// was set forward: codes and sessions are judged by the clock, whatever moved it.
type clockWatch struct {
	wall   time.Time     // what the clock showed when the two last agreed
	uptime time.Duration // how long the process had run then
}

// reset takes the two to agree as they stand.
func (c *clockWatch) reset(wall time.Time, ran time.Duration) { c.wall, c.uptime = wall.Round(0), ran }

// jump is by how much the clock has moved since they last agreed; 0 for less than minClockJump. The monotonic reading
// of wall would hide it and is left out.
func (c *clockWatch) jump(wall time.Time, ran time.Duration) time.Duration {
	if by := wall.Round(0).Sub(c.wall) - (ran - c.uptime); by.Abs() >= minClockJump {
		return by
	}
	return 0
}

// watchClock looks once and has a jump audited and shown in the log, until the audit log has it. Sign-ins go on.
func (a *app) watchClock(ctx context.Context, c *clockWatch, wall time.Time, ran time.Duration) error {
	by := c.jump(wall, ran).Round(time.Second)
	if by == 0 {
		return nil
	}
	a.log.Warn("the clock moved while the service ran: six-digit codes and sessions are judged by it", "by", by, "clock", wall.UTC())
	err := a.auditSystem(ctx, audit.ClockJumped, audit.Unknown, map[string]string{"by": by.String()})
	if err == nil {
		c.reset(wall, ran)
	}
	return err
}

// checkClock warns when the clock is behind the last thing that was written down: codes and links would be
// judged by a wrong time.
func (a *app) checkClock(ctx context.Context) {
	err := a.dataDir.store.View(ctx, func(s store.Snapshot) error {
		entries, _, err := a.users.Log.Scan(s, audit.Query{Limit: 1, Descending: true})
		if err == nil && len(entries) > 0 && entries[0].At.After(now().Add(time.Minute)) {
			a.log.Warn("the clock is behind the last audit entry: set it right", "clock", now().UTC(), "entry", entries[0].At)
		}
		return err
	})
	if err != nil {
		a.log.Error("looking at the last audit entry", "error", err)
	}
}

// auditSystem writes what befell the service itself into the audit log.
func (a *app) auditSystem(ctx context.Context, action, outcome string, detail map[string]string) error {
	_, err := authn.Do(ctx, a.users, a.users.NewAct(authn.Origin{}), func(w *authn.Work) (struct{}, error) {
		return struct{}{}, w.Audit(audit.Event{Actor: audit.Actor{Type: audit.TypeSystem, Name: "barillet"}, Action: action, Outcome: outcome, Detail: detail})
	})
	return err
}
