package authntest

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/factors/oath"
	"barillet/factors/totp"
	"barillet/internal/secret"
)

// Phone is an authenticator app with one key. It computes codes by itself: no code of package totp takes part.
type Phone struct {
	Env    *Env
	Secret string // in base32
	Device factors.DeviceID
}

// Code returns the code of the present step.
func (p *Phone) Code() []byte {
	p.Env.T.Helper()
	return p.CodeAt(p.Env.Clock.Now())
}

// CodeAt returns the code of the step at t: RFC 6238 with HMAC-SHA-1, 30 seconds and 6 digits.
func (p *Phone) CodeAt(t time.Time) []byte {
	p.Env.T.Helper()
	return Code(p.Env.T, p.Secret, uint64(t.Unix()/30))
}

// Code returns the code of a base32 secret and a counter (RFC 4226 §5.3), computed independently of the factors.
func Code(t testing.TB, secret string, counter uint64) []byte {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	if err != nil {
		t.Fatalf("decoding a secret: %v", err)
	}
	mac := hmac.New(sha1.New, key)
	mac.Write(binary.BigEndian.AppendUint64(nil, counter))
	sum := mac.Sum(nil)
	number := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	return fmt.Appendf(nil, "%06d", number%1_000_000)
}

// Next moves the clock to the next step and returns its code.
func (p *Phone) Next() []byte {
	p.Env.T.Helper()
	p.Env.Clock.Advance(30 * time.Second)
	return p.Code()
}

// Enrol enrols a phone in a flow and confirms it.
func (e *Env) Enrol(flow enrol.Flow, name string) (*Phone, enrol.Result) {
	e.T.Helper()
	p := e.BeginPhone(flow, name)
	done, err := e.Enrolment.FinishEnrol(e.T.Context(), e.From, flow, "", p.Code())
	if err != nil || !done.Accepted() {
		e.T.Fatalf("enrolling %s: %v, rejected %q", name, err, done.Rejected)
	}
	p.Device = done.Device.ID
	return p, done
}

// BeginPhone starts the enrolment of a phone and reads its secret.
func (e *Env) BeginPhone(flow enrol.Flow, name string) *Phone {
	e.T.Helper()
	prompt, err := e.Enrolment.BeginEnrol(e.T.Context(), e.From, flow, enrol.Request{Kind: totp.Kind, Name: name})
	if err != nil {
		e.T.Fatalf("beginning to enrol %s: %v", name, err)
	}
	var view oath.View
	if err := json.Unmarshal(prompt.View, &view); err != nil {
		e.T.Fatalf("reading the prompt: %v", err)
	}
	return &Phone{Env: e, Secret: view.Secret}
}

// Accept accepts an invitation: it sets the password, enrols a phone and returns the first session.
func (e *Env) Accept(invitation secret.Value, password string) (*Phone, session.Credentials) {
	e.T.Helper()
	started, err := e.Authn.AcceptInvitation(e.T.Context(), e.From, invitation, password)
	if err != nil {
		e.T.Fatalf("accepting an invitation: %v", err)
	}
	p, done := e.Enrol(enrol.Flow{Transaction: started.Secret}, "Téléphone")
	return p, done.Credentials
}

// Member creates an active user with Password and a phone, and signs them in.
func (e *Env) Member(address string, change func(*account.User)) (account.User, *Phone, secret.Value) {
	e.T.Helper()
	u := e.CreateUser(address, change)
	p, issued := e.Accept(e.Invite(u.ID), Password)
	return e.User(string(u.ID)), p, issued.Session
}

// SignIn signs a user in with a password and the next code of a phone.
func (e *Env) SignIn(login, password string, p *Phone) session.Credentials {
	e.T.Helper()
	started, err := e.Authn.StartWithPassword(e.T.Context(), e.From, login, password)
	if err != nil {
		e.T.Fatalf("signing in as %s: %v", login, err)
	}
	v, err := e.Authn.Verify(e.T.Context(), e.From, started.Secret, factors.InputCode, p.Next())
	if err != nil || !v.Accepted() {
		e.T.Fatalf("second step of %s: %v, rejected %q", login, err, v.Rejected)
	}
	return v.Credentials
}
