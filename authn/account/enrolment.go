package account

import (
	"time"

	"barillet/factors"
)

// PendingEnrolment is a device being enrolled: its secret is worthless until it is confirmed (BAR A8).
type PendingEnrolment struct {
	Kind    factors.Kind     `json:"kind"`
	App     string           `json:"app,omitempty"`
	Name    string           `json:"name"`
	Replace factors.DeviceID `json:"replace,omitempty"` // PROTOCOL 15: takes the place of this device
	Lost    string           `json:"lost,omitempty"`    // with Replace: the copy that is gone
	Pending factors.Pending  `json:"pending"`
	Prompt  Prompt           `json:"prompt"`
	Expires time.Time        `json:"expires"`
}

// ForDisplay is the enrolment as a page may have it; nil when it is over.
func (e *PendingEnrolment) ForDisplay(now time.Time) *PendingEnrolment {
	if e == nil || !now.Before(e.Expires) {
		return nil
	}
	out := *e
	out.Pending = nil
	return &out
}

// PendingCopy is a QR code that is being shown again in a session.
type PendingCopy struct {
	Device  factors.DeviceID `json:"device"`
	Copy    string           `json:"copy"`
	Name    string           `json:"name"`
	Prompt  Prompt           `json:"prompt"`
	Expires time.Time        `json:"expires"`
}

// AdminEnrolment is a device that an operator is enrolling for the person through the API (PROTOCOL 22). Its secret was in the
// one answer that began it and is worthless until the first code. A person has one at most: the next takes its place.
type AdminEnrolment struct {
	ID         factors.DeviceID `json:"id"`
	Kind       factors.Kind     `json:"kind"`
	App        string           `json:"app,omitempty"`
	Name       string           `json:"name"`
	By         string           `json:"by"`         // id of the operator, such as that of a token: nobody else sees its picture or ends it
	Provenance string           `json:"provenance"` // the operator's owner, by whom hands are judged
	ByName     string           `json:"byName"`     // the operator's name, for people to read
	Epoch      uint64           `json:"epoch"`
	Pending    factors.Pending  `json:"pending"`
	At         time.Time        `json:"at"`
	Expires    time.Time        `json:"expires"`
}

// PendingDevice is the device that is being enrolled for the person, without Data; false when there is none.
func (u *User) PendingDevice(now time.Time) (factors.Device, bool) {
	o := u.AdminEnrolment
	if o == nil || !now.Before(o.Expires) || o.Epoch != u.Epoch {
		return factors.Device{}, false
	}
	return factors.Device{ID: o.ID, Kind: o.Kind, App: o.App, Name: o.Name, Added: o.At, SecretSeenBy: o.Provenance, EnrolledBy: o.ByName}, true
}

// HasOnlyImportedDevice tells whether the person has nothing but a device from another house, with which they have not signed
// in here. Nobody has shown yet that the phone is theirs, so they can still be invited, which ends it.
func (u *User) HasOnlyImportedDevice() bool { return !u.EverHadDevice && len(u.Devices) > 0 }
