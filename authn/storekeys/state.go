package storekeys

import (
	"context"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/password"
	"barillet/store"
)

// The states of a key.
const (
	Active = "active"
	Older  = "older"    // it opens what it protected before
	Leaves = "retiring" // it is removed when it seals no record
)

// Key describes a key, without the key.
type Key struct {
	Kind     string
	ID       string
	State    string
	Created  time.Time
	Protects string
	Source   string          // of a key outside the store
	Users    *int            // whose password needs the pepper; nil: not counted
	Progress *store.Progress // of the pass that ends a retiring data key
}

const (
	ofMaster   = "wraps the data keys"
	ofOlder    = "opens backups from before it was replaced"
	ofData     = "seals the records of the store"
	ofPassword = "hashes passwords"
	ofIndex    = "keys of indexes, limits, tickets and references, identities at applications, and heads of the audit log"
)

// Keys returns the keys that protect the store.
func (s *Service) Keys(ctx context.Context, p admin.Principal) ([]Key, error) {
	if err := p.RequireUnscoped(admin.PermReadConfiguration); err != nil {
		return nil, err
	}
	keys, source := s.Current(), s.Root.String()
	if !p.Operator {
		source = "" // a path on the host
	}
	var state store.KeyState
	err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) (err error) {
		state, err = s.Ring.KeyState(snap)
		return err
	})
	if err != nil {
		return nil, err
	}
	since := func(t time.Time) time.Time {
		if t.IsZero() {
			return state.Created
		}
		return t
	}
	out := []Key{{Kind: Master, ID: keys.Master.ID(), State: Active, Created: since(keys.Master.Created()), Protects: ofMaster, Source: source}}
	for _, k := range keys.OlderMasters() {
		out = append(out, Key{Kind: Master, ID: k.ID(), State: Older, Created: since(k.Created()), Protects: ofOlder, Source: source})
	}
	out = append(out, Key{Kind: Data, ID: state.Active, State: Active, Created: state.Since, Protects: ofData})
	for _, id := range state.Replaced {
		out = append(out, Key{Kind: Data, ID: id, State: Leaves, Protects: ofData, Progress: state.Sealing})
	}
	peppers := keys.PasswordPeppers()
	var users map[string]int
	if len(peppers) > 1 {
		if users, err = s.countPeppers(ctx); err != nil {
			return nil, err
		}
	}
	for i, k := range peppers {
		key := Key{Kind: Password, ID: k.ID(), State: Active, Created: since(k.Created()), Protects: ofPassword, Source: source}
		if i > 0 {
			key.State = Older
		}
		if users != nil {
			n := users[k.ID()]
			key.Users = &n
		}
		out = append(out, key)
	}
	return append(out, Key{Kind: Index, ID: keys.Pepper.ID(), State: Active, Created: since(keys.Pepper.Created()), Protects: ofIndex, Source: source}), nil
}

// countPeppers counts the passwords by the pepper that they need. It reads all users, in many short Views.
func (s *Service) countPeppers(ctx context.Context) (map[string]int, error) {
	out, after, ended := map[string]int{}, "", false
	for !ended {
		err := s.Accounts.Store.View(ctx, func(snap store.Snapshot) error {
			read := 0
			ended = true
			return s.Accounts.Reader(snap).ScanUsers(snap, after, func(u account.User) error {
				if read == store.PageReads {
					ended = false
					return store.ErrStop
				}
				read, after = read+1, string(u.ID)
				if u.Password.Hash != "" {
					out[password.PepperOf(u.Password.Hash)]++
				}
				return nil
			})
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
