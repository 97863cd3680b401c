package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/web/api/systemlog"
	"barillet/web/reply"
)

// helpRequestJSON is a help request. Its texts are not trustworthy: the form requires no sign-in.
type helpRequestJSON struct {
	ID            string                   `json:"id"`
	Reference     string                   `json:"reference"`
	Status        helpdesk.State           `json:"status"`
	UserID        *account.UserID          `json:"userId"` // null: no user has the address
	Email         string                   `json:"email"`
	Topic         notice.Topic             `json:"topic"`
	Texts         []helpTextJSON           `json:"texts"`        // trusted ones first
	RemovedTexts  int                      `json:"removedTexts"` // number of texts that others displaced
	Assignee      string                   `json:"assignee"`     // an id; empty: none
	AssigneeName  string                   `json:"assigneeName"`
	IdentityCheck *identityCheckJSON       `json:"identityCheck"` // null: not checked
	Created       *string                  `json:"created"`
	LastUpdated   *string                  `json:"lastUpdated"`
	History       []historyEntryJSON       `json:"history"`
	Links         map[string]linkJSON      `json:"_links"`
	Embedded      *helpRequestEmbeddedJSON `json:"_embedded,omitempty"` // not in lists
}

// helpRequestEmbeddedJSON contains more about the user.
type helpRequestEmbeddedJSON struct {
	RecentChanges []changeJSON `json:"recentChanges"` // of the last seven days, oldest first
	Numbers       []numberJSON `json:"numbers"`       // telephone numbers on file
}

// changeJSON is a change of the account, in the terms of the log.
type changeJSON struct {
	At             *string `json:"at"`
	EventType      string  `json:"eventType"`
	DisplayMessage string  `json:"displayMessage"`
	Detail         string  `json:"detail"` // the name of a device or a group
	IPAddress      string  `json:"ipAddress"`
	Browser        string  `json:"browser"`
}

// identityCheckJSON describes how and when an administrator checked the identity of the user.
type identityCheckJSON struct {
	Method helpdesk.IdentityMethod `json:"method"`
	By     string                  `json:"by"`
	Number string                  `json:"number"` // the end of the number that was called back; empty: none
	At     *string                 `json:"at"`
}

// identityCheckBody is an identity check in a request.
type identityCheckBody struct {
	Method helpdesk.IdentityMethod `json:"method"`
	By     string                  `json:"by"`
	Number string                  `json:"number"` // the member of the profile
	Result helpdesk.CallResult     `json:"result"` // empty: confirmed
}

func (c *identityCheckBody) domain() *helpdesk.IdentityCheck {
	if c == nil {
		return nil
	}
	return &helpdesk.IdentityCheck{Method: c.Method, By: c.By, Number: c.Number, Result: c.Result}
}

// helpClientJSON describes the client that sent a help request.
type helpClientJSON struct {
	IPAddress string `json:"ipAddress"`
	Browser   string `json:"browser"` // "Firefox, Android"
}

// helpTextJSON is one submission of the form.
type helpTextJSON struct {
	At             *string        `json:"at"`
	Reference      string         `json:"reference"`
	Topic          notice.Topic   `json:"topic"`
	Message        string         `json:"message"`
	PasswordProven bool           `json:"passwordProven"`
	KnownBrowser   bool           `json:"knownBrowser"`
	Forgotten      bool           `json:"forgotten"`
	Client         helpClientJSON `json:"client"`
}

type historyEntryJSON struct {
	At   *string `json:"at"`
	By   string  `json:"by"`
	Name string  `json:"name"`
	What string  `json:"what"`
	Text string  `json:"text"`
	Who  string  `json:"who,omitempty"` // the new assignee
}

func (a *API) helpRequest(c helpdesk.Request) helpRequestJSON {
	self := a.publicURL + "/api/v1/help-requests/" + c.ID
	out := helpRequestJSON{ID: c.ID, Reference: c.Reference, Status: c.State, Email: c.Email, Topic: c.Topic,
		Texts: []helpTextJSON{}, RemovedTexts: c.Removed, Assignee: c.Assignee,
		AssigneeName: c.AssigneeName, Created: reply.Timestamp(c.At), LastUpdated: reply.Timestamp(c.Changed), History: []historyEntryJSON{},
		Links: map[string]linkJSON{"self": {Href: self}}}
	if c.User != "" {
		out.UserID = &c.User
		out.Links["user"] = linkJSON{Href: a.publicURL + "/api/v1/users/" + string(c.User)}
	}
	if c.Identity != "" {
		out.IdentityCheck = &identityCheckJSON{c.Identity, c.IdentityBy, c.IdentityNumber, reply.Timestamp(c.IdentityAt)}
	}
	for _, t := range c.TextsByTrust() {
		out.Texts = append(out.Texts, helpTextJSON{At: reply.Timestamp(t.At), Reference: t.Reference, Topic: t.Topic, Message: t.Message,
			PasswordProven: t.PasswordProven, KnownBrowser: t.KnownBrowser, Forgotten: t.Forgotten,
			Client: helpClientJSON{IPAddress: t.Address, Browser: t.Agent}})
	}
	for _, s := range c.History {
		out.History = append(out.History, historyEntryJSON{At: reply.Timestamp(s.At), By: s.By, Name: s.Name, What: s.What, Text: s.Text, Who: s.Who})
	}
	return out
}

// isState reports whether text is a status of a help request.
func isState(text string) bool {
	switch helpdesk.State(text) {
	case helpdesk.StateOpen, helpdesk.StateInProgress, helpdesk.StateResolved, helpdesk.StateRejected:
		return true
	}
	return false
}

func (a *API) listHelpRequests(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]helpdesk.Request, string, error) {
		status, reference := p.text("status"), p.text("reference")
		switch {
		case status != "" && !isState(status):
			return nil, "", badParameter("status")
		case len(reference) > 32:
			return nil, "", badParameter("reference")
		}
		return a.directory.HelpDesk.Requests(r.Context(), op, helpdesk.RequestQuery{Status: helpdesk.State(status),
			Reference: reference, After: p.after, Limit: p.limit})
	}, a.helpRequest)
}

func (a *API) getHelpRequest(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "hid")
	if err != nil {
		return err
	}
	c, err := a.directory.HelpDesk.Request(r.Context(), op, id)
	if err != nil {
		return err
	}
	changes, err := a.directory.HelpDesk.RecentSecurityChanges(r.Context(), op, &c)
	if err != nil {
		return err
	}
	numbers, err := a.directory.HelpDesk.NumbersOf(r.Context(), op, &c)
	if err != nil {
		return err
	}
	out := a.helpRequest(c)
	out.Embedded = &helpRequestEmbeddedJSON{RecentChanges: []changeJSON{}, Numbers: numbersJSON(numbers)}
	for _, x := range changes {
		out.Embedded.RecentChanges = append(out.Embedded.RecentChanges, changeJSON{At: reply.Timestamp(x.At), EventType: x.What,
			DisplayMessage: systemlog.DisplayMessage(x.What), Detail: x.Detail, IPAddress: x.Address, Browser: x.Browser})
	}
	return reply.JSON(w, http.StatusOK, out)
}

// helpRequestPatchBody contains the changes of a help request. An absent member is not changed.
type helpRequestPatchBody struct {
	Status        helpdesk.State     `json:"status"`
	Assignee      *string            `json:"assignee"`
	TakeOver      bool               `json:"takeOver"`
	Note          string             `json:"note"`
	IdentityCheck *identityCheckBody `json:"identityCheck"`
	Answer        string             `json:"answer"` // sent to the user by email
}

func (a *API) patchHelpRequest(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body helpRequestPatchBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	return a.updateHelpRequest(w, r, op, http.StatusOK, helpdesk.RequestPatch{Status: body.Status, Assignee: body.Assignee,
		TakeOver: body.TakeOver, Note: body.Note, Check: body.IdentityCheck.domain(), Answer: body.Answer})
}

// addNote adds a note for other administrators to the history.
func (a *API) addNote(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body struct {
		Text string `json:"text"`
	}
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if body.Text == "" {
		return errcode.InvalidField("text", "missing")
	}
	return a.updateHelpRequest(w, r, op, http.StatusCreated, helpdesk.RequestPatch{Note: body.Text})
}

// updateHelpRequest changes a help request once for each idempotency key.
func (a *API) updateHelpRequest(w http.ResponseWriter, r *http.Request, op admin.Principal, status int, p helpdesk.RequestPatch) error {
	id, err := pathID(r, "hid")
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (helpdesk.Request, error) {
		return a.directory.HelpDesk.Patch(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, p)
	}, func(c helpdesk.Request) (int, any, any, error) {
		out := a.helpRequest(c)
		return status, out, out, nil
	}))
}
