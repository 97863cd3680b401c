// Package recovery is the second factor on paper: ten codes, each accepted once. It creates, reads and consumes them.
// It does not own the pepper (the caller supplies the MAC), does not limit guesses (authn), and does not decide what
// follows a used code (protocol rule 6).
package recovery

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"barillet/factors"
)

// Kind is the name under which these devices are stored.
const Kind factors.Kind = "recovery"

const (
	count     = 10 // codes in a set
	codeBytes = 10 // 80 bits each (promise A7)
	saltBytes = 16
	purpose   = "recovery code"
)

// Recovery is the kind. MAC is required. It returns a keyed hash of at least 16 bytes, under a key outside the store,
// and separates its purpose and its parts.
type Recovery struct {
	MAC func(purpose string, parts ...[]byte) []byte
}

var _ factors.Factor = Recovery{}

// View is what the page of new codes needs: each code in four groups of four. It is shown once.
type View struct {
	Codes []string `json:"codes"`
}

// record is the data of a set.
type record struct {
	Salt  []byte `json:"salt"` // of this set: a MAC fits no other set and no other user
	Codes []code `json:"codes"`
}

// code is one code of a set. A used one stays, so that it differs from a wrong one (protocol rule 17).
type code struct {
	MAC  []byte    `json:"mac"`
	Used time.Time `json:"used,omitzero"`
}

// Kind implements factors.Factor.
func (Recovery) Kind() factors.Kind { return Kind }

// BeginEnrol creates ten codes. The prompt shows them; the Pending holds only their MACs. The caller leaves out a set
// that is to be renewed.
func (f Recovery) BeginEnrol(_ time.Time, subject factors.Subject, devices []factors.Device) (factors.Prompt, factors.Pending, error) {
	for _, d := range devices {
		if d.Kind == Kind {
			return factors.Prompt{}, nil, factors.ErrTooMany
		}
	}
	r := record{Salt: make([]byte, saltBytes)}
	rand.Read(r.Salt) // never fails: the process ends instead
	var view View
	for range count {
		raw := make([]byte, codeBytes)
		rand.Read(raw)
		text := crockford.EncodeToString(raw)
		view.Codes = append(view.Codes, grouped(text))
		r.Codes = append(r.Codes, code{MAC: f.mac(subject, r.Salt, text)})
	}
	p, err := json.Marshal(r)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("writing recovery codes: %w", err)
	}
	return factors.Prompt{View: view}, p, nil
}

// FinishEnrol makes the set a device. It ignores the answer: the user comes back when the codes are kept.
func (Recovery) FinishEnrol(now time.Time, _ factors.Subject, p factors.Pending, _ []byte) (factors.Outcome, error) {
	if len(p) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	r, err := decode(p)
	if err != nil {
		return factors.Outcome{}, fmt.Errorf("reading pending recovery codes: %w", err)
	}
	d, err := r.write(factors.Device{Kind: Kind, Added: now})
	return factors.Outcome{Device: d, AMR: amr(), Remaining: r.left()}, err
}

// BeginVerify asks for a code; it keeps nothing.
func (Recovery) BeginVerify(time.Time, factors.Subject, []factors.Device) (factors.Prompt, factors.Pending, error) {
	return factors.Prompt{}, nil, nil
}

// FinishVerify consumes the code in its set.
func (f Recovery) FinishVerify(now time.Time, subject factors.Subject, devices []factors.Device, _ factors.Pending, answer []byte) (factors.Outcome, error) {
	text, readable := parse(answer)
	out := factors.Outcome{Rejected: factors.ReasonExpired}
	for _, d := range devices {
		if d.Kind != Kind || !d.Usable() {
			continue
		}
		r, err := decode(d.Data)
		if err != nil {
			return factors.Outcome{}, fmt.Errorf("reading the recovery codes of device %q: %w", d.ID, err)
		}
		if !readable {
			return factors.Outcome{Rejected: factors.ReasonFormat}, nil
		}
		at := r.find(f.mac(subject, r.Salt, text))
		switch {
		case at < 0:
			if out.Rejected != factors.ReasonReplayed {
				out.Rejected = factors.ReasonWrong
			}
		case !r.Codes[at].Used.IsZero():
			out.Rejected = factors.ReasonReplayed
		default:
			r.Codes[at].Used = now // decode allocated these: the caller's device is unchanged
			d.LastUsed = now
			stored, err := r.write(d)
			return factors.Outcome{Device: stored, AMR: amr(), Remaining: r.left()}, err
		}
	}
	return out, nil
}

// Method implements factors.Factor. Codes are not Primary: the last phone is protected even if the user has codes left
// (protocol rule 6).
func (Recovery) Method() factors.Method {
	return factors.Method{Input: factors.InputBackup, Slug: "recovery", OktaType: "recovery", Max: 1}
}

// Status implements factors.Factor. A record that cannot be read has no codes left.
func (Recovery) Status(d factors.Device) factors.Status {
	out := factors.Status{Provider: "BARILLET"}
	if r, err := decode(d.Data); err == nil {
		out.Remaining = r.left()
	}
	return out
}

// amr returns the name of the authentication method. RFC 8176 §2 has none for codes on paper. Its "otp" is any one-time
// password, which they are; "kba" is for questions and "pop" for keys.
func amr() []string { return []string{"otp"} }

func (f Recovery) mac(subject factors.Subject, salt []byte, text string) []byte {
	return f.MAC(purpose, subject.Handle, salt, []byte(text))
}

// find compares mac with that of every code, in constant time. It returns -1 if none matches.
func (r *record) find(mac []byte) int {
	at := -1
	for i, c := range r.Codes {
		at = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(c.MAC, mac), i, at)
	}
	return at
}

func (r *record) left() int {
	n := 0
	for _, c := range r.Codes {
		if c.Used.IsZero() {
			n++
		}
	}
	return n
}

func (r *record) write(d factors.Device) (factors.Device, error) {
	data, err := json.Marshal(r)
	if err != nil {
		return factors.Device{}, fmt.Errorf("writing recovery codes: %w", err)
	}
	d.Data = data
	return d, nil
}

var errRecord = errors.New("not a set of recovery codes")

// decode reads a set. It returns the zero record with an error.
func decode(data []byte) (record, error) {
	var r record
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, err
	}
	if len(r.Salt) != saltBytes || len(r.Codes) == 0 || len(r.Codes) > count {
		return record{}, errRecord
	}
	for _, c := range r.Codes {
		if len(c.MAC) < 16 { // an empty one would equal the MAC of nothing
			return record{}, errRecord
		}
	}
	return r, nil
}

// crockford is Crockford's base32. It has no I, L, O and U, which are easily misread.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
