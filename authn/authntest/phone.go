package authntest

import (
	"encoding/json"
	"os/exec"
	"strings"
	"time"

	"barillet/authn"
	"barillet/factors"
	"barillet/factors/totp"
)

// Phone is an authenticator app with one key: another implementation of RFC 6238 than ours (oathtool).
type Phone struct {
	House  *Env
	Secret string
	Device factors.DeviceID
}

// Code is what the phone shows now.
func (p *Phone) Code() []byte {
	p.House.T.Helper()
	at := p.House.Clock.Now().UTC().Format("2006-01-02 15:04:05 UTC")
	out, err := exec.CommandContext(p.House.T.Context(), "oathtool", "--totp", "--base32", "--now", at, p.Secret).Output()
	if err != nil {
		p.House.T.Fatalf("oathtool, of the package of that name: %v", err)
	}
	return []byte(strings.TrimSpace(string(out)))
}

// Next moves the clock to the next step and is the code of it.
func (p *Phone) Next() []byte {
	p.House.T.Helper()
	p.House.Clock.Advance(30 * time.Second)
	return p.Code()
}

// Enrol enrols a phone in a seat to its end.
func (h *Env) Enrol(seat authn.Flow, name string) (*Phone, authn.Enrolled) {
	h.T.Helper()
	p := h.BeginPhone(seat, name)
	done, err := h.Enrolment.FinishEnrol(h.T.Context(), h.From, seat, "", p.Code())
	if err != nil || !done.Accepted() {
		h.T.Fatalf("enrolling %s: %v, rejected %q", name, err, done.Rejected)
	}
	p.Device = done.Device.ID
	return p, done
}

// BeginPhone opens the enrolment of a phone and scans its QR code.
func (h *Env) BeginPhone(seat authn.Flow, name string) *Phone {
	h.T.Helper()
	prompt, err := h.Enrolment.BeginEnrol(h.T.Context(), h.From, seat, authn.Enrolling{Kind: totp.Kind, Name: name})
	if err != nil {
		h.T.Fatalf("beginning to enrol %s: %v", name, err)
	}
	var view totp.View
	if err := json.Unmarshal(prompt.View, &view); err != nil {
		h.T.Fatalf("reading the prompt: %v", err)
	}
	return &Phone{House: h, Secret: view.Secret}
}

// Accept goes from an invitation to the first session: the password, then a phone.
func (h *Env) Accept(invitation authn.Secret, password string) (*Phone, authn.Credentials) {
	h.T.Helper()
	started, err := h.Authn.AcceptInvitation(h.T.Context(), h.From, invitation, password)
	if err != nil {
		h.T.Fatalf("accepting an invitation: %v", err)
	}
	p, done := h.Enrol(authn.Flow{Login: started.Login}, "Téléphone")
	return p, done.Issued
}

// Member makes somebody who is active with Password and a phone, and signed in.
func (h *Env) Member(address string, change func(*authn.User)) (authn.User, *Phone, authn.Secret) {
	h.T.Helper()
	u := h.Person(address, change)
	p, issued := h.Accept(h.Invite(u.ID), Password)
	return h.User(string(u.ID)), p, issued.Session
}

// SignIn proves a password and then the phone's next code.
func (h *Env) SignIn(login, password string, p *Phone) authn.Credentials {
	h.T.Helper()
	started, err := h.Authn.StartWithPassword(h.T.Context(), h.From, login, password, "")
	if err != nil {
		h.T.Fatalf("signing in as %s: %v", login, err)
	}
	v, err := h.Authn.Verify(h.T.Context(), h.From, started.Login, totp.Kind, p.Next())
	if err != nil || !v.Accepted() {
		h.T.Fatalf("second step of %s: %v, rejected %q", login, err, v.Rejected)
	}
	return v.Issued
}
