package templates

import (
	"encoding/json"
	"time"
)

// Account is the page of a signed-in user: devices, recovery codes, password, language, sessions, applications and
// recent events.
//
//	GET /account
//	POST /account/devices/{id}/rename           name
//	GET  /account/devices/{id}/remove           leads to DeviceRemove
//	GET  /account/devices/{id}/confirm          leads to DeviceConfirm
//	GET  /account/devices/{id}/show             leads to DeviceShow
//	GET  /account/devices/{id}/copies/{copy}    leads to CopyRemove
//	GET  /account/devices/{id}/unfreeze         leads to DeviceUnfreeze
//	GET  /account/freeze                        leads to Freeze
//	GET  /account/add                           leads to AddDevice
//	GET  /account/recovery                      leads to RecoveryRenew
//	POST /account/sessions/{id}/end             (no field)
//	POST /account/sessions/end-others           (no field)
//	POST /account/applications/{id}/withdraw    (no field)
//	GET  /account/password                      leads to PasswordChange
//	GET  /account/witness/{id}                  leads to Witness
//	POST /language                              lang, at
type Account struct {
	Base
	Login         string
	Locale        string // language of pages and emails
	Groups        []string
	Devices       []Device
	Recovery      RecoveryCodes
	AtRisk        bool      // the loss of one device would lock the user out
	MaybeLost     []Device  // not used since a sign-in by recovery code
	AddFirst      bool      // the user has no device except MaybeLost, and must add one before a lost one is removed
	Administrator bool      // the user has a role
	CoolOffUntil  time.Time // end of the cool-off after a reset; zero: none
	CopiesAllowed bool      // the policy allows a QR code to be shown again
	Sessions      []Session
	Applications  []Application
	Events        []Event
	Asked         []Asked
	App           string // application or protected host that Next leads to, or ""
}

func (Account) Template() string { return "account" }

// RecoveryCodes describes the recovery codes of a user.
type RecoveryCodes struct {
	Lists []RecoveryList // the oldest first, at most two; empty: none were made
	Until time.Time      // latest end of the older of two lists; zero: there are not two
}

// RecoveryList is a list of recovery codes.
type RecoveryList struct {
	Shown time.Time
	Left  int
}

// Left returns how many codes are left.
func (c RecoveryCodes) Left() int {
	n := 0
	for _, l := range c.Lists {
		n += l.Left
	}
	return n
}

// Device is one device on the account page.
type Device struct {
	ID        string
	Name      string
	Slug      string // of the kind; its name is "kind.{Slug}.name"
	Input     string // "code" or "key"
	Shareable bool   // its QR code can be shown to another phone
	App       App
	Added     time.Time
	LastUsed  time.Time // zero: not used yet
	Frozen    time.Time // blocked as lost; zero: not blocked
	FrozenBy  string    // with Frozen: the administrator; "": the user
	Disabled  string    // "clone": a copy of the key seems to exist; "scan_again": its QR code was replaced; "unconfirmed": see By; "": usable
	By        string    // administrator who enrolled the device; "": the user
	Copies    []Copy
	Last      bool // the last usable device, which cannot be removed
}

// Copy is another phone with the QR code of a device.
type Copy struct {
	ID        string
	Name      string
	Shown     time.Time
	Confirmed bool
	ScanAgain bool // must scan the new QR code before it works
}

// Application is an application with access to the account.
type Application struct {
	ID    string
	Name  string
	Since time.Time
}

// Session is one session of the user.
type Session struct {
	ID      string
	Browser string // "Firefox, Android"; "" when unknown
	Address string
	Started time.Time
	Seen    time.Time
	This    bool
	Program bool // started by an API sign-in, without a browser
}

// Event is one audit event on the account page.
type Event struct {
	At      time.Time
	Action  string // action of the audit event
	Device  string // name of the device, or ""
	Browser string
	Address string
	OK      bool
}

// StepUp asks for a device before a sensitive operation.
//
//	GET /account/prove?next=/account/…   POST /account/prove    code, next
//	POST /account/prove/key                                     JSON {"answer": …, "next": …} by script
type StepUp struct {
	Base
	Next       string  // local path of the operation
	Operation  Message // what the step-up permits
	Method     string  // "code" or "key"; /account/prove?method=key&next=…
	Phones     int
	Wait       time.Duration // until the next code, if the current one was used already; Method "code" only
	Keys       []string
	KeyOptions json.RawMessage // request options; Method "key" only
}

func (StepUp) Template() string { return "prove" }

// AddDevice offers a new device of any kind, or the QR code of an existing one.
//
//	GET /account/add   POST /enrol/begin as in ChooseDevice, or a link to /account/devices/{id}/show
type AddDevice struct {
	Base
	Phones        []Device // devices whose QR code can be shown again; empty if the policy forbids it
	Choices       []Choice
	Full          []string // slugs of the kinds of which the user has the maximum
	CopiesAllowed bool
}

func (AddDevice) Template() string { return "add_device" }

// DeviceConfirm asks the user to confirm a device that an administrator enrolled.
//
//	GET, POST /account/devices/{id}/confirm    code
type DeviceConfirm struct {
	Base
	Device Device
}

func (DeviceConfirm) Template() string { return "device_confirm" }

// DeviceRemove asks for confirmation before a device is removed.
//
//	GET, POST /account/devices/{id}/remove    (no field)
type DeviceRemove struct {
	Base
	Device Device
}

func (DeviceRemove) Template() string { return "device_remove" }

// DeviceShow asks for a fresh code before a QR code is shown again (protocol rule 5).
//
//	GET, POST /account/devices/{id}/show    name (of the new phone), code
type DeviceShow struct {
	Base
	Device   Device
	CopyName string
	Wait     time.Duration // time until the next code if the current one is used; counts down
}

func (DeviceShow) Template() string { return "device_show" }

// DeviceShown shows the QR code again and asks for a code of the new phone.
//
//	POST /account/devices/{id}/copy    code, copy
type DeviceShown struct {
	Base
	Scan
	Device   Device
	CopyID   string
	CopyName string
}

func (DeviceShown) Template() string { return "device_shown" }

// CopyRemove asks for confirmation before a copy is removed (protocol rule 15).
//
//	GET, POST /account/devices/{id}/copies/{copy}    (no field)
type CopyRemove struct {
	Base
	Device Device
	Copy   Copy
	Others []string // other phones with the same QR code, which must scan again
	Proven bool     // another confirmed device remains, so the old QR code stops immediately; else it works until the new one is confirmed
}

func (CopyRemove) Template() string { return "copy_remove" }

// Replace shows the QR code that replaces one whose phone is lost (protocol rule 15).
//
//	GET /account/devices/{id}/replace   POST /account/devices/{id}/replace    code
type Replace struct {
	Base
	Scan
	Device Device
	Lost   string   // name of the phone that stops working
	Others []string // copies that must scan the new QR code
	Works  bool     // the lost phone works until this is finished
}

func (Replace) Template() string { return "replace" }

// RecoveryRenew asks for confirmation before new recovery codes replace the old ones.
//
//	GET, POST /account/recovery    (no field); the POST shows the page enrol_recovery
type RecoveryRenew struct {
	Base
	Recovery RecoveryCodes
}

func (RecoveryRenew) Template() string { return "recovery_renew" }

// PasswordChange asks for the current and the new password.
//
//	GET, POST /account/password    current, password
type PasswordChange struct {
	Base
	Login     string
	MinLength int
}

func (PasswordChange) Template() string { return "password_change" }
