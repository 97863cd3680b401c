package authn

import (
	"fmt"

	"barillet/internal/throttle"
	"barillet/store"
)

// The reasons of CodeState that tell in which state a person is not.
const (
	ReasonNotActive    = "not_active"
	ReasonNotSuspended = "not_suspended"
	ReasonNotInvited   = "not_invited"
	ReasonGone         = "deactivated"
	ReasonNoPassword   = "no_password"
)

func wrongState(reason string) error { return &Error{Code: CodeState, Reason: reason} }

// Suspend keeps everything of an active person but lets nobody in: every session ends and the Epoch rises
// (PROTOCOL 2). Like the other steps of a life it does not save: the caller audits and saves the person.
func (w *Work) Suspend(u *User) error {
	if u.Status != StatusActive {
		return wrongState(ReasonNotActive)
	}
	return w.leave(u, StatusSuspended)
}

// Unsuspend lets a suspended person sign in again, with what they had.
func (w *Work) Unsuspend(u *User) error {
	if u.Status != StatusSuspended {
		return wrongState(ReasonNotSuspended)
	}
	u.Status, u.StatusAt = StatusActive, w.Act.Now
	return nil
}

// Deactivate ends sessions, tickets and the invitation of a person in any other state. Password and devices stay
// in the record, worth nothing, until Revive or Delete.
func (w *Work) Deactivate(u *User) error {
	if u.Status == StatusGone {
		return wrongState(ReasonGone)
	}
	if err := w.dropPapers(u); err != nil {
		return err
	}
	return w.leave(u, StatusGone)
}

// leave ends whatever stands on the person's being active.
func (w *Work) leave(u *User, to Status) error {
	if _, err := w.EndSessions(u, ""); err != nil {
		return err
	}
	u.Epoch++
	u.Status, u.StatusAt = to, w.Act.Now
	return nil
}

// Revive ends a deactivation: whoever had a device is active as before, anybody else staged, to be invited.
func (w *Work) Revive(u *User) {
	u.Status, u.StatusAt = StatusStaged, w.Act.Now
	if u.HadDevice || len(u.Devices) > 0 {
		u.Status, u.Activated = StatusActive, w.Act.Now
	}
}

// Delete removes a deactivated person with every index, credential and counter of theirs. What the log says of
// them stays, and the id, being random, is never used again. It touches at most 60 keys of the 64 of an Update.
func (w *Work) Delete(u *User) error {
	if u.Status != StatusGone {
		return wrongState(ReasonGone)
	}
	for _, a := range u.indexed() {
		if err := w.s.addresses.Delete(w.Tx, store.Escape(a)); err != nil {
			return fmt.Errorf("freeing an address: %w", err)
		}
	}
	if u.Shadow {
		if err := w.unlistShadow(u); err != nil {
			return err
		}
	}
	for _, name := range u.nameKeys() {
		if err := w.s.names.Delete(w.Tx, name); err != nil {
			return fmt.Errorf("forgetting a name: %w", err)
		}
	}
	for _, g := range u.Groups {
		if err := w.s.members.Delete(w.Tx, string(g)+"/"+string(u.ID)); err != nil {
			return fmt.Errorf("ending a membership: %w", err)
		}
	}
	for _, d := range u.Devices {
		if err := w.dropUnique(d); err != nil {
			return err
		}
	}
	if err := w.forgetGuesses(u); err != nil {
		return err
	}
	if err := w.s.standings.Delete(w.Tx, string(u.ID)); err != nil {
		return fmt.Errorf("deleting standing of %q: %w", u.ID, err)
	}
	if err := w.s.users.Delete(w.Tx, string(u.ID)); err != nil {
		return fmt.Errorf("deleting user %q: %w", u.ID, err)
	}
	return nil
}

// Unlock ends the person's waits and forgets their wrong answers, over every door. Each time that there were any counts
// against throttle.Unlocks, or a guesser whom somebody unlocks would have no limit (PROTOCOL 17): CodeWait beyond it,
// unless the caller is free of it.
func (w *Work) Unlock(u *User, free bool) error {
	g, err := w.s.Guesses.Get(w.Tx, w.s.guessID(u.ID))
	if err != nil {
		return fmt.Errorf("reading wrong answers: %w", err)
	}
	if !free && !g.Quiet(w.Act.Now) {
		v, err := w.s.Limiter.Take(w.Tx, w.Act.Now, throttle.Unlocks, string(u.ID))
		if err != nil {
			return fmt.Errorf("counting unlocks: %w", err)
		}
		if !v.OK {
			return Wait(v.Retry)
		}
	}
	return w.forgetGuesses(u)
}

func (w *Work) forgetGuesses(u *User) error {
	return w.s.Guesses.Put(w.Tx, w.Act.Now, w.s.guessID(u.ID), throttle.Guess{})
}
