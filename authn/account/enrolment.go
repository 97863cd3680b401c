package account

import (
	"time"

	"barillet/factors"
)

// PendingEnrolment is an enrolment that is not finished. Its secret cannot be used before the first correct code
// (promise A8), except that recovery codes count as soon as they are shown.
type PendingEnrolment struct {
	Kind    factors.Kind     `cbor:"1,keyasint"`
	App     string           `cbor:"2,keyasint,omitempty"`
	Name    string           `cbor:"3,keyasint"`
	Replace factors.DeviceID `cbor:"4,keyasint,omitempty"` // the device that it replaces (protocol rule 15)
	Lost    string           `cbor:"5,keyasint,omitempty"` // with Replace: the copy that was lost
	Shown   factors.DeviceID `cbor:"6,keyasint,omitempty"` // recovery codes, which count as soon as they are shown (protocol rule 6)
	Pending factors.Pending  `cbor:"7,keyasint,omitempty"` // empty with Shown
	Prompt  Prompt           `cbor:"8,keyasint"`
	Expires time.Time        `cbor:"9,keyasint" ahead:"10m"`
}

// ForDisplay returns the enrolment without its secret state; nil if there is none or it has expired.
func (e *PendingEnrolment) ForDisplay(now time.Time) *PendingEnrolment {
	if e == nil || !now.Before(e.Expires) {
		return nil
	}
	out := *e
	out.Pending = nil
	return &out
}

// PendingCopy is a QR code that a session shows again, for another phone.
type PendingCopy struct {
	Device  factors.DeviceID `cbor:"1,keyasint"`
	Copy    string           `cbor:"2,keyasint"`
	Name    string           `cbor:"3,keyasint"`
	Prompt  Prompt           `cbor:"4,keyasint"`
	Expires time.Time        `cbor:"5,keyasint" ahead:"10m"`
}

// AdminEnrolment is an enrolment that an administrator started for the user through the API (protocol rule 22). The secret
// was in the response that started it and cannot be used before the first correct code. A user has at most one; a new one
// replaces it.
type AdminEnrolment struct {
	ID         factors.DeviceID `cbor:"1,keyasint"`
	Kind       factors.Kind     `cbor:"2,keyasint"`
	App        string           `cbor:"3,keyasint,omitempty"`
	Name       string           `cbor:"4,keyasint"`
	By         string           `cbor:"5,keyasint"` // id of the principal, which alone can read the QR code and cancel
	Provenance string           `cbor:"6,keyasint"` // owner of the principal
	ByName     string           `cbor:"7,keyasint"` // display name of the principal
	Epoch      uint64           `cbor:"8,keyasint"`
	Pending    factors.Pending  `cbor:"9,keyasint"`
	At         time.Time        `cbor:"10,keyasint"`
	Expires    time.Time        `cbor:"11,keyasint" since:"At"`
}

// PendingDevice returns the device of the admin enrolment, without Data; false if there is none.
func (u *User) PendingDevice(now time.Time) (factors.Device, bool) {
	e := u.AdminEnrolment
	if e == nil || !now.Before(e.Expires) || e.Epoch != u.Epoch {
		return factors.Device{}, false
	}
	return factors.Device{ID: e.ID, Kind: e.Kind, App: e.App, Name: e.Name, Added: e.At, SecretSeenBy: e.Provenance, EnrolledBy: e.ByName}, true
}

// HasOnlyImportedDevice reports whether the user has only an imported device with which they have not signed in yet. Such a
// user can still be invited; the invitation removes the device.
func (u *User) HasOnlyImportedDevice() bool { return !u.EverHadDevice && len(u.Devices) > 0 }
