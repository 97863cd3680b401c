package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"
)

// App is the authenticator that the user chose.
type App string

// Apps whose menus the pages describe. Other apps work too.
const (
	AppOkta   App = "okta"
	AppGoogle App = "google"
	AppOther  App = "other"
)

// AppOf returns the app of the provider of a device.
func AppOf(provider string) App {
	if provider == "" {
		return AppOther
	}
	return App(strings.ToLower(provider))
}

// ChooseDevice offers the kinds of device, for the first device or a further one.
//
//	GET /enrol   POST /enrol/begin    kind, app
type ChooseDevice struct {
	Base
	First   bool // the first device, after an invitation or a reset
	Choices []Choice
	Full    []string // slugs of the kinds of which the user has the maximum
}

func (ChooseDevice) Template() string { return "choose_device" }

// Choice is a kind of device that can be enrolled, or one app of that kind. Its sentences are "kind.{Slug}.title" and
// "kind.{Slug}.text", or those with the suffix "_{App}".
type Choice struct {
	Kind  string // value of the form
	Slug  string
	Input string
	App   App // "": the kind has no apps
}

// Enrol shows the pending enrolment of a device. Each kind has its own page, enrol_{Slug}.html.
//
//	GET, POST /enrol/{slug}    name and code; or kept=yes; or JSON {"name": …, "answer": …} by script
type Enrol struct {
	Base
	Slug       string
	View       any             // data of the kind, decoded from JSON; a page that reads a missing member fails
	Options    json.RawMessage // for the page's script; nil: none
	App        App
	DeviceName string // suggested, or as typed
	Login      string
	First      bool // the first device, after an invitation or a reset

	List     string    // id of the list of recovery codes that the page shows
	OldUntil time.Time // latest end of the older list; zero: there is none
}

func (p Enrol) Template() string { return enrolPage + p.Slug }

// enrolPage is the prefix of the names of the enrolment pages.
const enrolPage = "enrol_"

// Scan is a secret in three forms: URI, text and QR code. Its JSON is the view of the kinds that show a secret.
type Scan struct {
	URI    string `json:"uri"`    // otpauth URI, the content of the QR code
	Secret string `json:"secret"` // base32, ungrouped
	QR     QR     `json:"qr"`
}

// QR is a QR code as one SVG path of its dark modules, with a quiet zone of four modules.
type QR struct {
	Size int    `json:"size"` // modules per side
	Path string `json:"path"` // d attribute; one unit is one module
}

// ReadScan returns the Scan in the view of a prompt, or an error if the view has another shape.
func ReadScan(view any) (Scan, error) {
	raw, err := json.Marshal(view)
	if err != nil {
		return Scan{}, fmt.Errorf("reading the view of a QR code: %w", err)
	}
	var s Scan
	if err := json.Unmarshal(raw, &s); err != nil {
		// The cause may quote the secret.
		return Scan{}, errors.New("reading the view of a QR code: unexpected shape")
	}
	if s.Secret == "" || s.QR.Size <= 0 || s.QR.Path == "" || !strings.HasPrefix(s.URI, "otpauth://") {
		return Scan{}, errors.New("reading the view of a QR code: missing URI, secret or QR code")
	}
	return s, nil
}

// Link returns the otpauth URI for a link on the phone. Link checks the scheme, because html/template rejects it.
func (s Scan) Link() template.URL {
	if !strings.HasPrefix(s.URI, "otpauth://") {
		return ""
	}
	return template.URL(s.URI)
}

// Groups returns the secret in groups of four, for reading and typing.
func (s Scan) Groups() []string {
	var out []string
	for rest := s.Secret; rest != ""; {
		n := min(4, len(rest))
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return out
}

// AddSecondDevice recommends a second device after the first. The user can postpone it.
//
//	GET /enrol/second   links: /enrol (another device); POST /enrol/later (no field)
type AddSecondDevice struct {
	Base
	DeviceName string // device that was just enrolled
}

func (AddSecondDevice) Template() string { return "second_device" }
