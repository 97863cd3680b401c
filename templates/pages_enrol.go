package templates

import (
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strings"
)

// App is the authenticator that the user chose.
type App string

// The apps whose menus the pages describe. Any other works in the same way.
const (
	AppOkta   App = "okta"
	AppGoogle App = "google"
	AppOther  App = "other"
)

// ChooseDevice offers the kinds of device. It serves the first device (First, inside a login) and a further one.
//
//	GET /enrol   POST /enrol/begin    kind, app
type ChooseDevice struct {
	Base
	First   bool // the first device, after an invitation or a reset
	Choices []Choice
	Full    []string // slugs of the kinds of which the user has the maximum
}

func (ChooseDevice) template() string { return "choose_device" }

// Choice is a kind of device that can be enrolled, for one app if it has several. Its words are "kind.{Slug}.title" and
// "kind.{Slug}.text", or those that end in "_{App}".
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
	View       any             // what the kind shows, decoded from JSON: a page that reads an absent member fails
	Options    json.RawMessage // for the page's script; nil: none
	App        App
	DeviceName string // suggested, or as typed
	Login      string
	First      bool // the first device, after an invitation or a reset
}

func (p Enrol) template() string { return enrolPage + p.Slug }

// enrolPage begins the name of the page of every kind.
const enrolPage = "enrol_"

// Scan is a secret in the three forms that a phone can read. Its JSON is the view of the kinds that show a secret.
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

// ReadScan returns the Scan in a prompt's view, whose type the pages do not know.
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

// Groups returns the secret in groups of four, for reading and typing.
func (s Scan) Groups() []string {
	var out []string
	for rest := s.Secret; rest != ""; {
		n := min(4, len(rest))
		out, rest = append(out, rest[:n]), rest[n:]
	}
	return out
}

// AddSecondDevice advises a second device after the first; it can be put off.
//
//	GET /enrol/second   links: /enrol (another device); POST /enrol/later (no field)
type AddSecondDevice struct {
	Base
	DeviceName string // the one just enrolled
}

func (AddSecondDevice) template() string { return "second_device" }
