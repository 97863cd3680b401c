package authn

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"barillet/store"
)

// seenTimes holds when sessions were last used, so that a check never waits for a write.
type seenTimes struct {
	mu sync.Mutex
	at map[string]time.Time // by record hash; those that are newer than the record
}

func (t *seenTimes) touch(hash string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at == nil {
		t.at = map[string]time.Time{}
	}
	t.at[hash] = now
}

func (t *seenTimes) of(hash string) time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.at[hash]
}

func (t *seenTimes) take() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.at
	t.at = nil
	return out
}

// StoreSeen writes down when sessions were last used; call it once a minute and at the end. What a crash
// loses is that minute.
func (s *Service) StoreSeen(ctx context.Context) error {
	batch := map[string]time.Time{}
	flush := func() error {
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			for hash, at := range batch {
				ses, err := s.sessions.Get(tx, hash)
				if errors.Is(err, store.ErrNotFound) {
					continue
				}
				if err != nil {
					return err
				}
				if !at.After(ses.Seen) {
					continue
				}
				ses.Seen = at
				if err := s.sessions.Put(tx, hash, ses); err != nil {
					return err
				}
			}
			return nil
		})
		clear(batch)
		if err != nil {
			return fmt.Errorf("storing when sessions were used: %w", err)
		}
		return nil
	}
	for hash, at := range s.seen.take() {
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
