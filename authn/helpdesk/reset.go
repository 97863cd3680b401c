package helpdesk

import (
	"context"
	"time"

	"barillet/authn"
)

// ResetRequest is what an operator asks for.
type ResetRequest struct {
	Reason      string // why, for the log and the managers; at most 500 characters
	HelpRequest string // id of the case that it answers and resolves; "": none
	SendEmail   *bool  // nil: mail the ticket. false: answer it instead (Secrets). true: mail one more
	Hand        bool   // a code for the operator's screen (PROTOCOL 9); by Machine only
}

// Receipt tells what a reset did.
type Receipt struct {
	User  authn.UserID
	Login string
	At    time.Time

	Phones, Copies, Keys, RecoveryCodes, Sessions, Browsers int

	Mailed        bool
	MailTo        []string // masked
	TicketExpires time.Time
	Repeated      bool         // there was nothing left to clear and a ticket was open
	Link, Code    authn.Secret // handed over or not mailed only
	Reason        string
}

func (d *Desk) Reset(ctx context.Context, op Operator, from authn.Origin, id string, r ResetRequest) (Receipt, error) {
	return Receipt{}, errTODO
}
