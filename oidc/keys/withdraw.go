package keys

import (
	"context"
	"fmt"
	"slices"
	"time"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/store"
)

// Withdraw ends a key at once, as after a leak: it is published no more, and no token that it signed is accepted. If no other key of its
// algorithm signs, the next one or a new one does, at once. The error wraps store.ErrNotFound if no key has the id.
func (s *Service) Withdraw(ctx context.Context, req account.RequestInfo, actor audit.Actor, kid string) error {
	alg, now := "", s.now()
	for _, a := range Algorithms {
		set, err := s.rotateIfDue(ctx, a, nil)
		if err != nil {
			return err
		}
		if set.index(kid) >= 0 {
			alg = a
		}
	}
	if alg == "" {
		return fmt.Errorf("signing key: %w", store.ErrNotFound)
	}
	fresh, err := newKey(alg, now) // outside the Update: it takes up to a second
	if err != nil {
		return err
	}
	_, err = account.Update(ctx, s.Accounts, s.Accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		none := struct{}{}
		set, err := s.loadSet(tx.Raw, alg)
		if err != nil {
			return none, err
		}
		i := set.index(kid)
		if i < 0 {
			return none, fmt.Errorf("signing key: %w", store.ErrNotFound)
		}
		was := set.current(now).ID
		set.Keys = slices.Delete(slices.Clone(set.Keys), i, i+1)
		set = set.signing(now, fresh, was == kid)
		e := audit.Event{Actor: actor, Action: audit.KeyWithdrawn, Outcome: audit.Success, Detail: map[string]string{"kind": "signing", "alg": alg, "key": kid}}
		if err := tx.Audit(e); err != nil {
			return none, err
		}
		return none, s.sets.Put(tx.Raw, alg, set)
	})
	return err
}

// signing returns the set with a key that signs now, if the one that did was withdrawn: the next one, which is published, or fresh.
func (r Set) signing(now time.Time, fresh Key, withdrawn bool) Set {
	last := len(r.Keys) - 1
	switch {
	case !withdrawn:
	case last >= 0 && r.Keys[last].NotBefore.After(now):
		r.Keys[last].NotBefore = now
	default: // never an older one: it was replaced
		fresh.NotBefore = now
		r.Keys = append(r.Keys, fresh)
	}
	return r
}

// index returns the position of a key, or -1.
func (r Set) index(kid string) int {
	return slices.IndexFunc(r.Keys, func(k Key) bool { return k.ID == kid })
}
