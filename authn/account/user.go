package account

import (
	"encoding/json"
	"slices"
	"time"

	"barillet/factors"
	"barillet/internal/secret"
)

// UserID names a person for ever; GroupID a garage. They are random and never used again.
type (
	UserID  string
	GroupID string
)

// Status is where a person stands, in Okta's words.
type Status string

// The states of a person that are stored; state.go has those that follow. Only an active one can sign in.
const (
	StatusStaged      Status = "STAGED"        // made, not yet invited
	StatusProvisioned Status = "PROVISIONED"   // invited, has not signed in yet
	StatusActive      Status = "ACTIVE"        // has a password
	StatusSuspended   Status = "SUSPENDED"     // keeps everything, cannot sign in
	StatusDeactivated Status = "DEPROVISIONED" // deactivated
)

// Limits of one person's record, so that it stays below the store's value limit.
const (
	MaxTickets        = 3
	MaxSessions       = 32
	MaxBrowsers       = 32
	maxActivity       = 20
	MaxCopies         = 5        // of one QR code
	MaxShowings       = 3        // of QR codes in 24 hours (PROTOCOL 14)
	maxTicketRenewals = 3        // of tickets in 24 hours (PROTOCOL 10)
	maxProfile        = 16 << 10 // bytes of custom profile members
	MaxName           = 64       // characters of a device's or person's name
)

// User is one person, in one record: a sign-in reads and writes this one key and a reset is one write.
type User struct {
	ID          UserID           `json:"id"`
	Revision    uint64           `json:"revision"` // rises with every write: an outcome is stored only on the record that was judged
	Handle      []byte           `json:"handle"`   // WebAuthn user handle, random
	Login       string           `json:"login"`    // normalised; unique together with every other login and address
	Email       string           `json:"email"`
	SecondEmail string           `json:"secondEmail,omitempty"` // a second address for notices
	FirstName   string           `json:"firstName,omitempty"`
	LastName    string           `json:"lastName,omitempty"`
	Profile     json.RawMessage  `json:"profile,omitempty"` // custom members, an object
	Locale      string           `json:"locale,omitempty"`  // "": the operator's default
	Status      Status           `json:"status"`
	Groups      []GroupID        `json:"groups,omitempty"`
	Roles       []RoleAssignment `json:"roles,omitempty"`
	DemotedBy   string           `json:"demotedBy,omitempty"`   // owner of the operator who took a role as high as their own (PROTOCOL 11)
	Placeholder bool             `json:"placeholder,omitempty"` // stands for somebody outside the inviter's scope: see shadow.go

	// Epoch and its two parts: PROTOCOL 2 and 3. Resets counts those moves of Epoch that were a reset.
	Epoch         uint64 `json:"epoch"`
	PasswordEpoch uint64 `json:"passwordEpoch"`
	Resets        uint64 `json:"resets"`

	EmailProvenance EmailProvenance `json:"emailProvenance,omitzero"`
	PasswordLink    PasswordLink    `json:"passwordLink,omitzero"`

	Password          Password         `json:"password"`
	Devices           []factors.Device `json:"devices,omitempty"`
	EverHadDevice     bool             `json:"everHadDevice,omitempty"` // ever: whoever had one is never invited again (PROTOCOL 10)
	Tickets           []Ticket         `json:"tickets,omitempty"`
	AdminEnrolment    *AdminEnrolment  `json:"adminEnrolment,omitempty"`    // a device that an operator is enrolling
	AdminVerification *Ceremony        `json:"adminVerification,omitempty"` // between two codes that operators had verified
	ResetAt           time.Time        `json:"resetAt,omitzero"`            // the last reset, until a device is enrolled after it
	Invited           Invitation       `json:"invited,omitzero"`
	Showings          []time.Time      `json:"showings,omitempty"` // of QR codes again, in the last 24 hours
	Renewals          []time.Time      `json:"renewals,omitempty"` // of tickets, in the last 24 hours

	Sessions []SessionRef `json:"sessions,omitempty"`
	Browsers []BrowserRef `json:"browsers,omitempty"`
	Activity []Activity   `json:"activity,omitempty"` // newest last

	Created   time.Time `json:"created"`
	Activated time.Time `json:"activated,omitzero"`
	Changed   time.Time `json:"changed"`
	StatusAt  time.Time `json:"statusAt,omitzero"`
	LastLogin time.Time `json:"lastLogin,omitzero"`

	DisplayStatus Status `json:"-"` // as Reader.State told it for an answer; "" wherever nobody asked

	stored Summary // as it is stored; zero: not known to be
}

// SessionRef and BrowserRef list what is alive of a person; the records themselves are elsewhere.
type SessionRef struct {
	Hash  string    `json:"hash"`
	Since time.Time `json:"since"`
}

// BrowserRef is a browser that completed a sign-in of this person (PROTOCOL 4).
type BrowserRef struct {
	Hash  string    `json:"hash"`
	Since time.Time `json:"since"`
	Seen  time.Time `json:"seen"`
}

// DisplayName is the person's name, else the login.
func (u *User) DisplayName() string {
	switch {
	case u.FirstName != "" && u.LastName != "":
		return u.FirstName + " " + u.LastName
	case u.FirstName+u.LastName != "":
		return u.FirstName + u.LastName
	}
	return u.Login
}

// Addresses are those that notices go to: at least one and at most two, never the same twice. A shadow's only one
// is the empty text, to which nothing is sent.
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

// LastDay keeps the times of the last 24 hours. A strict window, which a bucket that refills is not.
func LastDay(times []time.Time, now time.Time) []time.Time {
	return slices.DeleteFunc(slices.Clone(times), func(t time.Time) bool { return !now.Before(t.Add(24 * time.Hour)) })
}

// Device finds one by its id; nil when there is none.
func (u *User) Device(id factors.DeviceID) *factors.Device {
	for i := range u.Devices {
		if u.Devices[i].ID == id {
			return &u.Devices[i]
		}
	}
	return nil
}

// KnowsBrowser tells whether the browser completed a sign-in of this person within the last 180 days.
func (u *User) KnowsBrowser(browser secret.Value, now time.Time) bool {
	if browser.IsZero() {
		return false
	}
	hash := browser.Hash()
	return slices.ContainsFunc(u.Browsers, func(b BrowserRef) bool {
		return b.Hash == hash && now.Before(b.Seen.Add(KnownBrowserTTL))
	})
}
