// Package recovery is the second factor on paper: ten codes, each good once. It owns their making, reading and
// striking out. It does not own the pepper (the caller gives the MAC), how often somebody may try (authn), nor
// what a used code leads to (PROTOCOL 6).
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
	codeBytes = 10 // 80 bits each (BAR A7)
	saltBytes = 16
	purpose   = "recovery code"
)

// Recovery is the kind. MAC is required: a keyed hash of at least 16 bytes, under a key kept outside the store, that
// keeps its purpose and parts apart.
type Recovery struct {
	MAC func(purpose string, parts ...[]byte) []byte
}

var (
	_ factors.Factor    = Recovery{}
	_ factors.Describer = Recovery{}
)

// View is what the page that shows new codes needs: each in four groups of four. It is shown once.
type View struct {
	Codes []string `json:"codes"`
}

// record is a set's own data.
type record struct {
	Salt  []byte `json:"salt"` // of this set: a MAC is worth nothing in another set, nor with another person
	Codes []code `json:"codes"`
}

// code is one code of a set. A struck one stays, so that it is told from a wrong one (PROTOCOL 17).
type code struct {
	MAC  []byte    `json:"mac"`
	Used time.Time `json:"used,omitzero"`
}

// Kind implements factors.Factor.
func (Recovery) Kind() factors.Kind { return Kind }

// BeginEnrol makes ten codes. The prompt shows them; what is remembered holds their MACs only. A set that is being
// renewed is left out of have.
func (f Recovery) BeginEnrol(_ time.Time, who factors.Subject, have []factors.Device) (factors.Prompt, factors.Pending, error) {
	for _, d := range have {
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
		r.Codes = append(r.Codes, code{MAC: f.mac(who, r.Salt, text)})
	}
	p, err := json.Marshal(r)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("writing recovery codes: %w", err)
	}
	return factors.Prompt{Template: "recovery", View: view}, p, nil
}

// FinishEnrol makes the set a device. The answer is not looked at: to come back at all is to say "kept".
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

// BeginVerify asks for a code; nothing has to be remembered for it.
func (Recovery) BeginVerify(time.Time, factors.Subject, []factors.Device) (factors.Prompt, factors.Pending, error) {
	return factors.Prompt{Template: "recovery"}, nil, nil
}

// FinishVerify strikes the code out of the set that it belongs to.
func (f Recovery) FinishVerify(now time.Time, who factors.Subject, have []factors.Device, _ factors.Pending, answer []byte) (factors.Outcome, error) {
	text, readable := parse(answer)
	out := factors.Outcome{Rejected: factors.ReasonExpired}
	for _, d := range have {
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
		at := r.find(f.mac(who, r.Salt, text))
		switch {
		case at < 0:
			if out.Rejected != factors.ReasonReplayed {
				out.Rejected = factors.ReasonWrong
			}
		case !r.Codes[at].Used.IsZero():
			out.Rejected = factors.ReasonReplayed
		default:
			r.Codes[at].Used = now // decode made these: nothing of the caller's is changed
			d.LastUsed = now
			stored, err := r.write(d)
			return factors.Outcome{Device: stored, AMR: amr(), Remaining: r.left()}, err
		}
	}
	return out, nil
}

// Describe implements factors.Describer. Codes are no device: the last phone is protected also from somebody
// who has codes left (PROTOCOL 6). A record that cannot be read has none left.
func (Recovery) Describe(d factors.Device) factors.Description {
	about := factors.Description{OktaType: "recovery", Provider: "BARILLET", Spare: true, MaxOfKind: 1}
	if r, err := decode(d.Data); err == nil {
		about.Left = r.left()
	}
	return about
}

// amr is the authentication method's name. RFC 8176 section 2 has none for codes on paper; its "otp" is any
// one-time password, which they are, while "kba" is for questions and "pop" for keys.
func amr() []string { return []string{"otp"} }

func (f Recovery) mac(who factors.Subject, salt []byte, text string) []byte {
	return f.MAC(purpose, who.Handle, salt, []byte(text))
}

// find compares with every code, in constant time.
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

// decode reads a set. Nothing is returned with an error.
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

// crockford is Crockford's base32: no I, L, O, U, so that nothing read aloud or by hand is taken for another.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)
