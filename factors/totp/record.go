package totp

import (
	"errors"
	"slices"
	"time"

	"barillet/factors"
	"barillet/factors/oath"
)

// record is a device's own data. Steps are counted from the Unix epoch, RFC 6238 §4.2.
type record struct {
	Secret   oath.Secret `json:"secret"`
	Account  string      `json:"account"`            // the account part of the label, constant for the life of the secret
	Last     int64       `json:"last"`               // the last accepted step: it and earlier ones are not accepted again
	Drift    int         `json:"drift,omitempty"`    // steps that the phone is ahead; at most two either way
	Lean     int         `json:"lean,omitempty"`     // -1, 0, 1: the side of the window's middle of the last accepted step
	Consumed []int64     `json:"consumed,omitempty"` // steps after Last whose code was given outside the window, and the last accepted ones
}

var (
	errShort  = errors.New("secret shorter than 16 bytes")
	errRecord = errors.New("number out of range")
)

// read decodes a device's data. It returns the zero record with an error.
func read(d factors.Device) (record, error) { return oath.ReadRecord(d, (*record).check) }

// check returns an error for a record that no enrolment has written.
func (r *record) check() error {
	if len(r.Secret) < oath.MinSecretBytes {
		return errShort
	}
	if r.Last < 0 || max(r.Drift, -r.Drift) > maxDrift || max(r.Lean, -r.Lean) > 1 {
		return errRecord
	}
	return nil
}

// write returns the device as it must now be stored.
func (r *record) write(d factors.Device) (factors.Device, error) { return oath.WriteRecord(d, r) }

// settle corrects a Last that a right clock cannot have reached yet. It reports whether it did. It counts as the present step.
// The steps that were accepted are in Consumed, so a clock that was wrong makes none of them acceptable again.
func (r *record) settle(cur int64) bool {
	if r.Last <= cur+maxDrift+1 {
		return false
	}
	r.Last = cur
	return true
}

// used reports whether a step is not accepted any more.
func (r *record) used(step int64) bool {
	return step <= r.Last || slices.Contains(r.Consumed, step)
}

// accept consumes a step and, for a secret on one phone, learns its drift.
func (r *record) accept(step, cur int64, shared bool) {
	r.Last = step
	r.remember(step, cur)
	if shared {
		r.Drift, r.Lean = 0, 0
		return
	}
	// One code typed late says nothing about the phone's clock; two on the same side do.
	off := int(step-cur) - r.Drift
	side := max(-1, min(1, off))
	if side == r.Lean || max(off, -off) > 1 {
		r.Drift, side = max(-maxDrift, min(maxDrift, int(step-cur))), 0
	}
	r.Lean = side
}

// consume makes one step unusable. Last stays as it is: if it were raised to a step that lies ahead, the codes of the
// minutes between would be refused.
func (r *record) consume(step, cur int64) {
	r.remember(step, cur)
}

// remember adds a step to Consumed, the newest last. Those that a right clock does not need are the last maxAccepted.
func (r *record) remember(step, cur int64) {
	all := append(slices.DeleteFunc(slices.Clone(r.Consumed), func(s int64) bool { return s == step }), step)
	past := func(s int64) bool { return s <= r.Last || s < cur-resyncSteps }
	over := -maxAccepted
	for _, s := range all {
		if past(s) {
			over++
		}
	}
	r.Consumed = slices.DeleteFunc(all, func(s int64) bool {
		if over <= 0 || !past(s) {
			return false
		}
		over--
		return true
	})
	r.Consumed = r.Consumed[max(0, len(r.Consumed)-maxConsumed):]
}

func stepOf(now time.Time) int64 { return now.Unix() / period }

// Renew implements factors.Renewer. A phone whose drift is not known can have been maxDrift steps ahead, with the neighbour of its
// present step.
func (TOTP) Renew(now time.Time, d factors.Device) (factors.Device, error) {
	r, err := read(d)
	if err != nil {
		return factors.Device{}, err
	}
	r.Last = max(r.Last, stepOf(now)+maxDrift+1) // the largest that settle accepts
	return r.write(d)
}
