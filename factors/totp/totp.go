// Package totp is the second factor of an authenticator app: six digits, thirty seconds, HMAC-SHA-1 (RFC 6238). It
// creates and shows secrets, matches steps, accepts each step once, and learns the drift of a phone's clock. It does
// not limit guesses (authn) and has no pages (templates).
package totp

import (
	"encoding/json"
	"fmt"
	"time"

	"barillet/factors"
	"barillet/factors/oath"
)

// Kind is the name under which these devices are stored.
const Kind factors.Kind = "totp"

const (
	maxKeys   = 5 // secrets of one user: a guess may hit any of them
	maxCopies = 5 // other phones with the same secret
)

// TOTP is the kind. The zero value is ready.
type TOTP struct{}

var (
	_ factors.Factor        = TOTP{}
	_ factors.Sharer        = TOTP{}
	_ factors.AdminEnroller = TOTP{}
	_ factors.Importer      = TOTP{}
	_ factors.Renewer       = TOTP{}
)

// AskView is what a page that asks for a code needs.
type AskView struct {
	Digits int `json:"digits"`
	Period int `json:"period"` // seconds
}

// Kind implements factors.Factor.
func (TOTP) Kind() factors.Kind { return Kind }

// providers are the apps that a device may be for, in Okta's names.
var providers = []string{"OKTA", "GOOGLE"}

// Method implements factors.Factor.
func (TOTP) Method() factors.Method {
	return factors.Method{Input: factors.InputCode, Slug: "phone", OktaType: "token:software:totp", Providers: providers, Max: maxKeys,
		Primary: true, Period: period * time.Second}
}

// Status implements factors.Factor. A device whose app was not named has the provider GOOGLE, which every script
// knows for an ordinary RFC 6238 secret.
func (TOTP) Status(d factors.Device) factors.Status {
	if d.App == "" {
		return factors.Status{Provider: "GOOGLE"}
	}
	return factors.Status{Provider: d.App}
}

// enrolment is what is kept between the showing of a new secret and its first code.
type enrolment struct {
	Secret  oath.Secret `json:"secret"`
	Account string      `json:"account"`
	App     string      `json:"app,omitempty"`
}

// BeginEnrol creates a secret. The labels of devices are taken; the caller leaves out a device that is to be replaced,
// so that the new secret gets the old label and replaces the old entry in the user's app.
func (TOTP) BeginEnrol(_ time.Time, subject factors.Subject, devices []factors.Device) (factors.Prompt, factors.Pending, error) {
	taken := map[string]bool{}
	n := 0
	for _, d := range devices {
		if d.Kind != Kind {
			continue
		}
		n++
		if !d.Usable() && !d.Unconfirmed() { // an unconfirmed one is in an app already
			continue
		}
		r, err := read(d)
		if err != nil {
			return factors.Prompt{}, nil, err
		}
		taken[r.Account] = true
	}
	if n >= maxKeys {
		return factors.Prompt{}, nil, factors.ErrTooMany
	}
	e := enrolment{Secret: oath.NewSecret(), Account: oath.Account(subject, taken), App: subject.App}
	prompt, err := show(subject.Issuer, e.Account, e.Secret)
	if err != nil {
		return factors.Prompt{}, nil, err
	}
	p, err := json.Marshal(e)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("writing a pending secret: %w", err)
	}
	return prompt, p, nil
}

// FinishEnrol accepts the first code of the new phone, whose clock may be two steps off; the drift is kept.
func (TOTP) FinishEnrol(now time.Time, _ factors.Subject, p factors.Pending, answer []byte) (factors.Outcome, error) {
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
	cur := stepOf(now)
	_, step, ok := r.Secret.Match(code, cur-maxDrift, cur+maxDrift)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonWrong}, nil
	}
	// RFC 6238 §5.2: the code that confirmed the secret is not accepted again.
	r.Last, r.Drift, r.Consumed = step, int(step-cur), []int64{step}
	d, err := r.write(factors.Device{Kind: Kind, App: e.App, Added: now})
	return factors.Outcome{Device: d, AMR: oath.AMR()}, err
}

// BeginVerify asks for a code; it keeps nothing.
func (TOTP) BeginVerify(time.Time, factors.Subject, []factors.Device) (factors.Prompt, factors.Pending, error) {
	return factors.Prompt{View: AskView{Digits: oath.Digits, Period: period}}, nil, nil
}

// ShowQR shows the secret of d, under its own label, to another phone. ErrTooMany: d has more than five copies.
func (TOTP) ShowAgain(_ time.Time, subject factors.Subject, d factors.Device) (factors.Prompt, error) {
	if len(d.Copies) > maxCopies {
		return factors.Prompt{}, factors.ErrTooMany
	}
	r, err := read(d)
	if err != nil {
		return factors.Prompt{}, err
	}
	return show(subject.Issuer, r.Account, r.Secret)
}

// show returns the prompt that holds a secret.
func show(issuer, account string, s oath.Secret) (factors.Prompt, error) {
	view, err := oath.NewView(oath.URI("totp", issuer, account, s, ""), s)
	return factors.Prompt{View: view}, err
}
