package token

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"barillet/store"
)

// expiringKey returns the key of an offline grant in the table store.GrantsExpiring.
func expiringKey(id string, g *Grant) string {
	return g.Until.UTC().Format(store.TimeLayout) + "/" + id
}

// putGrant stores a new grant. An offline one is found by the end of its session.
func (s *Service) putGrant(tx store.Tx, id string, g *Grant) error {
	if err := s.grants.Put(tx, id, *g); err != nil || !g.Offline {
		return err
	}
	return s.expiring.Put(tx, expiringKey(id, g), struct{}{})
}

// markOutliving marks the offline grants whose session is about to expire. It reads only those.
func (s *Service) markOutliving(ctx context.Context) error {
	for more := true; more; {
		var keys []string
		err := s.Store.View(ctx, func(snap store.Snapshot) error {
			keys, more = nil, false
			until := s.now().Add(outliveWindow).Format(store.TimeLayout)
			return s.expiring.ScanIDs(snap, "", "", func(key string) error {
				if more = len(keys) == grantsInView; more || key >= until {
					return store.ErrStop
				}
				keys = append(keys, key)
				return nil
			})
		})
		for part := range slices.Chunk(keys, endBatch) {
			if err == nil {
				err = s.Store.Update(ctx, func(tx store.Tx) error { return s.markEach(tx, part) })
			}
		}
		if err != nil {
			return fmt.Errorf("marking the grants of sessions that expire: %w", err)
		}
	}
	return nil
}

func (s *Service) markEach(tx store.Tx, keys []string) error {
	for _, key := range keys {
		if err := s.expiring.Delete(tx, key); err != nil {
			return err
		}
		_, id, _ := strings.Cut(key, "/")
		g, err := s.grants.Get(tx, id)
		if there, err := store.Found(err); err != nil {
			return err
		} else if !there {
			continue
		}
		if status, err := s.status(tx, s.now(), &g); err != nil || status != active {
			if err := unlessUnreadable(err); err != nil {
				return err
			}
			continue
		}
		g.OutlivesSession = true
		if err := s.grants.Put(tx, id, g); err != nil {
			return err
		}
	}
	return nil
}

// isUnlisted reports whether an offline grant that needs a mark has no key in the table store.GrantsExpiring: the correction of its
// times moved the end of its session, or the key was lost.
func (s *Service) isUnlisted(r store.Reader, id string, g *Grant) (bool, error) {
	if !g.Offline || g.OutlivesSession {
		return false, nil
	}
	_, err := s.expiring.Get(r, expiringKey(id, g))
	there, err := store.Found(err)
	return err == nil && !there, err
}

// list adds the missing keys of grants to the table store.GrantsExpiring.
func (s *Service) list(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, endBatch) {
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			for _, id := range part {
				g, err := s.grants.Get(tx, id)
				if there, err := store.Found(err); err != nil {
					return err
				} else if !there {
					continue
				}
				if unlisted, err := s.isUnlisted(tx, id, &g); err != nil {
					return err
				} else if !unlisted {
					continue
				}
				if err := s.expiring.Put(tx, expiringKey(id, &g), struct{}{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("listing the grants of sessions that expire: %w", err)
		}
	}
	return nil
}

// unlessUnreadable returns nil for the error of a record that cannot be read: the keyring has reported it.
func unlessUnreadable(err error) error {
	if errors.Is(err, store.ErrUnreadable) {
		return nil
	}
	return err
}
