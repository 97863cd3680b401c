package templates

import (
	"encoding/json"
	"html/template"
)

// App is which authenticator the person said they use.
type App string

// The apps whose taps we can name. Any other works the same.
const (
	AppOkta   App = "okta"
	AppGoogle App = "google"
	AppOther  App = "other"
)

// Choose offers the kinds of device. It serves the first device (Flow "first", inside a login) and a further one.
//
//	GET /enrol   POST /enrol/begin    kind=totp app=okta|google|other | kind=webauthn
type Choose struct {
	Base
	First    bool // the first device, after an invitation or a reset
	NoPhones bool // as many phone keys as one may have
	NoKeys   bool // as many YubiKeys as one may have
}

func (Choose) template() string { return "enrol_choose" }

// Phone shows the QR code of a key that is being enrolled.
//
//	GET, POST /enrol/phone    name, code
type Phone struct {
	Base
	Scan
	App        App
	DeviceName string // suggested, or as typed
	First      bool
}

func (Phone) template() string { return "enrol_phone" }

// Scan is a secret in the three shapes that a phone can take it in.
type Scan struct {
	QR     template.HTML // an inline <svg> without style attributes, quiet zone included
	Link   template.URL  // otpauth://…
	Secret string        // base32, ungrouped
}

// Groups cuts the key into fours for reading and typing.
func (s Scan) Groups() []string {
	var out []string
	for rest := s.Secret; rest != ""; {
		n := min(4, len(rest))
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return out
}

// SecurityKey enrols a YubiKey. It needs the browser's script and says so.
//
//	GET /enrol/key   POST /enrol/key    JSON {"name": …, "answer": …} by script; answers {"next": path} or {"problem": sentence}
type SecurityKey struct {
	Base
	Options    json.RawMessage // creation options for navigator.credentials.create
	DeviceName string
	First      bool
}

func (SecurityKey) template() string { return "enrol_key" }

// Second advises a second device after the first; it can be put off.
//
//	GET /enrol/second   links: /enrol (another device); POST /enrol/later (no field)
type Second struct {
	Base
	DeviceName string // the one just enrolled
}

func (Second) template() string { return "enrol_second" }

// Codes shows new recovery codes, once.
//
//	GET /enrol/recovery    POST /enrol/recovery    kept=yes
type Codes struct {
	Base
	Codes []string // grouped for reading
	Login string   // stands in the downloaded text
	Next  string   // the form's action; "" is /enrol/recovery
}

func (Codes) template() string { return "enrol_codes" }
