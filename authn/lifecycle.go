package authn

import (
	"fmt"

	"barillet/internal/throttle"
	"barillet/store"
)

// The reasons of CodeWrongState that tell in which state a person is not.
const (
	ReasonNotActive    = "not_active"
	ReasonNotSuspended = "not_suspended"
	ReasonNotInvited   = "not_invited"
	ReasonDeactivated  = "deactivated"
	ReasonNoPassword   = "no_password"
)

func wrongState(reason string) error { return &Error{Code: CodeWrongState, Reason: reason} }

// Suspend keeps everything of an active person but lets nobody in: every session ends and the Epoch rises
// (PROTOCOL 2). Like the other steps of a life it does not save: the caller audits and saves the person.
func (w *Tx) Suspend(u *User) error {
	if u.Status != StatusActive {
		return wrongState(ReasonNotActive)
	}
	return w.endAccess(u, StatusSuspended)
}

// Unsuspend lets a suspended person sign in again, with what they had.
func (w *Tx) Unsuspend(u *User) error {
	if u.Status != StatusSuspended {
		return wrongState(ReasonNotSuspended)
	}
	u.Status, u.StatusAt = StatusActive, w.Op.Now
	return nil
}

// Deactivate ends sessions, tickets and the invitation of a person in any other state. Password and devices stay
// in the record, worth nothing, until Revive or Delete.
func (w *Tx) Deactivate(u *User) error {
	if u.Status == StatusDeactivated {
		return wrongState(ReasonDeactivated)
	}
	if err := w.revokeLinks(u); err != nil {
		return err
	}
	return w.endAccess(u, StatusDeactivated)
}

// endAccess ends whatever stands on the person's being active.
func (w *Tx) endAccess(u *User, to Status) error {
	if _, err := w.RevokeSessions(u, ""); err != nil {
		return err
	}
	u.Epoch++
	u.Status, u.StatusAt = to, w.Op.Now
	return nil
}

// Reactivate ends a deactivation: whoever had a device is active as before, anybody else staged, to be invited.
func (w *Tx) Reactivate(u *User) {
	u.Status, u.StatusAt = StatusStaged, w.Op.Now
	if u.EverHadDevice || len(u.Devices) > 0 {
		u.Status, u.Activated = StatusActive, w.Op.Now
	}
}

// Delete removes a deactivated person with every index, credential and counter of theirs. What the log says of
// them stays, and the id, being random, is never used again. It touches at most 60 keys of the 64 of an Update.
func (w *Tx) Delete(u *User) error {
	if u.Status != StatusDeactivated {
		return wrongState(ReasonDeactivated)
	}
	for _, a := range u.indexed() {
		if err := w.s.addresses.Delete(w.Raw, store.Escape(a)); err != nil {
			return fmt.Errorf("freeing an address: %w", err)
		}
	}
	if u.Placeholder {
		if err := w.unlistPlaceholder(u); err != nil {
			return err
		}
	}
	for _, name := range u.nameKeys() {
		if err := w.s.names.Delete(w.Raw, name); err != nil {
			return fmt.Errorf("forgetting a name: %w", err)
		}
	}
	for _, g := range u.Groups {
		if err := w.s.members.Delete(w.Raw, string(g)+"/"+string(u.ID)); err != nil {
			return fmt.Errorf("ending a membership: %w", err)
		}
	}
	for _, d := range u.Devices {
		if err := w.dropUnique(d); err != nil {
			return err
		}
	}
	if err := w.resetFailures(u); err != nil {
		return err
	}
	if err := w.s.summaries.Delete(w.Raw, string(u.ID)); err != nil {
		return fmt.Errorf("deleting standing of %q: %w", u.ID, err)
	}
	if err := w.s.users.Delete(w.Raw, string(u.ID)); err != nil {
		return fmt.Errorf("deleting user %q: %w", u.ID, err)
	}
	return nil
}

// Unlock ends the person's waits and forgets their wrong answers, over every door. Each time that there were any counts
// against throttle.Unlocks, or a guesser whom somebody unlocks would have no limit (PROTOCOL 17): CodeRateLimited beyond it,
// unless the caller is free of it.
func (w *Tx) Unlock(u *User, free bool) error {
	g, err := w.s.Failures.Get(w.Raw, w.s.failureID(u.ID))
	if err != nil {
		return fmt.Errorf("reading wrong answers: %w", err)
	}
	if !free && !g.Expired(w.Op.Now) {
		v, err := w.s.Limiter.Take(w.Raw, w.Op.Now, throttle.Unlocks, string(u.ID))
		if err != nil {
			return fmt.Errorf("counting unlocks: %w", err)
		}
		if !v.OK {
			return Wait(v.Retry)
		}
	}
	return w.resetFailures(u)
}

func (w *Tx) resetFailures(u *User) error {
	return w.s.Failures.Put(w.Raw, w.Op.Now, w.s.failureID(u.ID), throttle.Failures{})
}
