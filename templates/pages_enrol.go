package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strings"
)

// App is which authenticator the person said they use.
type App string

// The apps whose taps we can name. Any other works the same.
const (
	AppOkta   App = "okta"
	AppGoogle App = "google"
	AppOther  App = "other"
)

// ChooseDevice offers the kinds of device. It serves the first device (Flow "first", inside a login) and a further one.
//
//	GET /enrol   POST /enrol/begin    kind=totp app=okta|google|other | kind=webauthn
type ChooseDevice struct {
	Base
	First    bool // the first device, after an invitation or a reset
	NoPhones bool // as many phone keys as one may have
	NoKeys   bool // as many YubiKeys as one may have
}

func (ChooseDevice) template() string { return "enrol_choose" }

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

// Scan is a secret in the three shapes that a phone can take it in. Its JSON is what the TOTP kind's prompt shows.
type Scan struct {
	URI    string `json:"uri"`    // otpauth://…, as in the picture
	Secret string `json:"secret"` // base32, ungrouped
	QR     QR     `json:"qr"`
}

// QR is a picture for one SVG path: dark modules, quiet zone of four included.
type QR struct {
	Size int    `json:"size"` // modules each way
	Path string `json:"path"` // the d attribute; one unit is one module
}

// ReadScan takes a Scan out of a prompt's view, whose type the pages do not know.
func ReadScan(view any) (Scan, error) {
	raw, err := json.Marshal(view)
	if err != nil {
		return Scan{}, fmt.Errorf("reading the view of a QR code: %w", err)
	}
	var s Scan
	if err := json.Unmarshal(raw, &s); err != nil {
		// The cause may quote the secret.
		return Scan{}, errors.New("reading the view of a QR code: it has another shape")
	}
	if s.Secret == "" || s.QR.Size <= 0 || s.QR.Path == "" || !strings.HasPrefix(s.URI, "otpauth://") {
		return Scan{}, errors.New("reading the view of a QR code: it lacks the link, the key or the picture")
	}
	return s, nil
}

// Link is the URI for a link on the phone itself. html/template trusts no scheme but the web's, so it is checked here.
func (s Scan) Link() template.URL {
	if !strings.HasPrefix(s.URI, "otpauth://") {
		return ""
	}
	return template.URL(s.URI)
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

// AddSecondDevice advises a second device after the first; it can be put off.
//
//	GET /enrol/second   links: /enrol (another device); POST /enrol/later (no field)
type AddSecondDevice struct {
	Base
	DeviceName string // the one just enrolled
}

func (AddSecondDevice) template() string { return "enrol_second" }

// RecoveryCodes shows new recovery codes, once.
//
//	GET /enrol/recovery    POST /enrol/recovery    kept=yes
type RecoveryCodes struct {
	Base
	Codes []string // grouped for reading
	Login string   // stands in the downloaded text
	Next  string   // the form's action; "" is /enrol/recovery
}

func (RecoveryCodes) template() string { return "enrol_codes" }
