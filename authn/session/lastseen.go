package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"barillet/store"
)

// lastSeenCache stores the last use of sessions in memory, so that a check never waits for a write.
type lastSeenCache struct {
	mu sync.Mutex
	at map[string]time.Time // by hash; only times that are later than those of the records
}

func (c *lastSeenCache) set(hash string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at == nil {
		c.at = map[string]time.Time{}
	}
	c.at[hash] = now
}

func (c *lastSeenCache) get(hash string) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at[hash]
}

func (c *lastSeenCache) snapshot() map[string]time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.at)
}

// remove deletes the times that were stored in the records. A later use stays.
func (c *lastSeenCache) remove(batch map[string]time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for hash, at := range batch {
		if !c.at[hash].After(at) {
			delete(c.at, hash)
		}
	}
}

// FlushLastSeen stores the last use of sessions in their records. Call it once a minute and at shutdown. A crash loses at most the
// time since the last call. If it fails, the times stay in memory, so that a full disk ends no session (promise D7).
func (s *Service) FlushLastSeen(ctx context.Context) error {
	s.ages.deleteExpired(s.uptime(), s.Accounts.Policy)
	batch := map[string]time.Time{}
	flush := func() error {
		err := s.Accounts.Store.Update(ctx, func(tx store.Tx) error {
			for hash, at := range batch {
				ses, err := s.sessions.Get(tx, hash)
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if !at.After(ses.LastSeen) {
					continue
				}
				ses.LastSeen = at
				if err := s.sessions.Put(tx, hash, ses); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("storing last use of sessions: %w", err)
		}
		s.lastSeen.remove(batch)
		clear(batch)
		return nil
	}
	for hash, at := range s.lastSeen.snapshot() {
		if batch[hash] = at; len(batch) == 32 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return flush()
}
