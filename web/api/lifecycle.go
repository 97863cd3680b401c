package api

import (
	"context"
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/web/reply"
)

// activationJSON is Okta's response to an activation, with two more members. It contains the link only if it was not
// sent by email.
type activationJSON struct {
	ActivationURL   string  `json:"activationUrl,omitempty"`
	ActivationToken string  `json:"activationToken,omitempty"`
	Mailed          bool    `json:"mailed"`    // specific to Barillet
	ExpiresAt       *string `json:"expiresAt"` // specific to Barillet
}

// activationOf returns nil if there is no invitation.
func activationOf(i directory.Invitation) *activationJSON {
	if !i.Sent && i.Link.IsZero() {
		return nil
	}
	out := &activationJSON{Mailed: i.Sent, ExpiresAt: reply.Timestamp(i.Expires)}
	if !i.Link.IsZero() {
		out.ActivationURL = i.Link.Reveal()
		out.ActivationToken = out.ActivationURL[strings.LastIndexByte(out.ActivationURL, '/')+1:]
	}
	return out
}

func (x *activationJSON) withoutSecrets() *activationJSON {
	if x == nil {
		return nil
	}
	return &activationJSON{Mailed: x.Mailed, ExpiresAt: x.ExpiresAt}
}

// readSendEmail reads a call that sends an email, or returns its content with sendEmail=false.
func readSendEmail(r *http.Request) (id string, sendEmail bool, err error) {
	id, err = readParameters(r, func(q query) (err error) {
		sendEmail, err = q.boolean("sendEmail", true)
		return err
	})
	return id, sendEmail, err
}

// readParameters reads a call on a user with query parameters, and without a body or with an empty object.
func readParameters(r *http.Request, parameters func(query) error) (id string, err error) {
	q, err := readQuery(r)
	if err != nil {
		return "", err
	}
	if err := parameters(q); err != nil {
		return "", err
	}
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return "", err
	}
	return pathID(r, "id")
}

// invite serves the two calls that invite a user.
func (a *API) invite(do inviteFunc) handler {
	return func(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
		id, sendEmail, err := readSendEmail(r)
		if err != nil {
			return err
		}
		return a.once(w, r, op, answering(func(r *http.Request) (directory.Invitation, error) {
			return do(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, sendEmail)
		}, func(invitation directory.Invitation) (status int, shown, kept any, err error) {
			out := activationOf(invitation)
			if out == nil { // reactivated without an invitation
				out = &activationJSON{}
			}
			return http.StatusOK, out, out.withoutSecrets(), nil
		}))
	}
}

// inviteFunc invites a user.
type inviteFunc func(ctx context.Context, op admin.Principal, from account.RequestInfo, id string, sendEmail bool) (directory.Invitation, error)

// resetBody contains the options of a reset. Each can be absent, because Okta's clients send none.
type resetBody struct {
	Reason        string             `json:"reason"`
	HelpRequestID string             `json:"helpRequestId"`
	IdentityCheck *identityCheckBody `json:"identityCheck"`
	SendEmail     *bool              `json:"sendEmail"`
	ShowCode      bool               `json:"showCode"` // for the operator only
}

// receiptJSON is the result of a reset. Okta returns an empty object.
type receiptJSON struct {
	UserID            account.UserID `json:"userId"`
	Login             string         `json:"login"`
	At                *string        `json:"at"`
	Cleared           clearedJSON    `json:"cleared"`
	SessionsEnded     int            `json:"sessionsEnded"`
	BrowsersForgotten int            `json:"browsersForgotten"`
	Mailed            bool           `json:"mailed"`
	MailedTo          []string       `json:"mailedTo"` // masked
	Ticket            ticketJSON     `json:"ticket"`
	Repeated          bool           `json:"repeated"` // no device was left, and a ticket was open
	Reason            string         `json:"reason"`
	HelpRequestID     string         `json:"helpRequestId,omitempty"` // the request that it resolved
	OpenHelpRequest   string         `json:"openHelpRequest,omitempty"`
}

type clearedJSON struct {
	Devices       []clearedDevicesJSON `json:"devices"` // without sets of recovery codes
	Copies        int                  `json:"copies"`
	RecoveryCodes int                  `json:"recoveryCodes"`
}

// clearedDevicesJSON is how many devices of one kind a reset removed.
type clearedDevicesJSON struct {
	FactorType string `json:"factorType"`
	Count      int    `json:"count"`
}

// cleared returns the devices that a reset removed, in the order of the registered kinds.
func (a *API) cleared(devices map[factors.Kind]int) []clearedDevicesJSON {
	out := []clearedDevicesJSON{}
	for _, f := range a.directory.Admin.Accounts.Factors {
		if n := devices[f.Kind()]; n > 0 {
			out = append(out, clearedDevicesJSON{f.Method().OktaType, n})
		}
	}
	return out
}

type ticketJSON struct {
	ExpiresAt *string `json:"expiresAt"`
	URL       string  `json:"url,omitempty"`  // if it was not sent by email
	Code      string  `json:"code,omitempty"` // if it was not sent by email
}

func (a *API) receipt(x helpdesk.ResetResult) receiptJSON {
	to := x.MailTo
	if to == nil {
		to = []string{}
	}
	return receiptJSON{UserID: x.User, Login: x.Login, At: reply.Timestamp(x.At),
		Cleared:       clearedJSON{Devices: a.cleared(x.Devices), Copies: x.Copies, RecoveryCodes: x.RecoveryCodes},
		SessionsEnded: x.Sessions, BrowsersForgotten: x.Browsers, Mailed: x.Mailed, MailedTo: to,
		Ticket: ticketJSON{ExpiresAt: reply.Timestamp(x.TicketExpires), URL: x.Link.Reveal(), Code: x.Code.Reveal()}, Repeated: x.Repeated, Reason: x.Reason,
		HelpRequestID: x.HelpRequest, OpenHelpRequest: x.OpenRequest}
}

func (a *API) resetFactors(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body resetBody
	if err := reply.DecodeOptionalJSON(r, maxBody, &body); err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return a.once(w, r, op, approvable(a, func(r *http.Request) (helpdesk.ResetResult, *approval.Approval, error) {
		return a.approvals.Reset(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, helpdesk.ResetRequest{
			Reason: body.Reason, HelpRequest: body.HelpRequestID, Check: body.IdentityCheck.domain(), SendEmail: body.SendEmail, ShowCode: body.ShowCode})
	}, func(receipt helpdesk.ResetResult) (status int, shown, kept any, err error) {
		whole := a.receipt(receipt)
		plain := whole
		plain.Ticket.URL, plain.Ticket.Code = "", ""
		return http.StatusOK, whole, plain, nil
	}))
}
