// Package console contains the pages of the console: their data, their templates, and their sentences. Package web/console
// fills them. They have a layout of their own, with the navigation.
package console

import (
	"embed"
	"time"

	"barillet/templates"
)

// Files contains the templates and the catalogues of the console, for templates.New.
//
//go:embed pages parts locales
var Files embed.FS

// Base is what all pages of the console have.
type Base struct {
	templates.Base
	Sections []Section
	Section  string   // the present one
	Once     string   // names the forms of this page, so that each is performed once
	Role     string   // as which the user acts, of several
	Roles    []string // as which they can act; empty: only one
}

// Section is an entry of the navigation. Its sentence is "nav.{Name}".
type Section struct {
	Name, Path string
	Waiting    int  // shown beside the name; 0: nothing
	More       bool // there can be more
}

// Act asks an administrator to confirm an operation. Its sentences are "act.{Words}.title", ".text", ".button" and, after it,
// ".done". Each may have the placeholder Subject.
//
//	GET, POST {Action}
type Act struct {
	Base
	Words   string // of its sentences
	Subject string // the name of the user or object concerned
	Action  string // path of the form
	Back    string // path of the page of the object
	Fields  []Field
	Danger  bool // the button is red

	Approval *Approval // what the act approves or rejects; nil: it is another act
}

func (Act) Template() string { return "console_act" }

// Field is a field of an act. Its sentences are "field.{Words}" and, with HasHint, "field.{Words}_hint".
type Field struct {
	Name     string
	Words    string // "": Name
	Kind     string // "text", "email", "tel", "url", "number", "textarea", "select", "choice" (radio buttons), "ticks" (check boxes), "tick" or "hidden"
	Value    string
	Values   []string // of ticks
	Options  []Option // of select, choice and ticks
	Optional bool
	HasHint  bool
	Focus    bool // has the focus when the page opens
	Max      int  // characters; 0: 254
	Error    *templates.Message
}

// Option is a choice of a field. Text is shown as it is; with Words it is the sentence of that key.
type Option struct {
	Value, Text string
	Words       templates.Key
	Refused     templates.Key // why it cannot be chosen
}

// SecretShown shows the secret of a new token, application or webhook once.
//
//	POST of the act that made it
type SecretShown struct {
	Base
	Words   string // as those of the act: "act.{Words}.shown"
	Subject string
	Secret  string
	Also    string    // an identifier that belongs to the secret; "": none
	Expires time.Time // zero: does not expire
	Back    string
}

func (SecretShown) Template() string { return "console_secret" }
