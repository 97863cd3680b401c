package templates

import (
	"encoding/json"
	"time"
)

// Account is the home of a person who is signed in: devices, sessions, applications, password, language,
// recent events.
//
//	GET /account
//	POST /account/devices/{id}/rename           name
//	GET  /account/devices/{id}/remove           leads to DeviceRemove
//	GET  /account/devices/{id}/confirm          leads to DeviceConfirm
//	GET  /account/devices/{id}/show             leads to DeviceShow
//	GET  /account/devices/{id}/copies/{copy}    leads to CopyRemove
//	GET  /account/add                           leads to AddDevice
//	GET  /account/recovery                      leads to RecoveryRenew
//	POST /account/sessions/{id}/end             (no field)
//	POST /account/sessions/end-others           (no field)
//	POST /account/applications/{id}/withdraw    (no field)
//	GET  /account/password                      leads to PasswordChange
//	POST /language                              lang, next
type Account struct {
	Base
	Login         string
	Garages       []string
	Devices       []Device
	RecoveryLeft  int  // 0: none left or none made
	RecoveryMade  bool // a set exists
	AtRisk        bool // one lost device would lock the person out
	CopiesAllowed bool // the policy lets a QR code be shown again
	Sessions      []Session
	Applications  []Application
	Events        []Event
}

func (Account) template() string { return "account" }

// Device is one device as a person sees it.
type Device struct {
	ID        string
	Name      string
	Slug      string // of the kind; its name is "kind.{Slug}.name"
	Input     string // "code" or "key"
	Shareable bool   // its QR code can be shown to another phone
	App       App
	Added     time.Time
	LastUsed  time.Time // zero: not used yet
	Disabled  string    // "clone": a copy of the key seems to exist; "scan_again": its QR code was replaced; "unconfirmed": see By; "": usable
	By        string    // who enrolled it for the person; "": the person
	Copies    []Copy
	Last      bool // the last one that counts: it cannot be removed
}

// Copy is another phone that was shown a device's QR code.
type Copy struct {
	ID        string
	Name      string
	Shown     time.Time
	Confirmed bool
	ScanAgain bool // must scan again before it works
}

// Application is one that the person let know of them.
type Application struct {
	ID    string
	Name  string
	Since time.Time
}

// Session is one place where the person is signed in.
type Session struct {
	ID      string
	Browser string // "Firefox, Android"; "" when unknown
	Address string
	Started time.Time
	Seen    time.Time
	This    bool
	Program bool // a program signed the person in, without a browser
}

// Event is one thing that happened, told in plain words.
type Event struct {
	At      time.Time
	Action  string // the audit event's name; one that we have no words for is told in general
	Device  string // name of the device concerned, "" for none
	Browser string
	Address string
	OK      bool
}

// StepUp asks for a device for the act that follows.
//
//	GET /account/prove?next=/account/…   POST /account/prove    code, next
//	POST /account/prove/key                                     JSON {"answer": …, "next": …} by script
type StepUp struct {
	Base
	Next       string // path of the act, one of ours
	Method     string // "code" or "key"; /account/prove?method=key&next=…
	Phones     int
	Keys       []string
	KeyOptions json.RawMessage // request options; Method "key" only
}

func (StepUp) template() string { return "prove" }

// AddDevice offers the two ways to a second phone or tablet, and a YubiKey.
//
//	GET /account/add   POST /enrol/begin as in Choose, or a link to /account/devices/{id}/show
type AddDevice struct {
	Base
	Phones        []Device // whose QR code could be shown again; none when the policy forbids it
	Choices       []Choice
	Full          []string // slugs of the kinds of which the user has the maximum
	CopiesAllowed bool
}

func (AddDevice) template() string { return "add_device" }

// DeviceConfirm takes the person's word for a device that an operator enrolled for them.
//
//	GET, POST /account/devices/{id}/confirm    code
type DeviceConfirm struct {
	Base
	Device Device
}

func (DeviceConfirm) template() string { return "device_confirm" }

// DeviceRemove confirms a removal.
//
//	GET, POST /account/devices/{id}/remove    (no field)
type DeviceRemove struct {
	Base
	Device Device
}

func (DeviceRemove) template() string { return "device_remove" }

// DeviceShow asks for a code there and then before a QR code is shown again (PROTOCOL 5).
//
//	GET, POST /account/devices/{id}/show    name (of the new phone), code
type DeviceShow struct {
	Base
	Device   Device
	CopyName string
	Wait     time.Duration // until the next code, when the present one is used up already; counts down
}

func (DeviceShow) template() string { return "device_show" }

// DeviceShown shows the QR code again; the new phone confirms.
//
//	POST /account/devices/{id}/copy    code, copy
type DeviceShown struct {
	Base
	Scan
	Device   Device
	CopyID   string
	CopyName string
}

func (DeviceShown) template() string { return "device_shown" }

// CopyRemove removes a copy (PROTOCOL 15).
//
//	GET, POST /account/devices/{id}/copies/{copy}    (no field)
type CopyRemove struct {
	Base
	Device Device
	Copy   Copy
	Others []string // other phones with the same QR code, which must scan again
	Proven bool     // another proven device is left: the old QR code stops at once; otherwise it works until the new one is confirmed
}

func (CopyRemove) template() string { return "copy_remove" }

// Replace shows the new QR code that takes the place of one whose phone is lost (PROTOCOL 15).
//
//	GET /account/devices/{id}/replace   POST /account/devices/{id}/replace    code
type Replace struct {
	Base
	Scan
	Device Device
	Lost   string   // name of the phone that stops working
	Others []string // those that must scan again
	Works  bool     // the lost phone works until this is finished
}

func (Replace) template() string { return "replace" }

// RecoveryRenew confirms that new recovery codes take the place of the old ones.
//
//	GET, POST /account/recovery    (no field); the POST shows Codes
type RecoveryRenew struct {
	Base
	Left int
	Made bool
}

func (RecoveryRenew) template() string { return "recovery_renew" }

// PasswordChange changes a password that the person knows.
//
//	GET, POST /account/password    current, password
type PasswordChange struct {
	Base
	Login string
	Least int
}

func (PasswordChange) template() string { return "password_change" }
