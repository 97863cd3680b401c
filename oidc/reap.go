package oidc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"barillet/authn"
	"barillet/store"
)

const (
	maintainInterval = time.Hour
	cleanupInterval  = time.Minute
	minCleanupPause  = time.Second // between two looks for ended grants, however often something happens
	pauseFactor      = 20          // and so many times as long as the look took: it never takes more than a twentieth of a core
	scanBatch        = 500         // records that one look reads, so that no page stays in use for long
	// outliveWindow is how long before a session is over by time it is looked at, while it can still be told whether
	// somebody ended it.
	outliveWindow = 5 * time.Minute
)

// Wake tells that something happened by which a session may have ended, so that applications hear of it soon. It never
// blocks, and may be called before Run and by many at once.
func (p *Provider) Wake() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// Run tends the keys, ends what sessions left behind, and tells applications of it, until ctx ends.
func (p *Provider) Run(ctx context.Context) error {
	var all sync.WaitGroup
	all.Go(func() { p.repeat(ctx, "tending keys", maintainInterval, nil, p.Maintain) })
	all.Go(func() { p.repeat(ctx, "ending grants", cleanupInterval, p.wake, p.EndRevokedGrants) })
	all.Go(func() { _ = p.logoutWorker.Run(ctx) }) // by itself, and without an error: it ends with ctx alone
	all.Wait()
	return nil
}

// repeat does something at once, and again after a while, or after a rest when it is kicked, until ctx ends.
func (p *Provider) repeat(ctx context.Context, doing string, every time.Duration, kicked <-chan struct{}, do func(context.Context) error) {
	for {
		began := p.Now()
		if err := do(ctx); err != nil && ctx.Err() == nil {
			p.Errors.Error("OpenID Connect: "+doing, "error", err)
		}
		// The clock may be set meanwhile: the rest stays within reason whatever it says.
		rest := time.NewTimer(min(max(pauseFactor*p.Now().Sub(began), minCleanupPause), cleanupInterval))
		next := time.NewTimer(every)
		select {
		case <-ctx.Done():
		case <-rest.C:
			select {
			case <-ctx.Done():
			case <-next.C:
			case <-kicked:
			}
		}
		rest.Stop()
		next.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// EndRevokedGrants ends the grants of sessions that were ended, by whichever door: no token of theirs was good since, for each is
// judged at its use; here the applications are told. It marks those that live on after their session's time.
func (p *Provider) EndRevokedGrants(ctx context.Context) error {
	defer p.logoutWorker.Kick()
	return p.walk(ctx, func(s store.Snapshot, after string) (last string, dead []string, err error) {
		now := p.now()
		var outlived []string
		last, seen := "", 0
		err = p.grants.Scan(s, "", after, scanBatch, func(key string, g Grant) error {
			last, seen = key, seen+1
			how, err := p.status(s, now, &g)
			switch {
			case err != nil:
				return err
			case how == Revoked:
				dead = append(dead, key)
			case how == Active && g.Offline && !g.OutlivesSession && !now.Before(g.Until.Add(-outliveWindow)):
				outlived = append(outlived, key)
			}
			return nil
		})
		if seen < scanBatch {
			last = ""
		}
		return last, append(dead, marked(outlived)...), err
	}, func(tx store.Tx, now time.Time, key string) error {
		mark, key := unmarked(key)
		g, err := p.grants.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		switch how, err := p.status(tx, now, &g); {
		case err != nil:
			return err
		case how == Revoked:
			return p.endGrant(tx, now, key, &g)
		case how == Active && mark:
			g.OutlivesSession = true
			return p.grants.Put(tx, key, g)
		}
		return nil
	})
}

// A key that is to be marked, among those that are to be ended.
const markSign = "\x00"

func marked(keys []string) []string {
	out := make([]string, len(keys))
	for i, k := range keys {
		out[i] = markSign + k
	}
	return out
}

func unmarked(key string) (bool, string) {
	if key[:1] == markSign {
		return true, key[1:]
	}
	return false, key
}

// walk looks through a table in small views and acts on what was found in small changes.
func (p *Provider) walk(ctx context.Context, look func(s store.Snapshot, after string) (last string, keys []string, err error),
	act func(tx store.Tx, now time.Time, key string) error) error {
	for after := ""; ; {
		var last string
		var keys []string
		err := p.Store.View(ctx, func(s store.Snapshot) (err error) {
			last, keys, err = look(s, after)
			return err
		})
		if err != nil {
			return fmt.Errorf("looking through what is kept: %w", err)
		}
		for len(keys) > 0 {
			part := keys[:min(len(keys), endBatch)]
			keys = keys[len(part):]
			now := p.now()
			err := p.Store.Update(ctx, func(tx store.Tx) error {
				for _, key := range part {
					if err := act(tx, now, key); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return fmt.Errorf("tidying what is kept: %w", err)
			}
		}
		if last == "" {
			return nil
		}
		after = last
	}
}

// DeleteExpired removes what is over: requests, codes, tokens and grants; and consents of people or applications that are gone.
func (p *Provider) DeleteExpired(ctx context.Context) error {
	for _, sweep := range []func() error{
		func() error {
			return sweepTable(ctx, p, p.asked, func(k AuthorizationRequest) time.Time { return k.Expires })
		},
		func() error {
			return sweepTable(ctx, p, p.codes, func(c AuthorizationCode) time.Time { return c.Expires })
		},
		func() error {
			return sweepTable(ctx, p, p.accesses, func(t AccessToken) time.Time { return t.Expires })
		},
		func() error {
			return sweepTable(ctx, p, p.refreshes, func(t RefreshToken) time.Time { return t.Expires })
		},
		func() error { return sweepTable(ctx, p, p.userCodes, func(c UserCode) time.Time { return c.Expires }) },
		func() error { return sweepTable(ctx, p, p.grants, func(g Grant) time.Time { return g.Expires }) },
		func() error { return p.sweepConsents(ctx) },
	} {
		if err := sweep(); err != nil {
			return err
		}
	}
	return nil
}

func sweepTable[T any](ctx context.Context, p *Provider, table store.Table[T], expires func(T) time.Time) error {
	now := p.now()
	return p.walk(ctx, func(s store.Snapshot, after string) (last string, dead []string, err error) {
		seen := 0
		err = table.Scan(s, "", after, scanBatch, func(key string, v T) error {
			last, seen = key, seen+1
			if !now.Before(expires(v)) {
				dead = append(dead, key)
			}
			return nil
		})
		if seen < scanBatch {
			last = ""
		}
		return last, dead, err
	}, func(tx store.Tx, _ time.Time, key string) error {
		v, err := table.Get(tx, key)
		if errors.Is(err, store.ErrNotFound) || err == nil && now.Before(expires(v)) {
			return nil
		}
		if err != nil {
			return err
		}
		return table.Delete(tx, key)
	})
}

func (p *Provider) sweepConsents(ctx context.Context) error {
	orphan := func(r store.Reader, id string) (bool, error) {
		user, client, _ := strings.Cut(id, "/")
		if _, err := p.People.Stands(r, authn.UserID(user)); err != nil {
			if gone(err) {
				err = nil
			}
			return err == nil, err
		}
		c, err := p.loadClient(r, ClientID(client))
		return err == nil && c == nil, err
	}
	return p.walk(ctx, func(s store.Snapshot, after string) (last string, dead []string, err error) {
		seen := 0
		err = p.consents.Scan(s, "", after, scanBatch, func(id string, _ Consent) error {
			last, seen = id, seen+1
			alone, err := orphan(s, id)
			if alone {
				dead = append(dead, id)
			}
			return err
		})
		if seen < scanBatch {
			last = ""
		}
		return last, dead, err
	}, func(tx store.Tx, _ time.Time, id string) error {
		if alone, err := orphan(tx, id); err != nil || !alone {
			return err
		}
		return p.consents.Delete(tx, id)
	})
}
