package templates

import "time"

// Page is one page that a person can be shown. Only this package makes pages: a struct for each, never a map, so that a
// handler that names a field which the template does not have does not compile.
type Page interface {
	template() string // file under pages/, without ".html"
	base() Base
}

// Base is what every page has. The zero Base is a page for a stranger in the default language.
type Base struct {
	Lang     string // "fr" or "en", as Match picked it; anything else is shown in French
	Path     string // path and query of a GET that shows this page again; the language switch returns to it
	SignedIn bool   // shows the account and sign-out links
	Name     string // of the person signed in
	Notice   *Message
	Problem  *Problem
}

func (b Base) base() Base { return b }

// Key names a sentence of the catalogues. Handlers use the constants of keys.go and nothing else.
type Key string

// Message is a sentence by its key and what it is filled with.
type Message struct {
	Key  Key
	N    int               // the count of a sentence with plural forms, shown as {{.N}}
	Args map[string]string // names as in the catalogue
}

// Problem is the error summary at the top of a page, which takes the focus.
type Problem struct {
	Message
	Wait   time.Duration      // how long until the next try is judged; rounded up, counts down live; 0: now
	Fields map[string]Message // sentence beside a field, by the field's name
}

// NewNotice makes a notice.
func NewNotice(k Key) *Message { return &Message{Key: k} }

// NewProblem makes a problem without field sentences.
func NewProblem(k Key) *Problem { return &Problem{Message: Message{Key: k}} }

// NewFieldProblem makes a problem that marks a field. The sentence stands in the summary alone: a field's own sentence is shown
// beside it only where it differs from the summary's.
func NewFieldProblem(field string, k Key) *Problem {
	return &Problem{Message: Message{Key: k}, Fields: map[string]Message{field: {Key: k}}}
}

// Brand is what an operator may change: name, colour, whom to call, and the zone that times are told in.
type Brand struct {
	Name    string // "" is Barillet
	URL     string // public origin without a slash at its end; mails lead to it
	Support Support
	Zone    *time.Location // nil is UTC
}

// Support is whom a person can reach outside this program; an empty field is not shown.
type Support struct {
	Email string
	Phone string
}
