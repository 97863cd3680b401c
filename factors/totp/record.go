package totp

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"barillet/factors"
)

// secret is a key shared with a phone; it never prints itself.
type secret []byte

func (secret) String() string       { return "[redacted]" }
func (secret) GoString() string     { return "[redacted]" }
func (secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// record is a device's own data. All steps are counted from the Unix epoch, RFC 6238 section 4.2.
type record struct {
	Secret   secret  `json:"secret"`
	Account  string  `json:"account"`            // the account part of the label, the same for as long as the key lives
	Last     int64   `json:"last"`               // the last step accepted: neither it nor any before it is accepted again
	Drift    int     `json:"drift,omitempty"`    // steps that the phone is ahead; at most two either way
	Lean     int     `json:"lean,omitempty"`     // -1, 0, 1: on which side of the window's middle the last success lay
	Consumed []int64 `json:"consumed,omitempty"` // steps after Last whose code was given while it was not acceptable
}

var (
	errShort  = errors.New("the secret has fewer than 16 bytes")
	errRecord = errors.New("a number out of range")
)

// read decodes a device's data. Nothing is returned with an error.
func read(d factors.Device) (record, error) {
	var r record
	err := json.Unmarshal(d.Data, &r)
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return record{}, fmt.Errorf("reading the key of device %q: %w", d.ID, err)
	}
	return r, nil
}

// check refuses what no enrolment of ours has written.
func (r *record) check() error {
	if len(r.Secret) < minSecretBytes {
		return errShort
	}
	if r.Last < 0 || max(r.Drift, -r.Drift) > maxDrift || max(r.Lean, -r.Lean) > 1 {
		return errRecord
	}
	return nil
}

// write is the device as it must now be stored.
func (r *record) write(d factors.Device) (factors.Device, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return factors.Device{}, fmt.Errorf("writing the key of device %q: %w", d.ID, err)
	}
	d.Data, d.Copies = data, slices.Clone(d.Copies)
	return d, nil
}

// used tells whether a step may not be accepted any more, whatever the clock says now: a clock that goes back
// makes no code good again.
func (r *record) used(step int64) bool {
	return step <= r.Last || slices.Contains(r.Consumed, step)
}

// accept uses a step up and, for a key on one phone, learns its drift.
func (r *record) accept(step, cur int64, shared bool) {
	r.Last = step
	r.Consumed = slices.DeleteFunc(slices.Clone(r.Consumed), func(s int64) bool { return s <= step })
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

// consume makes one step unusable. Last stays where it is: raised to a step that lies ahead, it would refuse the
// honest codes of the minutes between.
func (r *record) consume(step, cur int64) {
	r.Consumed = slices.DeleteFunc(slices.Clone(r.Consumed), func(s int64) bool { return s <= r.Last || s < cur-resyncSteps })
	if !slices.Contains(r.Consumed, step) {
		r.Consumed = append(r.Consumed, step)
	}
	if over := len(r.Consumed) - maxConsumed; over > 0 {
		slices.Sort(r.Consumed)
		r.Consumed = r.Consumed[over:]
	}
}

func stepOf(now time.Time) int64 { return now.Unix() / period }
