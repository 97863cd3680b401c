package console

import "time"

// Mail shows the emails that were given up, and how many wait.
//
//	GET /console/mail
type Mail struct {
	Base
	Waiting, Dead int
	Over          bool // there are others
	Letters       []DeadLetter
	More          string
	CanChange     bool
}

func (Mail) Template() string { return "console_mail" }

// DeadLetter is an email that was given up. It has neither text nor link.
type DeadLetter struct {
	Path         string
	Kind         string // a sentence "mail.kind.{Kind}"
	To           string
	Recipient    Named // the zero value: not a user
	Queued, Died time.Time
	Tried        time.Time // zero: never
	Attempts     int
	Error        string
	CanRetry     bool
}
