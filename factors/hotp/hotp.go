// Package hotp is the second factor of a hardware token: six digits that change at the press of a button, from a counter
// and a secret (RFC 4226). It keeps the next counter, looks ahead for codes that were not used here, and resynchronises
// a token that is far ahead by two codes in a row. It does not limit guesses (authn) and has no pages (templates).
//
// The maker of a token usually sets its secret. An administrator supplies it as a seed, by import or by admin enrolment.
// An enrolment that the user begins creates a secret, for a token that the user can program.
package hotp

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"barillet/factors"
	"barillet/factors/oath"
)

// Kind is the name under which these devices are stored.
const Kind factors.Kind = "hotp"

// maxTokens is the maximum number of tokens of one user: a guess may hit lookAhead codes of each.
const maxTokens = 2

// HOTP is the kind. The zero value is ready.
type HOTP struct{}

var (
	_ factors.Factor        = HOTP{}
	_ factors.AdminEnroller = HOTP{}
	_ factors.SeedEnroller  = HOTP{}
	_ factors.Importer      = HOTP{}
)

// Kind implements factors.Factor.
func (HOTP) Kind() factors.Kind { return Kind }

// providers is Okta's provider of a token whose secret the administrator supplies.
var providers = []string{"CUSTOM"}

// Method implements factors.Factor.
func (HOTP) Method() factors.Method {
	return factors.Method{Input: factors.InputCode, Slug: "token", OktaType: "token:hotp", Providers: providers, Max: maxTokens, Primary: true}
}

// Status implements factors.Factor.
func (HOTP) Status(factors.Device) factors.Status { return factors.Status{Provider: providers[0]} }

// enrolment is what is kept until the first code of a token.
type enrolment struct {
	Secret  oath.Secret `json:"secret"`
	Account string      `json:"account"`
	Counter int64       `json:"counter"`
	Seeded  bool        `json:"seeded,omitempty"` // the secret came from outside: no other device may have it
}

// BeginEnrol creates a secret for a token that the user programs.
func (HOTP) BeginEnrol(_ time.Time, subject factors.Subject, devices []factors.Device) (factors.Prompt, factors.Pending, error) {
	e := enrolment{Secret: oath.NewSecret()}
	p, err := e.begin(subject, devices)
	if err != nil {
		return factors.Prompt{}, nil, err
	}
	view, err := oath.NewView(e.uri(subject), e.Secret)
	return factors.Prompt{View: view}, p, err
}

// BeginEnrolSeed implements factors.SeedEnroller.
func (HOTP) BeginEnrolSeed(_ time.Time, subject factors.Subject, devices []factors.Device, seed factors.Seed) (factors.Pending, error) {
	e := enrolment{Secret: seed.Secret, Counter: int64(min(seed.Counter, maxCounter+1)), Seeded: true}
	if err := e.Secret.Check(); err != nil {
		return nil, err
	}
	if e.Counter > maxCounter {
		return nil, factors.ImportError("counter")
	}
	return e.begin(subject, devices)
}

// begin returns the pending enrolment beside the user's devices.
func (e *enrolment) begin(subject factors.Subject, devices []factors.Device) (factors.Pending, error) {
	taken, n := map[string]bool{}, 0
	for _, d := range devices {
		if d.Kind != Kind {
			continue
		}
		n++
		if r, err := read(d); err == nil {
			taken[r.Account] = true
		}
	}
	if n >= maxTokens {
		return nil, factors.ErrTooMany
	}
	e.Account = oath.Account(subject, taken)
	p, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("writing a pending secret: %w", err)
	}
	return p, nil
}

// uri returns the secret as programs for tokens and apps read it.
func (e *enrolment) uri(subject factors.Subject) string {
	return oath.URI("hotp", subject.Issuer, e.Account, e.Secret, "&counter="+strconv.FormatInt(e.Counter, 10))
}

// readPending decodes an enrolment that was begun, and the record that it will become.
func readPending(p factors.Pending) (enrolment, record, error) {
	var e enrolment
	err := json.Unmarshal(p, &e)
	r := record{Secret: e.Secret, Account: e.Account, Next: e.Counter}
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return enrolment{}, record{}, fmt.Errorf("reading a pending secret: %w", err)
	}
	return e, r, nil
}

// FinishEnrol accepts the first code of the token. A token with a seed may have been used before, so its first code may
// be as far ahead as a resynchronisation reaches; a new secret begins at its counter.
func (HOTP) FinishEnrol(now time.Time, _ factors.Subject, p factors.Pending, answer []byte) (factors.Outcome, error) {
	if len(p) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	e, r, err := readPending(p)
	if err != nil {
		return factors.Outcome{}, err
	}
	code, ok := oath.ParseCode(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	reach := int64(lookAhead)
	if e.Seeded {
		reach = resyncReach
	}
	counter, _, ok := r.Secret.Match(code, r.Next, r.Next+reach-1)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonWrong}, nil
	}
	r.Next = counter + 1
	d := factors.Device{Kind: Kind, Added: now}
	if e.Seeded {
		d.Unique = e.Secret.Digest()
	}
	d, err = r.write(d)
	return factors.Outcome{Device: d, AMR: oath.AMR()}, err
}

// ManualEntry implements factors.AdminEnroller. It does not repeat a secret that the caller supplied.
func (HOTP) ManualEntry(p factors.Pending) (factors.ManualEntry, error) {
	e, _, err := readPending(p)
	if err != nil {
		return factors.ManualEntry{}, err
	}
	if e.Seeded {
		return factors.ManualEntry{Bytes: len(e.Secret)}, nil
	}
	return factors.ManualEntry{Secret: e.Secret.Base32(), Bytes: len(e.Secret)}, nil
}

// QRCodePNG implements factors.AdminEnroller.
func (HOTP) QRCodePNG(subject factors.Subject, p factors.Pending) ([]byte, error) {
	e, _, err := readPending(p)
	if err != nil {
		return nil, err
	}
	return oath.PNG(e.uri(subject))
}

// Import implements factors.Importer. The Key URI format requires the counter of a token. The other service may have
// accepted the codes of earlier counters; they are not accepted here.
func (HOTP) Import(now time.Time, subject factors.Subject, uri string) (factors.Device, error) {
	in, err := oath.ReadURI("hotp", uri, subject.Login)
	if err != nil {
		return factors.Device{}, err
	}
	counter, err := strconv.ParseUint(in.Parameters["counter"], 10, 63)
	if err != nil || counter > maxCounter {
		return factors.Device{}, factors.ImportError("counter")
	}
	r := record{Secret: in.Secret, Account: oath.Account(subject, nil), Next: int64(counter)}
	return r.write(factors.Device{Kind: Kind, Name: in.Name, Added: now, Unique: in.Secret.Digest()})
}
