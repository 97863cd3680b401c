// Package factors says what a second factor is: a pure ceremony with values in and values out. It knows no
// store, no HTTP and no clock; each kind is a package below this one and nobody switches on Kind.
package factors

import (
	"encoding/json"
	"errors"
	"time"
)

// Kind names a kind of factor, as stored and as logged: "totp", "webauthn", "recovery".
type Kind string

// DeviceID names one device of one user; random, URL-safe, never used again.
type DeviceID string

// Device is one enrolled second factor: a phone's TOTP key, a YubiKey, a set of recovery codes.
type Device struct {
	ID           DeviceID        `json:"id"`
	Kind         Kind            `json:"kind"`
	Name         string          `json:"name"`          // given by the person, 1 to 64 characters
	App          string          `json:"app,omitempty"` // which app the person said they use: "OKTA", "GOOGLE", "" for another
	Added        time.Time       `json:"added"`
	LastUsed     time.Time       `json:"lastUsed,omitzero"`      // zero: not used since enrolment
	Copies       []Copy          `json:"copies,omitempty"`       // other phones that scanned the same QR code
	Disabled     string          `json:"disabled,omitempty"`     // "": usable; else why not: "clone", DisabledUnconfirmed
	SecretSeenBy string          `json:"secretSeenBy,omitempty"` // owner of the principal to whom the secret was shown; "": the user alone
	EnrolledBy   string          `json:"enrolledBy,omitempty"`   // with SecretSeenBy: the name of that principal
	Unique       string          `json:"unique,omitempty"`       // no two devices of the whole house may share it (a credential id, base64url); "" for none
	Data         json.RawMessage `json:"data"`                   // the kind's own, secret: never logged, never shown
}

// Usable tells whether the device may be asked for.
func (d Device) Usable() bool { return d.Disabled == "" }

// DisabledUnconfirmed is why a device is not usable that an operator enrolled: it waits for the person's word (PROTOCOL 22).
const DisabledUnconfirmed = "unconfirmed"

// Unconfirmed tells whether the device waits for the person's word.
func (d Device) Unconfirmed() bool { return d.Disabled == DisabledUnconfirmed }

// Copy is another phone that was shown a device's QR code (PROTOCOL 14).
type Copy struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Shown     time.Time `json:"shown"`              // when the QR code was on a screen: from then on the secret is out
	Confirmed time.Time `json:"confirmed,omitzero"` // zero: shown, never confirmed by a code
	ScanAgain bool      `json:"scanAgain,omitempty"`
}

// Subject is whom a ceremony is about, and where it takes place.
type Subject struct {
	Handle []byte // WebAuthn user handle: 1 to 64 random bytes, never the address
	Login  string // what the person signs in with; the account in an otpauth label
	Name   string // for people to read
	Issuer string // the house's name in an otpauth label
	Origin string // public origin, "https://login.example"
	App    string // BeginEnrol: which app the person said they use, as Device.App; "" when not said
	Device string // BeginEnrol: what the new device will be called; "" when not known yet
}

// Prompt is what the person is shown. Template names a page of the house ("totp", "webauthn", "recovery"),
// View is that template's own struct, JSON goes to the page's script (nil: none). A Prompt may hold a secret
// that is being enrolled: it is shown once and never logged.
type Prompt struct {
	Template string
	View     any
	JSON     []byte
}

// Pending is what must be remembered, sealed, between Begin and Finish. Its bytes are the kind's own.
type Pending []byte

// Reason tells why an answer was refused. The zero value means that it was not.
type Reason string

// The reasons. Only ReasonWrong counts as a guess (PROTOCOL 17).
const (
	ReasonNone     Reason = ""
	ReasonWrong    Reason = "wrong"  // a wrong code, a signature that does not verify
	ReasonReplayed Reason = "used"   // a right code whose step was used before: wait for the next one
	ReasonClock    Reason = "clock"  // two codes in a row from a clock that is off by Outcome.ClockOff (PROTOCOL 16)
	ReasonFormat   Reason = "format" // not an answer of this kind at all
	ReasonClone    Reason = "clone"  // a signature counter went back: the device must be marked
	ReasonExpired  Reason = "gone"   // the pending ceremony fits none of the devices any more: begin again
	ReasonPolicy   Reason = "policy" // a sound key of a sort that the house does not take
)

// Outcome is what a ceremony ended with.
type Outcome struct {
	// Device is the device as it must now be stored, also when Rejected (a consumed step, a clone's mark).
	// A Device without an ID means that there is nothing to store.
	Device       Device
	Rejected     Reason
	ClockOff     time.Duration // with ReasonClock: how far the device's clock is ahead (negative: behind)
	AMR          []string      // RFC 8176 names, of an accepted answer
	UserVerified bool          // this assertion carried user verification
	Pending      Pending       // what to remember for the next try of the same ceremony; nil: as before
	Shown        []string      // secrets to show once to the person and to keep nowhere (recovery codes)
	Remaining    int           // one-time answers left on the device (recovery); 0 otherwise
}

// Accepted tells whether the answer was accepted.
func (o Outcome) Accepted() bool { return o.Rejected == ReasonNone }

// Factor is one kind of second factor. Its methods change none of their arguments. An error means that the
// ceremony could not be held at all (a stored record that cannot be read); a refused answer is an Outcome.
// have is the person's devices; those of another kind and those not Usable are ignored.
type Factor interface {
	Kind() Kind
	// BeginEnrol opens an enrolment. ErrTooMany: the person has as many of the kind as are allowed.
	BeginEnrol(now time.Time, who Subject, have []Device) (Prompt, Pending, error)
	// FinishEnrol judges the answer; an accepted Outcome's Device has no Name yet and gets its ID from the caller.
	FinishEnrol(now time.Time, who Subject, p Pending, answer []byte) (Outcome, error)
	BeginVerify(now time.Time, who Subject, have []Device) (Prompt, Pending, error)
	FinishVerify(now time.Time, who Subject, have []Device, p Pending, answer []byte) (Outcome, error)
}

// Sharer is a kind whose devices can be shown again to another phone. Asked for in authn's copies.
type Sharer interface {
	// ShowQR makes the prompt that shows the device's secret again (PROTOCOL 14).
	ShowAgain(now time.Time, who Subject, d Device) (Prompt, error)
	// FinishCopy judges a code from the new phone: of a step later than any used, so that it proves a read QR code.
	FinishCopy(now time.Time, who Subject, d Device, answer []byte) (Outcome, error)
}

// ManualEntry is what a program must show of a pending enrolment. It holds the secret.
type ManualEntry struct {
	Secret string        // base32 without padding, as it is typed into an app
	Bytes  int           // of the secret
	Period time.Duration // how long a code is good
}

// AdminEnroller is a kind that a program can enrol: the person needs no page of ours for it. Asked for in authn's offers.
type AdminEnroller interface {
	ManualEntry(p Pending) (ManualEntry, error)
	// QRCodePNG is the QR code of the pending enrolment, as PNG.
	QRCodePNG(who Subject, p Pending) ([]byte, error)
}

// Importer is a kind whose devices can come from another house. Asked for in authn's import.
type Importer interface {
	// Import reads a device out of what the other house kept of it (an otpauth URI). It has a Name and no ID; Unique is
	// a digest of its key, so that two spellings of one are told to be one. Unfit tells why it cannot be taken.
	Import(now time.Time, who Subject, text string) (Device, error)
}

// ImportError tells in one word why a device from elsewhere cannot be taken; never what was given.
type ImportError string

func (u ImportError) Error() string { return "a key that cannot be taken: " + string(u) }

// Description tells others about a device without their knowing its kind.
type Description struct {
	OktaType  string   // "token:software:totp", "webauthn", …
	Provider  string   // "OKTA", "GOOGLE", "FIDO", …
	Providers []string // all that a device of the kind can have; shared, not to be changed
	Counts    bool     // counts as a device when the last one is protected (PROTOCOL 6)
	Spare     bool     // proves a person once and is then used up: a recovery code
	MaxOfKind int      // how many one person may have
	Left      int      // one-time answers left
	Strong    bool     // answers cannot be guessed nor phished: never throttled (PROTOCOL 17)
}

// Describer is asked for by authn and by the API when they list devices. Every kind of the house has it.
type Describer interface {
	Describe(d Device) Description
}

// ErrTooMany is BeginEnrol's answer when the person already has as many devices of the kind as one may have.
var ErrTooMany = errors.New("as many devices of this kind as one person may have")
