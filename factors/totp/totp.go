// Package totp is the second factor of a phone's authenticator app: six digits, thirty seconds, HMAC-SHA-1
// (RFC 6238). It owns the secret's making and showing, the matching of steps, their single use, and the learning of
// a phone's drift. It does not own how often somebody may guess (authn), nor the pages (templates).
package totp

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"barillet/factors"
)

// Kind is the name under which these devices are stored.
const Kind factors.Kind = "totp"

const (
	maxKeys   = 5 // keys of one person: each more is one more that a guess may hit
	maxCopies = 5 // other phones with the same key

	secretBytes    = 20 // RFC 4226 section 4, R6: 160 bits recommended; 32 base32 characters, so no padding in any app
	minSecretBytes = 16 // RFC 4226 section 4, R6: at least 128 bits; an empty one would make codes that anybody can compute
)

// TOTP is the kind. The zero value is ready.
type TOTP struct{}

var (
	_ factors.Factor        = TOTP{}
	_ factors.Sharer        = TOTP{}
	_ factors.AdminEnroller = TOTP{}
	_ factors.Describer     = TOTP{}
)

// View is what the page of an enrolment or of a code shown again needs. It holds the secret.
type View struct {
	URI    string `json:"uri"`    // otpauth://…, for a link that opens the app on the same phone
	Secret string `json:"secret"` // base32, 32 characters, ungrouped
	Groups string `json:"groups"` // the same in groups of four, for reading and typing
	QR     QR     `json:"qr"`
}

// AskView is what the page that asks for a code needs.
type AskView struct {
	Digits int `json:"digits"`
	Period int `json:"period"` // seconds
}

// Kind implements factors.Factor.
func (TOTP) Kind() factors.Kind { return Kind }

// enrolment is what is remembered between showing a new secret and its first code.
type enrolment struct {
	Secret  secret `json:"secret"`
	Account string `json:"account"`
	App     string `json:"app,omitempty"`
}

// BeginEnrol makes a new secret. have tells which labels are taken: a key that is to be replaced is left out of
// it, so that the new secret gets the old label and replaces the old entry in the person's app.
func (TOTP) BeginEnrol(_ time.Time, who factors.Subject, have []factors.Device) (factors.Prompt, factors.Pending, error) {
	taken := map[string]bool{}
	n := 0
	for _, d := range have {
		if d.Kind != Kind {
			continue
		}
		n++
		if !d.Usable() && !d.Unconfirmed() { // one that waits is in an app already
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
	e := enrolment{Secret: make(secret, secretBytes), Account: account(who, taken), App: who.App}
	rand.Read(e.Secret) // never fails: the process ends instead
	prompt, err := show(who.Issuer, e.Account, e.Secret)
	if err != nil {
		return factors.Prompt{}, nil, err
	}
	p, err := json.Marshal(e)
	if err != nil {
		return factors.Prompt{}, nil, fmt.Errorf("writing a pending key: %w", err)
	}
	return prompt, p, nil
}

// FinishEnrol takes the first code of the new phone, whose clock may be two steps off; the drift is kept.
func (TOTP) FinishEnrol(now time.Time, _ factors.Subject, p factors.Pending, answer []byte) (factors.Outcome, error) {
	if len(p) == 0 {
		return factors.Outcome{Rejected: factors.ReasonExpired}, nil
	}
	e, r, err := readPending(p)
	if err != nil {
		return factors.Outcome{}, err
	}
	code, ok := parse(answer)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonFormat}, nil
	}
	cur := stepOf(now)
	step, ok := r.match(code, cur-maxDrift, cur+maxDrift)
	if !ok {
		return factors.Outcome{Rejected: factors.ReasonWrong}, nil
	}
	// RFC 6238 section 5.2: the code that confirmed the key is used up by it.
	r.Last, r.Drift = step, int(step-cur)
	d, err := r.write(factors.Device{Kind: Kind, App: e.App, Added: now})
	return factors.Outcome{Device: d, AMR: amr()}, err
}

// BeginVerify asks for a code; nothing has to be remembered for it.
func (TOTP) BeginVerify(time.Time, factors.Subject, []factors.Device) (factors.Prompt, factors.Pending, error) {
	return factors.Prompt{Template: "totp", View: AskView{Digits: digits, Period: period}}, nil, nil
}

// ShowQR shows the key of d, under its own label, to another phone. ErrTooMany: d has more than five copies.
func (TOTP) ShowAgain(_ time.Time, who factors.Subject, d factors.Device) (factors.Prompt, error) {
	if len(d.Copies) > maxCopies {
		return factors.Prompt{}, factors.ErrTooMany
	}
	r, err := read(d)
	if err != nil {
		return factors.Prompt{}, err
	}
	return show(who.Issuer, r.Account, r.Secret)
}

// providers are the apps that a key may be for, as scripts know them.
var providers = []string{"OKTA", "GOOGLE"}

// Describe implements factors.Describer. A key whose app was not named goes by the provider that every script
// knows for an ordinary RFC 6238 key.
func (TOTP) Describe(d factors.Device) factors.Description {
	about := factors.Description{OktaType: "token:software:totp", Provider: d.App, Providers: providers, Counts: true, MaxOfKind: maxKeys}
	if about.Provider == "" {
		about.Provider = "GOOGLE"
	}
	return about
}

// amr is the authentication method's name, RFC 8176 section 2.
func amr() []string { return []string{"otp"} }

// show makes the prompt that holds a secret.
func show(issuer, account string, s secret) (factors.Prompt, error) {
	b32 := typed(s)
	link := uri(issuer, account, b32)
	qr, err := draw(link)
	if err != nil {
		return factors.Prompt{}, err
	}
	return factors.Prompt{Template: "totp", View: View{URI: link, Secret: b32, Groups: grouped(b32), QR: qr}}, nil
}
