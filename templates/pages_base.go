package templates

import (
	"net/url"
	"strings"
	"time"
)

// Page is the data of one page. Each page has its own struct in this package, so that the compiler checks the fields
// that a handler sets.
type Page interface {
	Template() string // file under pages/, without ".html"
	base() Base
}

// consolePage is the prefix of the names of the pages of the console, which have a layout of their own. Package
// templates/console contains them.
const consolePage = "console_"

// Base is the data that all pages have. The zero Base is for an unauthenticated client in the default language.
type Base struct {
	Lang         string // result of Match; any other value means the fallback language
	Path         string // path and query of a GET that shows this page; the language switch returns to it
	Next         string // local path that the user continues to after the sign-in and the enrolment, or ""
	SignedIn     bool   // shows the account and sign-out links
	HasRole      bool   // shows the link to the console
	Name         string // name of the user for whom the page acts; "": nobody
	SubjectToken string // names that user, which each form sends
	Notice       *Message
	Problem      *Problem
	Typed        map[string]string // text typed before the language was switched or the form refused, by field name
}

func (b Base) base() Base { return b }

// WithNext returns the path of a page with Next in its query. A page that is left open thus outlives its transaction,
// and each tab leads to its own path.
func (b Base) WithNext(path string) string {
	switch {
	case b.Next == "":
		return path
	case strings.Contains(path, "?"):
		return path + "&next=" + url.QueryEscape(b.Next)
	}
	return path + "?next=" + url.QueryEscape(b.Next)
}

// Key is the key of a sentence in the catalogues. Handlers use the constants of this package only.
type Key string

// Message is the key of a sentence with the values of its placeholders.
type Message struct {
	Key  Key
	N    int               // selects the plural form, shown as {{.N}}
	Args map[string]string // values by placeholder
}

// Problem is the error summary at the top of a page. It takes the focus.
type Problem struct {
	Message
	Wait   time.Duration      // time until the next attempt is accepted, shown as a countdown
	Fields map[string]Message // sentences beside fields, by field name
}

// NewNotice returns a notice.
func NewNotice(k Key) *Message { return &Message{Key: k} }

// NewProblem returns a problem without field sentences.
func NewProblem(k Key) *Problem { return &Problem{Message: Message{Key: k}} }

// NewFieldProblem returns a problem that marks a field. The summary shows the sentence; the field repeats a sentence only
// if it differs from the summary.
func NewFieldProblem(field string, k Key) *Problem {
	return &Problem{Message: Message{Key: k}, Fields: map[string]Message{field: {Key: k}}}
}

// Brand contains what the operator configures for pages and emails.
type Brand struct {
	Name    string // "": Barillet
	URL     string // public origin without a trailing slash, used by links in emails
	Support Support
	Zone    *time.Location // zone of displayed times; nil: UTC
}

// Support contains the contacts of the support team. Empty fields are not shown.
type Support struct {
	Email string
	Phone string
}
