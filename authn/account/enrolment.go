package account

import (
	"time"

	"barillet/factors"
)

// PendingEnrolment is an enrolment that is not finished. Its secret cannot be used before the first correct code
// (promise A8), except that recovery codes count as soon as they are shown.
type PendingEnrolment struct {
	Kind    factors.Kind     `json:"kind"`
	App     string           `json:"app,omitempty"`
	Name    string           `json:"name"`
	Replace factors.DeviceID `json:"replace,omitempty"` // the device that it replaces (protocol rule 15)
	Lost    string           `json:"lost,omitempty"`    // with Replace: the copy that was lost
	Shown   factors.DeviceID `json:"shown,omitempty"`   // recovery codes, which count as soon as they are shown (protocol rule 6)
	Pending factors.Pending  `json:"pending,omitempty"` // empty with Shown
	Prompt  Prompt           `json:"prompt"`
	Expires time.Time        `json:"expires" ahead:"10m"`
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
	Device  factors.DeviceID `json:"device"`
	Copy    string           `json:"copy"`
	Name    string           `json:"name"`
	Prompt  Prompt           `json:"prompt"`
	Expires time.Time        `json:"expires" ahead:"10m"`
}

// AdminEnrolment is an enrolment that an administrator started for the user through the API (protocol rule 22). The secret
// was in the response that started it and cannot be used before the first correct code. A user has at most one; a new one
// replaces it.
type AdminEnrolment struct {
	ID         factors.DeviceID `json:"id"`
	Kind       factors.Kind     `json:"kind"`
	App        string           `json:"app,omitempty"`
	Name       string           `json:"name"`
	By         string           `json:"by"`         // id of the principal, which alone can read the QR code and cancel
	Provenance string           `json:"provenance"` // owner of the principal
	ByName     string           `json:"byName"`     // display name of the principal
	Epoch      uint64           `json:"epoch"`
	Pending    factors.Pending  `json:"pending"`
	At         time.Time        `json:"at"`
	Expires    time.Time        `json:"expires" since:"At"`
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
