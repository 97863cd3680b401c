// Package factors defines a second factor: values in, values out. A factor has no store, no HTTP and no clock. Each
// kind is a package below this one. No other package names a kind, except cmd, which registers it.
package factors

import (
	"encoding/json"
	"errors"
	"time"
)

// Kind names a kind of factor in stored records and in the audit log, such as "totp" or "webauthn".
type Kind string

// DeviceID identifies one device of one user. It is random and URL-safe, and is not used again.
type DeviceID string

// Device is an enrolled second factor, such as a phone's TOTP key, a security key or a set of recovery codes.
type Device struct {
	ID           DeviceID        `cbor:"1,keyasint"`
	Kind         Kind            `cbor:"2,keyasint"`
	Name         string          `cbor:"3,keyasint"`           // given by the user, 1 to 64 characters
	App          string          `cbor:"4,keyasint,omitempty"` // provider that was chosen at enrolment, such as "OKTA"; "" for another
	Added        time.Time       `cbor:"5,keyasint"`
	LastUsed     time.Time       `cbor:"6,keyasint,omitzero"`   // zero: not used since enrolment
	Copies       []Copy          `cbor:"7,keyasint,omitempty"`  // other phones that scanned the same QR code
	Disabled     string          `cbor:"8,keyasint,omitempty"`  // "": usable; else the reason: "clone", DisabledUnconfirmed
	Frozen       time.Time       `cbor:"9,keyasint,omitzero"`   // with its copies, as lost or stolen (protocol rule 12); zero: not frozen
	FrozenBy     string          `cbor:"10,keyasint,omitempty"` // with Frozen: the name of the administrator; "": the user
	SecretSeenBy string          `cbor:"11,keyasint,omitempty"` // owner of the principal that saw the secret; "": the user alone
	EnrolledBy   string          `cbor:"12,keyasint,omitempty"` // with SecretSeenBy: the name of that principal
	Unique       string          `cbor:"13,keyasint,omitempty"` // at most one device of the service may have this value; "": no limit
	Data         json.RawMessage `cbor:"14,keyasint"`           // the kind's own record, secret: never logged, never shown
}

// Usable reports whether the device may be asked for.
func (d Device) Usable() bool { return d.Disabled == "" && !d.IsFrozen() }

// IsFrozen reports whether the device is frozen (protocol rule 12).
func (d Device) IsFrozen() bool { return !d.Frozen.IsZero() }

// DisabledUnconfirmed marks a device that an administrator enrolled and the user did not confirm yet (protocol rule 22).
const DisabledUnconfirmed = "unconfirmed"

// Unconfirmed reports whether the user must still confirm the device.
func (d Device) Unconfirmed() bool { return d.Disabled == DisabledUnconfirmed }

// Copy is another phone that was shown a device's QR code (protocol rule 14).
type Copy struct {
	ID        string    `cbor:"1,keyasint"`
	Name      string    `cbor:"2,keyasint"`
	Shown     time.Time `cbor:"3,keyasint"`          // when the QR code was shown: from then on the phone may have the secret
	Confirmed time.Time `cbor:"4,keyasint,omitzero"` // zero: shown, not confirmed by a code
	ScanAgain bool      `cbor:"5,keyasint,omitempty"`
}

// Input is how a user gives an answer.
type Input string

// The inputs. Their values also select a method on the pages, in the parameter "method".
const (
	InputCode      Input = "code"   // short digits that the user types; guessing is limited (protocol rule 17)
	InputAssertion Input = "key"    // a WebAuthn assertion, which resists phishing and guessing
	InputBackup    Input = "backup" // a saved code, which is used up by one answer
)

// Method describes a kind. It is constant, and its slices are shared and must not be changed.
type Method struct {
	Input     Input
	Slug      string        // the enrolment page is at /enrol/{slug}, from pages/enrol_{slug}.html; its words are "kind.{slug}.*"
	OktaType  string        // factorType in the API, such as "token:software:totp"
	Providers []string      // every value that Status.Provider may have and that a caller may name
	Max       int           // devices of the kind that one user may have
	Primary   bool          // protects the account when it is the last device (protocol rule 6)
	Period    time.Duration // how long the device shows one code; 0: until the user asks for the next one
}

// Status is what a device's record tells about it.
type Status struct {
	Provider  string // one of Method.Providers
	Remaining int    // one-time answers left; 0 for a kind without a fixed number
}

// Subject is the user whom a ceremony is about, and where it takes place.
type Subject struct {
	Handle []byte // WebAuthn user handle: 1 to 64 random bytes, never the address
	Login  string // the account in an otpauth label
	Name   string // display name
	Issuer string // name of the service in an otpauth label
	Origin string // public origin, "https://login.example"
	App    string // BeginEnrol: the chosen provider, as Device.App; "" for another
	Device string // BeginEnrol: the name of the new device; "" if it is not known yet
}

// Prompt is what the user is shown. View is for the kind's page, JSON for the page's script (nil: none). A Prompt
// may hold a secret that is being enrolled: it is shown once and never logged.
type Prompt struct {
	View any
	JSON []byte
}

// Pending is what the caller keeps, sealed, between Begin and Finish. Its bytes are the kind's own.
type Pending []byte

// Reason is why an answer was refused. The zero value means that it was accepted.
type Reason string

// The reasons. ReasonWrong, ReasonClock and ReasonResync count as guesses (protocol rule 17).
const (
	ReasonNone     Reason = ""
	ReasonWrong    Reason = "wrong"  // a wrong code, a signature that does not verify
	ReasonReplayed Reason = "used"   // a right code that was used before
	ReasonClock    Reason = "clock"  // the second code in a row from a clock that is off by Outcome.ClockOff (protocol rule 16)
	ReasonResync   Reason = "resync" // a code of a counter far ahead: the next code of the same device settles it
	ReasonFormat   Reason = "format" // not an answer of this kind
	ReasonClone    Reason = "clone"  // a signature counter went back: the device must be marked
	ReasonExpired  Reason = "gone"   // the pending ceremony fits no device: begin again
	ReasonPolicy   Reason = "policy" // a valid key of a model that the service does not accept
	ReasonPIN      Reason = "pin"    // a valid key that did not verify its user, which the service requires
	ReasonBackup   Reason = "backup" // a valid key that is backup eligible and was not at its enrolment, or the reverse
	ReasonTaken    Reason = "taken"  // a key that the user has enrolled already
)

// Outcome is the result of a ceremony.
type Outcome struct {
	// Device is the device as it must now be stored, also if the answer was refused: a consumed step, the mark of a
	// clone. A Device without an ID means that there is nothing to store.
	Device       Device
	Rejected     Reason
	ClockOff     time.Duration // with ReasonClock: how far the device's clock is ahead (negative: behind)
	AMR          []string      // RFC 8176 names, of an accepted answer
	UserVerified bool          // the assertion carried user verification
	Pending      Pending       // what the next try of the same ceremony gets; nil: nothing
	Shown        []string      // secrets to show once and to keep nowhere (recovery codes)
	Remaining    int           // one-time answers left on the device; 0 for a kind without a fixed number
}

// Accepted reports whether the answer was accepted.
func (o Outcome) Accepted() bool { return o.Rejected == ReasonNone }

// Factor is one kind of second factor. Its methods do not change their arguments. An error means that the ceremony
// could not take place, for example because a stored record cannot be read; a refused answer is an Outcome.
// devices are those of the user; those of another kind and those that are not Usable are ignored.
type Factor interface {
	Kind() Kind
	Method() Method
	Status(d Device) Status
	// BeginEnrol opens an enrolment. ErrTooMany: the user has Max devices of the kind.
	BeginEnrol(now time.Time, subject Subject, devices []Device) (Prompt, Pending, error)
	// FinishEnrol judges the answer. The caller gives the Device of an accepted Outcome its ID and its Name.
	FinishEnrol(now time.Time, subject Subject, p Pending, answer []byte) (Outcome, error)
	BeginVerify(now time.Time, subject Subject, devices []Device) (Prompt, Pending, error)
	FinishVerify(now time.Time, subject Subject, devices []Device, p Pending, answer []byte) (Outcome, error)
}

// Sharer is implemented by a kind whose devices can be shown again to another phone.
type Sharer interface {
	// ShowQR returns the prompt that shows the device's secret again (protocol rule 14).
	ShowAgain(now time.Time, subject Subject, d Device) (Prompt, error)
	// FinishCopy judges a code from the new phone. It must be of a later step than any used, so that it proves a scan.
	FinishCopy(now time.Time, subject Subject, d Device, answer []byte) (Outcome, error)
}

// ManualEntry is what a caller must show of a pending enrolment. It holds the secret.
type ManualEntry struct {
	Secret string // base32 without padding, as it is typed into an app
	Bytes  int    // length of the secret
}

// AdminEnroller is implemented by a kind that an administrator can enrol through the API, without a page.
type AdminEnroller interface {
	ManualEntry(p Pending) (ManualEntry, error)
	// QRCodePNG returns the QR code of the pending enrolment.
	QRCodePNG(subject Subject, p Pending) ([]byte, error)
}

// Seed is the secret of a device that was programmed elsewhere, such as a hardware token.
type Seed struct {
	Secret  []byte
	Counter uint64 // the next counter of the device
}

// SeedEnroller is implemented by a kind whose devices have a secret of their own, which an administrator supplies.
type SeedEnroller interface {
	// BeginEnrolSeed opens an enrolment with this secret instead of a new one. ErrTooMany, ImportError.
	BeginEnrolSeed(now time.Time, subject Subject, devices []Device, seed Seed) (Pending, error)
}

// Renewer is implemented by a kind whose answers could be given again if the store goes back to an older state.
type Renewer interface {
	// Renew returns the device with every answer used up that was possible until now.
	Renew(now time.Time, d Device) (Device, error)
}

// Importer is implemented by a kind whose devices can come from another service.
type Importer interface {
	// Import reads a device from an otpauth URI. The Device has a Name and no ID; its Unique is a digest of the secret,
	// so that two spellings of one secret are recognised. ImportError: the URI is refused. ImportOtherKind: it
	// describes a device of another kind.
	Import(now time.Time, subject Subject, uri string) (Device, error)
}

// ImportError is one word for why a device cannot be imported. It does not contain the input.
type ImportError string

func (e ImportError) Error() string { return "secret cannot be imported: " + string(e) }

// ImportOtherKind is the ImportError of a URI that another kind may read.
const ImportOtherKind ImportError = "unsupported"

// ErrTooMany is returned by BeginEnrol if the user already has the maximum number of devices of the kind.
var ErrTooMany = errors.New("too many devices of this kind")
