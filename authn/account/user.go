package account

import (
	"encoding/json"
	"slices"
	"time"

	"barillet/authn/account/origin"
	"barillet/factors"
	"barillet/internal/secret"
)

// UserID and GroupID are the ids of users and groups. They are random and never used again.
type (
	UserID  string
	GroupID string
)

// Status is the status of a user, with the values of the Okta API.
type Status string

// The stored statuses; status.go has the others. Only an active user can sign in.
const (
	StatusStaged      Status = "STAGED"        // created, not invited
	StatusProvisioned Status = "PROVISIONED"   // invited, never signed in
	StatusActive      Status = "ACTIVE"        // has a password
	StatusSuspended   Status = "SUSPENDED"     // cannot sign in, keeps password and devices
	StatusDeactivated Status = "DEPROVISIONED" // deactivated
)

// Limits of one user record. With all of them reached, the record is smaller than the size limit of the store.
const (
	MaxTickets        = 3
	MaxSessions       = 32
	MaxBrowsers       = 32
	maxActivity       = 20
	MaxCopies         = 5        // of one QR code
	MaxShowings       = 3        // of QR codes in 24 hours (protocol rule 14)
	maxTicketRenewals = 3        // of tickets in 24 hours (protocol rule 10)
	maxProfile        = 16 << 10 // bytes of custom profile members
	MaxName           = 64       // characters of a name of a user or device
	sameAsLogin       = "="      // no address
)

// User is the record of a user, with their devices and tickets, so that a sign-in or a reset writes one record.
type User struct {
	ID          UserID           `cbor:"-"`                    // the key of the record
	Revision    uint64           `cbor:"2,keyasint"`           // rises with each write; a result is stored only if the revision is still that of the check
	Handle      []byte           `cbor:"3,keyasint"`           // WebAuthn user handle, random
	Login       string           `cbor:"4,keyasint"`           // normalized; unique among all logins and addresses
	Email       string           `cbor:"5,keyasint"`           // in the record sameAsLogin if it is the login
	SecondEmail string           `cbor:"6,keyasint,omitempty"` // a second address for notifications
	Given       Given            `cbor:"7,keyasint,omitzero"`  // the login and the addresses as they were given
	FirstName   string           `cbor:"8,keyasint,omitempty"` // NFC, as input.Name returns it
	LastName    string           `cbor:"9,keyasint,omitempty"`
	Profile     json.RawMessage  `cbor:"10,keyasint,omitempty"` // custom members, an object
	Locale      string           `cbor:"11,keyasint,omitempty"` // "": Policy.DefaultLocale
	Status      Status           `cbor:"12,keyasint"`
	Groups      []GroupID        `cbor:"13,keyasint,omitempty"`
	Roles       []RoleAssignment `cbor:"14,keyasint,omitempty"`
	DemotedBy   string           `cbor:"15,keyasint,omitempty"` // owner of the principal who removed a role of their own rank (protocol rule 11)
	Placeholder bool             `cbor:"16,keyasint,omitempty"` // a placeholder account; see placeholder.go

	// Epoch and PasswordEpoch are described in protocol rules 2 and 3. Resets counts resets; each raises Epoch too.
	Epoch         uint64 `cbor:"17,keyasint"`
	PasswordEpoch uint64 `cbor:"18,keyasint"`
	Resets        uint64 `cbor:"19,keyasint"`

	EmailProvenance EmailProvenance `cbor:"20,keyasint,omitzero"`
	PasswordLink    PasswordLink    `cbor:"21,keyasint,omitzero"`

	Password          Password          `cbor:"22,keyasint"`
	Devices           []factors.Device  `cbor:"23,keyasint,omitempty"`
	EverHadDevice     bool              `cbor:"24,keyasint,omitempty"` // true if a device was ever enrolled; the user is then reset, not invited (protocol rule 10)
	Tickets           []Ticket          `cbor:"25,keyasint,omitempty"`
	AdminEnrolment    *AdminEnrolment   `cbor:"26,keyasint,omitempty"` // in progress; see PendingDevice
	AdminVerification *factors.Ceremony `cbor:"27,keyasint,omitempty"` // state of a verification by an administrator
	ResetAt           time.Time         `cbor:"28,keyasint,omitzero"`  // time of the last reset; zero after the next enrolment
	Invited           Invitation        `cbor:"29,keyasint,omitzero"`
	Showings          []time.Time       `cbor:"30,keyasint,omitempty" within:"any"` // times at which a QR code was shown again, in the last 24 hours
	Renewals          []time.Time       `cbor:"31,keyasint,omitempty" within:"any"` // times at which a ticket was resent, in the last 24 hours

	Sessions []SessionRef `cbor:"32,keyasint,omitempty"`
	Browsers []BrowserRef `cbor:"33,keyasint,omitempty"`
	Activity []Activity   `cbor:"34,keyasint,omitempty"` // newest last

	Created   time.Time `cbor:"35,keyasint"`
	Activated time.Time `cbor:"36,keyasint,omitzero"`
	Changed   time.Time `cbor:"37,keyasint"`
	StatusAt  time.Time `cbor:"38,keyasint,omitzero"`
	LastLogin time.Time `cbor:"39,keyasint,omitzero"`

	ReenrolledAt time.Time `cbor:"40,keyasint,omitzero"` // first enrolment after the last reset; zero: none yet, or never reset

	PrimaryPhone Phone `cbor:"41,keyasint,omitzero"`
	MobilePhone  Phone `cbor:"42,keyasint,omitzero"`

	Sponsors origin.Sponsors `cbor:"43,keyasint,omitempty"`
	Joins    origin.Joins    `cbor:"44,keyasint,omitempty"`

	DisplayStatus Status `cbor:"-"` // result of Reader.DisplayStatus; "" if it was not computed

	stored  Summary // the summary in the store; zero: none or not loaded
	indexed indexed // what the indexes in the store have; zero: none or not loaded
}

// SessionRef refers to a Session record by its key.
type SessionRef struct {
	Hash  string    `cbor:"1,keyasint"`
	Since time.Time `cbor:"2,keyasint"`
}

// BrowserRef refers to a known browser of the user (protocol rule 4).
type BrowserRef struct {
	Hash  string    `cbor:"1,keyasint"`
	Since time.Time `cbor:"2,keyasint"`
	Seen  time.Time `cbor:"3,keyasint"`
}

// DisplayName returns the first and last name; the login if both are empty.
func (u *User) DisplayName() string {
	switch {
	case u.FirstName != "" && u.LastName != "":
		return u.FirstName + " " + u.LastName
	case u.FirstName+u.LastName != "":
		return u.FirstName + u.LastName
	}
	return u.Login
}

// Addresses returns the one or two addresses for notifications, without duplicates. A placeholder has one empty address, to
// which no email is sent.
func (u *User) Addresses() []string {
	if u.Placeholder {
		return []string{""}
	}
	var out []string
	for _, a := range []string{u.Email, u.SecondEmail} {
		if a != "" && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	return out
}

// LastDay returns the times of the last 24 hours.
func LastDay(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return !now.Before(t.Add(24 * time.Hour)) })
}

// Device returns the device with an id; nil if there is none.
func (u *User) Device(id factors.DeviceID) *factors.Device {
	for i := range u.Devices {
		if u.Devices[i].ID == id {
			return &u.Devices[i]
		}
	}
	return nil
}

// KnowsBrowser reports whether the user completed a sign-in on the browser within KnownBrowserTTL.
func (u *User) KnowsBrowser(browser secret.Value, now time.Time) bool {
	if browser.IsZero() {
		return false
	}
	hash := browser.Key()
	return slices.ContainsFunc(u.Browsers, func(b BrowserRef) bool {
		return b.Hash == hash && now.Before(b.Seen.Add(KnownBrowserTTL))
	})
}
