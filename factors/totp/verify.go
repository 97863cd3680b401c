package totp

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"barillet/factors"
	"barillet/factors/oath"
)

const (
	period   = 30 // seconds
	maxDrift = 2  // steps that a phone's clock may be off

	// resyncSteps is how many steps either way a code outside the window is recognised: ten minutes. A code farther off
	// says little about the clock, and every step costs an HMAC.
	resyncSteps = 20
	// maxConsumed is all that resyncSteps can hold, and maxAccepted.
	maxConsumed = 64
	// maxAccepted is how many accepted steps are remembered besides Last, for a clock that goes back: more sign-ins of one
	// user than an hour has.
	maxAccepted = 16
)

// miss is what one try leaves for the next: a code of a step outside the window.
type miss struct {
	Device factors.DeviceID `json:"device,omitempty"`
	Step   int64            `json:"step,omitempty"`
	Off    int64            `json:"off,omitempty"` // steps from the present one
	At     int64            `json:"at,omitempty"`  // Unix seconds
}

// hintTTL is how long a first miss counts for the second (protocol rule 16).
const hintTTL = 10 * time.Minute

// key is a device with its record.
type key struct {
	device factors.Device
	record
	settled bool // Last was corrected and must be stored
}

// shared reports whether other phones have the secret: their clocks differ, so that they have no drift in common.
func (k *key) shared() bool { return len(k.device.Copies) > 0 }

// window returns the first and last accepted step: the present one and its neighbours, moved by the drift.
func (k *key) window(cur int64) (first, last int64) {
	if !k.shared() {
		cur += int64(k.Drift)
	}
	return cur - 1, cur + 1
}

// FinishVerify judges a code against all usable secrets of the user, the last used first. In this order, a code is
// accepted by one of them, was used before, belongs to a step outside the window and is consumed, or is wrong.
func (TOTP) FinishVerify(now time.Time, _ factors.Subject, devices []factors.Device, p factors.Pending, answer []byte) (factors.Outcome, error) {
	cur := stepOf(now)
	keys, err := usable(devices, cur)
	if err != nil {
		return factors.Outcome{}, err
	}
	if len(keys) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	code, ok := oath.ParseCode(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	var used *key
	for i := range keys {
		k := &keys[i]
		first, last := k.window(cur)
		_, step, ok := k.Secret.Match(code, first, last)
		if !ok {
			continue
		}
		if k.used(step) { // RFC 6238 §5.2: a code must not be accepted twice
			used = k
			continue
		}
		return k.accepted(now, step, nil)
	}
	if used != nil {
		return used.refused(factors.ReasonReplayed)
	}
	return recognise(now, keys, code, p)
}

// FinishCopy judges a code from the phone that has just scanned d's QR code again. It must be of the present step or a
// neighbour, and later than any used (protocol rule 14): an earlier one may have been read from the first phone.
func (TOTP) FinishCopy(now time.Time, _ factors.Subject, d factors.Device, answer []byte) (factors.Outcome, error) {
	keys, err := usable([]factors.Device{d}, stepOf(now))
	if err != nil {
		return factors.Outcome{}, err
	}
	if len(keys) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	code, ok := oath.ParseCode(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	k, cur := &keys[0], stepOf(now)
	_, step, ok := k.Secret.Match(code, cur-1, cur+1)
	if !ok {
		out, err := recognise(now, keys, code, nil)
		out.Pending = nil // each code of a copy is judged alone
		return out, err
	}
	if k.used(step) {
		return k.refused(factors.ReasonReplayed)
	}
	k.accept(step, cur, true) // from now on two clocks use the secret
	k.device.LastUsed = now
	out, err := k.write(k.device)
	return factors.Outcome{Device: out, AMR: oath.AMR()}, err
}

// usable reads the user's secrets, the last used first: it is the likeliest to match.
func usable(devices []factors.Device, cur int64) ([]key, error) {
	var keys []key
	for _, d := range devices {
		if d.Kind != Kind || !d.Usable() {
			continue
		}
		r, err := read(d)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key{d, r, r.settle(cur)})
	}
	sort.SliceStable(keys, func(i, j int) bool { return keys[i].device.LastUsed.After(keys[j].device.LastUsed) })
	return keys, nil
}

// accepted returns the outcome of an accepted step.
func (k *key) accepted(now time.Time, step int64, p factors.Pending) (factors.Outcome, error) {
	k.accept(step, stepOf(now), k.shared())
	k.device.LastUsed = now
	d, err := k.write(k.device)
	return factors.Outcome{Device: d, AMR: oath.AMR(), Pending: p}, err
}

// refused returns the outcome of a refused code. It stores a Last that was corrected: a later correction would refuse the code of
// that time too.
func (k *key) refused(reason factors.Reason) (factors.Outcome, error) {
	out := factors.Outcome{Rejected: reason}
	if !k.settled {
		return out, nil
	}
	var err error
	out.Device, err = k.write(k.device)
	return out, err
}

// recognise looks for a rejected code within resyncSteps of the window and consumes its step. Two codes in a row, of
// consecutive steps and with the same offset, mean a clock that is off, not a guess (protocol rule 16).
func recognise(now time.Time, keys []key, code string, p factors.Pending) (factors.Outcome, error) {
	var before miss
	if json.Unmarshal(p, &before) != nil {
		before = miss{}
	}
	cur := stepOf(now)
	for i := range keys {
		k := &keys[i]
		_, step, ok := k.Secret.Match(code, cur-resyncSteps, cur+resyncSteps)
		if !ok {
			continue
		}
		if k.used(step) {
			return k.refused(factors.ReasonReplayed)
		}
		m := miss{Device: k.device.ID, Step: step, Off: step - cur, At: now.Unix()}
		twice := before.Device == m.Device && before.Step+1 == m.Step && before.Off == m.Off && m.At-before.At <= int64(hintTTL/time.Second)
		if twice && !k.shared() && k.Drift != 0 && max(m.Off, -m.Off) <= 1 {
			// A phone whose clock was corrected lies outside its own learned window. RFC 4226 §7.4: two codes in a row
			// resynchronise. Only a step that would be accepted without a learned drift is accepted: the window never grows.
			return k.accepted(now, step, nil)
		}
		return k.missed(cur, m, twice)
	}
	k := &keys[max(0, slices.IndexFunc(keys, func(k key) bool { return k.settled }))]
	out, err := k.refused(factors.ReasonWrong)
	if before.Device != "" {
		out.Pending = factors.Pending("{}") // another answer came between: not two in a row
	}
	return out, err
}

// missed returns the outcome of a code of another time.
func (k *key) missed(cur int64, m miss, twice bool) (factors.Outcome, error) {
	k.consume(m.Step, cur)
	d, err := k.write(k.device)
	if err != nil {
		return factors.Outcome{}, err
	}
	p, err := json.Marshal(m)
	if err != nil {
		return factors.Outcome{}, fmt.Errorf("writing a missed step: %w", err)
	}
	out := factors.Outcome{Device: d, Rejected: factors.ReasonWrong, Pending: p}
	if twice {
		out.Rejected, out.ClockOff = factors.ReasonClock, time.Duration(m.Off)*period*time.Second
	}
	return out, nil
}
