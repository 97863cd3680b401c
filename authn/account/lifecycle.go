package account

import (
	"fmt"

	"barillet/internal/errcode"
	"barillet/internal/throttle"
	"barillet/store"
)

// Suspend suspends an active user. It ends every session and raises the epoch (protocol rule 2); the record keeps password
// and devices. The caller audits and saves the user.
func (tx *Tx) Suspend(u *User) error {
	if u.Status != StatusActive {
		return errcode.WrongStateFor(errcode.ReasonNotActive)
	}
	return tx.endAccess(u, StatusSuspended)
}

// Unsuspend makes a suspended user active again. The caller audits and saves the user.
func (tx *Tx) Unsuspend(u *User) error {
	if u.Status != StatusSuspended {
		return errcode.WrongStateFor(errcode.ReasonNotSuspended)
	}
	u.Status, u.StatusAt = StatusActive, tx.Op.Now
	return nil
}

// Deactivate deactivates a user of any other status. It ends sessions, tickets and the invitation. Password and devices
// stay in the record, unusable, until Reactivate or Delete. The caller audits and saves the user.
func (tx *Tx) Deactivate(u *User) error {
	if u.Status == StatusDeactivated {
		return errcode.WrongStateFor(errcode.ReasonDeactivated)
	}
	if err := tx.revokeLinks(u); err != nil {
		return err
	}
	return tx.endAccess(u, StatusDeactivated)
}

// endAccess ends every session, raises the epoch and sets the status.
func (tx *Tx) endAccess(u *User, to Status) error {
	if _, err := tx.RevokeSessions(u, ""); err != nil {
		return err
	}
	u.Epoch++
	u.Status, u.StatusAt = to, tx.Op.Now
	return nil
}

// Reactivate ends a deactivation. A user who ever had a device is active again; any other user is staged and can be invited.
// The caller audits and saves the user.
func (tx *Tx) Reactivate(u *User) {
	u.Status, u.StatusAt = StatusStaged, tx.Op.Now
	if u.EverHadDevice || len(u.Devices) > 0 {
		u.Status, u.Activated = StatusActive, tx.Op.Now
	}
}

// Delete deletes a deactivated user with their index entries, credentials and failure counters. Audit events stay, and the
// random id is never used again. audit.Log erases them later. Delete touches at most 91 of the 96 keys of an Update.
func (tx *Tx) Delete(u *User) error {
	if u.Status != StatusDeactivated {
		return errcode.WrongStateFor(errcode.ReasonDeactivated)
	}
	for _, a := range u.indexedAddresses() {
		if err := tx.s.addresses.Delete(tx.Raw, store.Escape(a)); err != nil {
			return fmt.Errorf("deleting an address: %w", err)
		}
	}
	if u.Placeholder {
		if err := tx.unlistPlaceholder(u); err != nil {
			return err
		}
	}
	if err := tx.moveKeys(tx.s.names, u.nameKeys(), nil); err != nil {
		return err
	}
	if err := tx.index(u, indexed{}); err != nil {
		return err
	}
	for _, g := range u.Groups {
		if err := tx.s.members.Delete(tx.Raw, string(g)+"/"+string(u.ID)); err != nil {
			return fmt.Errorf("deleting a membership: %w", err)
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
	if err := tx.s.Log.EraseLater(tx.Raw, string(u.ID), tx.Op.Now); err != nil {
		return fmt.Errorf("storing that the events of %q are erased later: %w", u.ID, err)
	}
	if err := tx.s.summaries.Delete(tx.Raw, string(u.ID)); err != nil {
		return fmt.Errorf("deleting summary of %q: %w", u.ID, err)
	}
	if err := tx.s.users.Delete(tx.Raw, string(u.ID)); err != nil {
		return fmt.Errorf("deleting user %q: %w", u.ID, err)
	}
	return nil
}

// Unlock clears the failure counters of the user. If there were failures, the call counts against throttle.Unlocks, so that
// repeated unlocks do not remove the limit of guesses (protocol rule 17). Beyond that limit Unlock returns RateLimited.
// If unlimited is true, the call is not counted.
func (tx *Tx) Unlock(u *User, unlimited bool) error {
	f, err := tx.s.Failures.Get(tx.Raw, tx.s.FailureID(u.ID))
	if err != nil {
		return fmt.Errorf("reading failures: %w", err)
	}
	if !unlimited && !f.Expired(tx.Op.Now) {
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
