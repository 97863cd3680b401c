package totp

import (
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"barillet/factors"
)

const (
	digits   = 6
	period   = 30 // seconds
	maxDrift = 2  // steps that a phone's clock may be off and still be taken

	// resyncSteps is how many steps either way a code outside the window is recognised: ten minutes. Farther off, a code
	// says less about the clock than about the reader's patience, and every step looked at is an HMAC.
	resyncSteps = 20
	// maxConsumed is all that sight can hold, and half as much again for a clock that went back.
	maxConsumed = 64
)

// miss is the memory between two tries of one login: a code that was right for a step outside the window.
type miss struct {
	Device factors.DeviceID `json:"device,omitempty"`
	Step   int64            `json:"step,omitempty"`
	Off    int64            `json:"off,omitempty"` // steps from the present one
	At     int64            `json:"at,omitempty"`  // Unix seconds
}

// hintLife is how long a first miss is remembered for the second (PROTOCOL 16).
const hintLife = 10 * time.Minute

// key is a device with its record.
type key struct {
	device factors.Device
	record
}

// shared tells whether other phones know the key: their clocks differ, so no drift is theirs in common.
func (k *key) shared() bool { return len(k.device.Copies) > 0 }

// window is the first and last step that are accepted: the present one and its neighbours, moved by the drift.
func (k *key) window(cur int64) (first, last int64) {
	if !k.shared() {
		cur += int64(k.Drift)
	}
	return cur - 1, cur + 1
}

// FinishVerify judges a code against all usable keys of the person, the last used first. A code is, in this order:
// accepted by one of them, a used one, one of a step outside the window (consumed), wrong.
func (TOTP) FinishVerify(now time.Time, _ factors.Subject, have []factors.Device, p factors.Pending, answer []byte) (factors.Outcome, error) {
	keys, err := usable(have)
	if err != nil {
		return factors.Outcome{}, err
	}
	if len(keys) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	code, ok := parse(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	cur := stepOf(now)
	used := false
	for i := range keys {
		k := &keys[i]
		first, last := k.window(cur)
		step, ok := k.match(code, first, last)
		if !ok {
			continue
		}
		if k.used(step) { // RFC 6238 section 5.2: a code must not be accepted twice
			used = true
			continue
		}
		return k.accepted(now, step, nil)
	}
	if used {
		return factors.Outcome{Rejected: factors.ReasonReplayed}, nil
	}
	return recognise(now, keys, code, p)
}

// FinishCopy judges a code from the phone that has just scanned d's QR code again: of the present step or a
// neighbour, and later than any used (PROTOCOL 14), for an earlier one may have been read from the first phone.
func (TOTP) FinishCopy(now time.Time, _ factors.Subject, d factors.Device, answer []byte) (factors.Outcome, error) {
	keys, err := usable([]factors.Device{d})
	if err != nil {
		return factors.Outcome{}, err
	}
	if len(keys) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	code, ok := parse(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	k, cur := &keys[0], stepOf(now)
	step, ok := k.match(code, cur-1, cur+1)
	if !ok {
		out, err := recognise(now, keys, code, nil)
		out.Pending = nil // a copy's codes are judged one by one: there is no second one to wait for
		return out, err
	}
	if k.used(step) {
		return factors.Outcome{Rejected: factors.ReasonReplayed}, nil
	}
	k.accept(step, cur, true) // from now on two clocks use the key
	k.device.LastUsed = now
	out, err := k.write(k.device)
	return factors.Outcome{Device: out, AMR: amr()}, err
}

// usable reads the person's keys, the last used first: the likeliest one is then tried first.
func usable(have []factors.Device) ([]key, error) {
	var keys []key
	for _, d := range have {
		if d.Kind != Kind || !d.Usable() {
			continue
		}
		r, err := read(d)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key{d, r})
	}
	slices.SortStableFunc(keys, func(a, b key) int { return b.device.LastUsed.Compare(a.device.LastUsed) })
	return keys, nil
}

// match finds the latest step from first to last whose code this is. All of them are computed and compared in
// constant time, so that the time taken tells nothing about which one it was.
func (r *record) match(code string, first, last int64) (int64, bool) {
	b32 := base32.StdEncoding.EncodeToString(r.Secret)
	var hit int64
	found := 0
	for step := max(first, 0); step <= last; step++ {
		want, err := hotp.GenerateCodeCustom(b32, uint64(step), hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			continue // only a secret that is not base32 can do that, and we encoded it
		}
		same := subtle.ConstantTimeCompare([]byte(want), []byte(code))
		hit, found = hit+int64(same)*(step-hit), found|same
	}
	return hit, found == 1
}

// accepted is the outcome of a step taken.
func (k *key) accepted(now time.Time, step int64, p factors.Pending) (factors.Outcome, error) {
	k.accept(step, stepOf(now), k.shared())
	k.device.LastUsed = now
	d, err := k.write(k.device)
	return factors.Outcome{Device: d, AMR: amr(), Pending: p}, err
}

// recognise looks for a rejected code within sight of the window, burns its step, and tells a clock that is off
// from a guess: two codes in a row of one login, of consecutive steps, with the same offset (PROTOCOL 16).
func recognise(now time.Time, keys []key, code string, p factors.Pending) (factors.Outcome, error) {
	var before miss
	if json.Unmarshal(p, &before) != nil {
		before = miss{}
	}
	cur := stepOf(now)
	for i := range keys {
		k := &keys[i]
		step, ok := k.match(code, cur-resyncSteps, cur+resyncSteps)
		if !ok {
			continue
		}
		if k.used(step) {
			return factors.Outcome{Rejected: factors.ReasonReplayed}, nil
		}
		m := miss{Device: k.device.ID, Step: step, Off: step - cur, At: now.Unix()}
		twice := before.Device == m.Device && before.Step+1 == m.Step && before.Off == m.Off && m.At-before.At <= int64(hintLife/time.Second)
		if twice && !k.shared() && k.Drift != 0 && max(m.Off, -m.Off) <= 1 {
			// A phone whose clock was off and has been put right lies outside its own learned window. RFC 4226 section 7.4:
			// two codes in a row resynchronise. Without this the person would be told that a right clock is off. Only what
			// would be accepted if no drift had been learned is: the window never grows.
			return k.accepted(now, step, nil)
		}
		return k.missed(cur, m, twice)
	}
	out := factors.Outcome{Rejected: factors.ReasonWrong}
	if before.Device != "" {
		out.Pending = factors.Pending("{}") // something else came between: not two in a row
	}
	return out, nil
}

// missed is the outcome of a code that was right at another time.
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
