package templates

import "time"

// Together is the page of a sign-in that waits for a code, which an administrator hands over before a witness.
//
//	GET, POST /login/together     (no field): the sign-in waits from then on
//	POST /login/together/code     ticket
type Together struct {
	Base
	Digits  string // two, for the witness; "": the sign-in does not wait yet
	Witness string // who is asked or has confirmed; "": nobody yet
}

func (Together) Template() string { return "together" }

// Witness asks a witness whether a user is present.
//
//	GET, POST /account/witness/{id}         digits, code
//	POST /account/witness/{id}/refuse       (no field)
type Witness struct {
	Base
	ID     string
	By     string        // administrator who hands over the code
	User   string        // who is to get it
	Group  string        // of the user, or ""
	Proven bool          // the witness has confirmed their identity for this
	Code   bool          // they can do so on this page, by the code of a phone
	Keys   bool          // they can do so on another, by a security key
	Wait   time.Duration // until the next code; 0: the current code was not used
}

func (Witness) Template() string { return "witness" }

// Asked is a request to a witness, as the account page shows it.
type Asked struct{ ID, By, User string }
