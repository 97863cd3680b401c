package oidc

import (
	"context"
	"slices"
	"sync"
	"time"

	"barillet/store"
)

const (
	maintainInterval = time.Hour
	cleanupInterval  = time.Minute
	minCleanupPause  = time.Second
	pauseFactor      = 20 // a pause lasts so many times as long as the run before it: at most 5 % of a core
)

// Run maintains the signing keys, ends revoked grants and sends logout tokens, until ctx ends.
func (p *Provider) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { p.repeat(ctx, "maintaining keys", maintainInterval, nil, p.Keys.Maintain) })
	all.Go(func() { p.repeat(ctx, "ending grants", cleanupInterval, p.Tokens.Revoked(), p.Tokens.EndRevokedGrants) })
	all.Go(func() { p.Tokens.RunLogouts(ctx) })
	all.Wait()
	return nil
}

// repeat calls do at once, and again after each interval or, after a pause, when it is woken.
func (p *Provider) repeat(ctx context.Context, doing string, interval time.Duration, wake <-chan struct{}, do func(context.Context) error) {
	for {
		began := p.Now()
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.Errors.Error("OpenID Connect: "+doing, "error", err)
		}
		// The clock may have been set meanwhile: the pause stays within limits.
		pause := time.NewTimer(min(max(pauseFactor*p.Now().Sub(began), minCleanupPause), cleanupInterval))
		next := time.NewTimer(interval)
		select {
		case <-ctx.Done():
		case <-pause.C:
			select {
			case <-ctx.Done():
			case <-next.C:
			case <-wake:
			}
		}
		pause.Stop()
		next.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// Sweeps returns the sweeps of what expires: authorization requests, user codes, assertions, codes, tokens and grants.
func (p *Provider) Sweeps() []store.TableSweep {
	return slices.Concat([]store.TableSweep{
		store.NewSweep(p.requests, func(r AuthorizationRequest) bool { return !p.now().Before(r.Expires) }),
		store.NewSweep(p.userCodes, func(c UserCode) bool { return !p.now().Before(c.Expires) }),
		p.Clients.Sweep(),
	}, p.Tokens.Sweeps())
}
