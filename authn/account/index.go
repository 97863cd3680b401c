package account

import (
	"fmt"
	"slices"

	"barillet/authn/account/index"
	"barillet/store"
)

// indexed is what the indexes of roles and states have of a user. The zero value is that of a user who is not stored.
type indexed struct {
	state   index.State
	holders []string // keys
}

// indexed returns what the indexes must have of a user. It depends on the record alone, not on the time.
func (s *Service) indexed(u *User) indexed {
	out := indexed{state: index.State{Status: string(u.indexedStatus()), Devices: min(s.CountPrimary(u), index.MaxDevices)}}
	if len(u.Groups) > 0 {
		out.state.Home = string(slices.Min(u.Groups))
	}
	if len(u.Roles) > 0 {
		roles := make([]index.Role, len(u.Roles))
		for i, a := range u.Roles {
			roles[i] = index.Role{Rank: a.Role.Rank(), Groups: plain(a.Groups)}
		}
		out.holders = index.HolderKeys(string(u.ID), roles)
	}
	return out
}

// indexedStatus returns the status, or that of an active user which the record states: RECOVERY, also after the link has
// expired, or PASSWORD_EXPIRED.
func (u *User) indexedStatus() Status {
	switch {
	case u.Status != StatusActive:
		return u.Status
	case u.PasswordLink.Epoch == u.Epoch && !u.PasswordLink.Until.IsZero():
		return StatusRecovery
	case u.Password.MustChange != "":
		return StatusExpired
	}
	return StatusActive
}

// IndexKeys returns the keys that an index of users must have of the user.
func (s *Service) IndexKeys(def store.TableDef, u *User) []string {
	switch def.Prefix {
	case store.Names.Prefix:
		return u.nameKeys()
	case store.Members.Prefix:
		var out []string
		for _, g := range u.Groups {
			out = append(out, string(g)+"/"+string(u.ID))
		}
		return out
	case store.RoleHolders.Prefix:
		return s.indexed(u).holders
	case store.UserStates.Prefix:
		return nonempty(s.indexed(u).state.Key(string(u.ID)))
	}
	return nil
}

func plain(groups []GroupID) []string {
	out := make([]string, len(groups))
	for i, g := range groups {
		out[i] = string(g)
	}
	return out
}

// index brings the indexes of roles and states from what they have of a user to now. It writes only the difference.
func (tx *Tx) index(u *User, now indexed) error {
	was := u.indexed
	if was.state != now.state {
		if err := tx.moveKeys(tx.s.states, nonempty(was.state.Key(string(u.ID))), nonempty(now.state.Key(string(u.ID)))); err != nil {
			return err
		}
	}
	if err := tx.moveKeys(tx.s.holders, was.holders, now.holders); err != nil {
		return err
	}
	if isSuper := index.HasRank(now.holders, RoleSuperAdmin.Rank()); isSuper && !index.HasRank(was.holders, RoleSuperAdmin.Rank()) {
		if err := tx.s.Setup.End(tx.Raw, tx.Op.Now); err != nil { // each SUPER_ADMIN is stored here (protocol rule 20)
			return err
		}
	}
	u.indexed = now
	return nil
}

func nonempty(key string) []string {
	if key == "" {
		return nil
	}
	return []string{key}
}

// moveKeys replaces the entries of a user in an index.
func (tx *Tx) moveKeys(t store.Index, was, now []string) error {
	for _, key := range now {
		if slices.Contains(was, key) {
			continue
		}
		if err := t.Put(tx.Raw, key); err != nil {
			return fmt.Errorf("storing an index entry: %w", err)
		}
	}
	for _, key := range was {
		if slices.Contains(now, key) {
			continue
		}
		if err := t.Delete(tx.Raw, key); err != nil {
			return fmt.Errorf("deleting an index entry: %w", err)
		}
	}
	return nil
}
