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

// CheckIndex compares the table store.GrantsExpiring with a full scan of the grants, in small Views. With repair it also writes what
// is missing and deletes what is wrong, in small Updates that judge each entry again.
func (s *Service) CheckIndex(ctx context.Context, repair bool) (report store.IndexReport, err error) {
	report = store.NewIndexReport(store.GrantsExpiring)
	err = store.Walk(ctx, s.Store, s.grants, func(r store.Reader, id string, g Grant) (bool, error) {
		missing, err := s.lacksEntry(r, id, &g)
		if missing {
			report.Missing++
		}
		return missing && repair, err
	}, s.addEntry)
	if err != nil {
		return report, err
	}
	err = store.Walk(ctx, s.Store, s.expiring, func(r store.Reader, key string, _ struct{}) (bool, error) {
		report.Entries++
		wrong, err := s.isWrongEntry(r, key)
		if wrong {
			report.Wrong++
		}
		return wrong && repair, err
	}, func(tx store.Tx, key string) error {
		if wrong, err := s.isWrongEntry(tx, key); err != nil || !wrong {
			return err
		}
		return s.expiring.Delete(tx, key)
	})
	return report, err
}

// lacksEntry reports whether a grant must have an entry and has none.
func (s *Service) lacksEntry(r store.Reader, id string, g *Grant) (bool, error) {
	if !g.Offline || g.OutlivesSession || !s.now().Before(g.Until) {
		return false, nil
	}
	_, err := s.expiring.Get(r, expiringKey(id, g))
	found, err := store.Found(err)
	return err == nil && !found, err
}

// addEntry adds the entry of a grant if it is missing.
func (s *Service) addEntry(tx store.Tx, id string) error {
	g, err := s.grants.Get(tx, id)
	if found, err := store.Found(err); !found {
		return err
	}
	if missing, err := s.lacksEntry(tx, id, &g); err != nil || !missing {
		return err
	}
	return s.expiring.Put(tx, expiringKey(id, &g), struct{}{})
}

// addEntries is addEntry for several grants, in small Updates.
func (s *Service) addEntries(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, endBatch) {
		err := s.Store.Update(ctx, func(tx store.Tx) error {
			for _, id := range part {
				if err := s.addEntry(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("adding the entries of grants: %w", err)
		}
	}
	return nil
}

// isWrongEntry reports whether no grant should have an entry.
func (s *Service) isWrongEntry(r store.Reader, key string) (bool, error) {
	_, id, _ := strings.Cut(key, "/")
	g, err := s.grants.Get(r, id)
	if errors.Is(err, store.ErrUnreadable) {
		return false, nil // it may be right; the damage is reported
	}
	found, err := store.Found(err)
	return err == nil && (!found || !g.Offline || expiringKey(id, &g) != key), err
}

// unlessUnreadable returns nil for the error of a record that cannot be read: the keyring has reported it.
func unlessUnreadable(err error) error {
	if errors.Is(err, store.ErrUnreadable) {
		return nil
	}
	return err
}
