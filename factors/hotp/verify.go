package hotp

import (
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"barillet/factors"
	"barillet/factors/oath"
)

const (
	lookAhead   = 10   // RFC 4226 §7.4: counters from the next one that one code is accepted of
	resyncReach = 1000 // counters from the next one that two codes in a row are accepted of
	lookBack    = 10   // used counters that are recognised, so that a repeated form does not count as a guess

	// maxCounter leaves room for resyncReach below the largest integer that JSON carries exactly in every program.
	maxCounter = 1 << 52
)

// record is a token's own data.
type record struct {
	Secret  oath.Secret `json:"secret"`
	Account string      `json:"account"` // the account part of the label
	Next    int64       `json:"next"`    // the next counter: those below it are not accepted
}

var (
	errShort   = errors.New("secret shorter than 16 bytes")
	errCounter = errors.New("counter out of range")
)

// read decodes a device's data. It returns the zero record with an error.
func read(d factors.Device) (record, error) { return oath.ReadRecord(d, (*record).check) }

// check returns an error for a record that no enrolment has written.
func (r *record) check() error {
	if len(r.Secret) < oath.MinSecretBytes {
		return errShort
	}
	if r.Next < 0 || r.Next > 2*maxCounter {
		return errCounter
	}
	return nil
}

// write returns the device as it must now be stored.
func (r *record) write(d factors.Device) (factors.Device, error) { return oath.WriteRecord(d, r) }

// candidate is what one try leaves for the next: a code that was right for a counter beyond the look-ahead.
type candidate struct {
	Device  factors.DeviceID `json:"device"`
	Counter int64            `json:"counter"`
}

// token is a device with its record.
type token struct {
	device factors.Device
	record
}

// usable reads the user's tokens, the last used first: it is the likeliest to match.
func usable(devices []factors.Device) ([]token, error) {
	var tokens []token
	for _, d := range devices {
		if d.Kind != Kind || !d.Usable() {
			continue
		}
		r, err := read(d)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, token{d, r})
	}
	sort.SliceStable(tokens, func(i, j int) bool { return tokens[i].device.LastUsed.After(tokens[j].device.LastUsed) })
	return tokens, nil
}

// BeginVerify asks for a code; it keeps nothing.
func (HOTP) BeginVerify(time.Time, factors.Subject, []factors.Device) (factors.Prompt, factors.Pending, error) {
	return factors.Prompt{}, nil, nil
}

// FinishVerify judges a code against all usable tokens of the user. In this order, a code is accepted within the
// look-ahead, accepted as the second of two in a row, was used before, is the first of two in a row, or is wrong.
func (HOTP) FinishVerify(now time.Time, _ factors.Subject, devices []factors.Device, p factors.Pending, answer []byte) (factors.Outcome, error) {
	tokens, err := usable(devices)
	if err != nil {
		return factors.Outcome{}, err
	}
	if len(tokens) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	code, ok := oath.ParseCode(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	for i := range tokens {
		if counter, _, ok := tokens[i].match(code, 0, lookAhead); ok {
			return tokens[i].accept(now, counter)
		}
	}
	if t, counter, ok := second(tokens, p, code); ok {
		return t.accept(now, counter)
	}
	for i := range tokens {
		if _, _, ok := tokens[i].match(code, -lookBack, 0); ok {
			return factors.Outcome{Rejected: factors.ReasonReplayed}, nil
		}
	}
	return first(tokens, code)
}

// match compares code with those of the counters from the next one plus from to the next one plus to, which is excluded.
func (t *token) match(code string, from, to int64) (earliest, latest int64, ok bool) {
	return t.Secret.Match(code, t.Next+from, t.Next+to-1)
}

// accept returns the outcome of an accepted counter, which is used up with all before it.
func (t *token) accept(now time.Time, counter int64) (factors.Outcome, error) {
	t.Next = counter + 1
	t.device.LastUsed = now
	d, err := t.write(t.device)
	return factors.Outcome{Device: d, AMR: oath.AMR()}, err
}

// second finds the token whose candidate the code follows: the code of the very next counter (RFC 4226 §7.4).
func second(tokens []token, p factors.Pending, code string) (*token, int64, bool) {
	var c candidate
	if json.Unmarshal(p, &c) != nil {
		return nil, 0, false
	}
	for i := range tokens {
		t := &tokens[i]
		if t.device.ID != c.Device || c.Counter < t.Next || c.Counter >= t.Next+resyncReach {
			continue
		}
		if counter, _, ok := t.Secret.Match(code, c.Counter+1, c.Counter+1); ok {
			return t, counter, true
		}
	}
	return nil, 0, false
}

// first looks for a code beyond the look-ahead, which the next code of the same token may confirm. The code itself is
// refused: alone, one of a thousand counters is too easy to guess.
func first(tokens []token, code string) (factors.Outcome, error) {
	for i := range tokens {
		t := &tokens[i]
		counter, _, ok := t.match(code, lookAhead, resyncReach)
		if !ok {
			continue
		}
		p, err := json.Marshal(candidate{Device: t.device.ID, Counter: counter})
		if err != nil {
			return factors.Outcome{}, fmt.Errorf("writing a candidate: %w", err)
		}
		return factors.Outcome{Rejected: factors.ReasonResync, Pending: p}, nil
	}
	return factors.Outcome{Rejected: factors.ReasonWrong}, nil
}
