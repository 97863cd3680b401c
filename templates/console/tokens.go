package console

import (
	"time"

	"barillet/templates"
)

// Tokens lists the API tokens that the reader may revoke.
//
//	GET /console/tokens?after=
type Tokens struct {
	Base
	Tokens []TokenRow
	More   string
}

func (Tokens) Template() string { return "console_tokens" }

// TokenRow is an API token.
type TokenRow struct {
	Revoke            string
	Name              string
	Owner             string // display name; "": the operator
	Mine              bool
	Role              templates.Key
	Groups            []string
	All               bool // all garages
	Expires, LastUsed time.Time
	Expired           bool
	Secrets, Authn    bool
}
