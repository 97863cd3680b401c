package account

import (
	"fmt"

	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/store"
)

// Suspend keeps everything of an active person but lets nobody in: every session ends and the Epoch rises
// (PROTOCOL 2). Like the other steps of a life it does not save: the caller audits and saves the person.
func (tx *Tx) Suspend(u *User) error {
	if u.Status != StatusActive {
		return errcode.WrongStateFor(errcode.ReasonNotActive)
	}
	return tx.endAccess(u, StatusSuspended)
}

// Unsuspend lets a suspended person sign in again, with what they had.
func (tx *Tx) Unsuspend(u *User) error {
	if u.Status != StatusSuspended {
		return errcode.WrongStateFor(errcode.ReasonNotSuspended)
	}
	u.Status, u.StatusAt = StatusActive, tx.Op.Now
	return nil
}

// Deactivate ends sessions, tickets and the invitation of a person in any other state. Password and devices stay
// in the record, worth nothing, until Revive or Delete.
func (tx *Tx) Deactivate(u *User) error {
	if u.Status == StatusDeactivated {
		return errcode.WrongStateFor(errcode.ReasonDeactivated)
	}
	if err := tx.revokeLinks(u); err != nil {
		return err
	}
	return tx.endAccess(u, StatusDeactivated)
}

// endAccess ends whatever stands on the person's being active.
func (tx *Tx) endAccess(u *User, to Status) error {
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return err
	}
	u.Epoch++
	u.Status, u.StatusAt = to, tx.Op.Now
	return nil
}

// Reactivate ends a deactivation: whoever had a device is active as before, anybody else staged, to be invited.
func (tx *Tx) Reactivate(u *User) {
	u.Status, u.StatusAt = StatusStaged, tx.Op.Now
	if u.EverHadDevice || len(u.Devices) > 0 {
		u.Status, u.Activated = StatusActive, tx.Op.Now
	}
}

// Delete removes a deactivated person with every index, credential and counter of theirs. What the log says of
// them stays, and the id, being random, is never used again. It touches at most 60 keys of the 64 of an Update.
func (tx *Tx) Delete(u *User) error {
	if u.Status != StatusDeactivated {
		return errcode.WrongStateFor(errcode.ReasonDeactivated)
	}
	for _, a := range u.indexedAddresses() {
		if err := tx.s.addresses.Delete(tx.Raw, store.Escape(a)); err != nil {
			return fmt.Errorf("freeing an address: %w", err)
		}
	}
	if u.Placeholder {
		if err := tx.unlistPlaceholder(u); err != nil {
			return err
		}
	}
	for _, name := range u.nameKeys() {
		if err := tx.s.names.Delete(tx.Raw, name); err != nil {
			return fmt.Errorf("forgetting a name: %w", err)
		}
	}
	for _, g := range u.Groups {
		if err := tx.s.members.Delete(tx.Raw, string(g)+"/"+string(u.ID)); err != nil {
			return fmt.Errorf("ending a membership: %w", err)
		}
	}
	for _, d := range u.Devices {
		if err := tx.ReleaseUnique(d); err != nil {
			return err
		}
	}
	if err := tx.resetFailures(u); err != nil {
		return err
	}
	if err := tx.s.summaries.Delete(tx.Raw, string(u.ID)); err != nil {
		return fmt.Errorf("deleting standing of %q: %w", u.ID, err)
	}
	if err := tx.s.users.Delete(tx.Raw, string(u.ID)); err != nil {
		return fmt.Errorf("deleting user %q: %w", u.ID, err)
	}
	return nil
}

// Unlock ends the person's waits and forgets their wrong answers, over every door. Each time that there were any counts
// against throttle.Unlocks, or a guesser whom somebody unlocks would have no limit (PROTOCOL 17): RateLimited beyond it,
// unless the caller is free of it.
func (tx *Tx) Unlock(u *User, free bool) error {
	f, err := tx.s.Failures.Get(tx.Raw, tx.s.FailureID(u.ID))
	if err != nil {
		return fmt.Errorf("reading wrong answers: %w", err)
	}
	if !free && !f.Expired(tx.Op.Now) {
		v, err := tx.s.Limiter.Take(tx.Raw, tx.Op.Now, throttle.Unlocks, string(u.ID))
		if err != nil {
			return fmt.Errorf("counting unlocks: %w", err)
		}
		if !v.OK {
			return errcode.RateLimit(v.Retry)
		}
	}
	return tx.resetFailures(u)
}

func (tx *Tx) resetFailures(u *User) error {
	return tx.s.Failures.Put(tx.Raw, tx.Op.Now, tx.s.FailureID(u.ID), throttle.Failures{})
}
