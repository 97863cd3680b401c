package api

import (
	"net/http"
	"strings"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/web/reply"
)

// helpRequestJSON is a help request. What it says is what somebody typed: anybody can have typed it.
type helpRequestJSON struct {
	ID             string              `json:"id"`
	Reference      string              `json:"reference"`
	Status         helpdesk.State      `json:"status"`
	UserID         *account.UserID     `json:"userId"` // null: the address is nobody's
	Email          string              `json:"email"`
	Topic          notice.Topic        `json:"topic"`
	Message        string              `json:"message"`
	Texts          []textJSON          `json:"texts"` // that joined it later
	More           int                 `json:"more"`  // further ones, too many to keep
	PasswordProven bool                `json:"passwordProven"`
	Forgotten      bool                `json:"forgotten"`
	Assignee       string              `json:"assignee"` // id of who has it; "": nobody
	AssigneeName   string              `json:"assigneeName"`
	IdentityCheck  *checkedJSON        `json:"identityCheck"` // null: not checked yet
	Client         senderJSON          `json:"client"`
	Created        *string             `json:"created"`
	LastUpdated    *string             `json:"lastUpdated"`
	History        []stepJSON          `json:"history"`
	Links          map[string]linkJSON `json:"_links"`
	Embedded       *casePersonJSON     `json:"_embedded,omitempty"` // where one is read, and not in lists
}

// casePersonJSON is what else a helper looks at.
type casePersonJSON struct {
	RecentChanges []changeJSON `json:"recentChanges"` // of the last seven days, oldest first
}

// changeJSON is one change about a person, by the words of the log.
type changeJSON struct {
	At             *string `json:"at"`
	EventType      string  `json:"eventType"`
	DisplayMessage string  `json:"displayMessage"`
	Detail         string  `json:"detail"` // the name of a device or a garage
	IPAddress      string  `json:"ipAddress"`
	Browser        string  `json:"browser"`
}

// checkedJSON is how an operator made sure who is asking, and when.
type checkedJSON struct {
	Way helpdesk.IdentityMethod `json:"way"`
	By  string                  `json:"by"`
	At  *string                 `json:"at"`
}

// checkBody is the same as an operator says it.
type checkBody struct {
	Way helpdesk.IdentityMethod `json:"way"`
	By  string                  `json:"by"`
}

func (c *checkBody) check() *helpdesk.IdentityCheck {
	if c == nil {
		return nil
	}
	return &helpdesk.IdentityCheck{Method: c.Way, By: c.By}
}

// senderJSON is where a help request came from.
type senderJSON struct {
	IPAddress string `json:"ipAddress"`
	Browser   string `json:"browser"` // "Firefox, Android"
}

type textJSON struct {
	At        *string      `json:"at"`
	Reference string       `json:"reference"`
	Topic     notice.Topic `json:"topic"`
	Message   string       `json:"message"`
	IPAddress string       `json:"ipAddress"`
}

type stepJSON struct {
	At   *string `json:"at"`
	By   string  `json:"by"`
	Name string  `json:"name"`
	What string  `json:"what"`
	Text string  `json:"text"`
	Who  string  `json:"who,omitempty"` // assigned to
}

func (a *API) helpRequest(c helpdesk.Request) helpRequestJSON {
	self := a.publicURL + "/api/v1/help-requests/" + c.ID
	out := helpRequestJSON{ID: c.ID, Reference: c.Reference, Status: c.State, Email: c.Email, Topic: c.Topic, Message: c.Message,
		Texts: []textJSON{}, More: c.DroppedFollowUps, PasswordProven: c.PasswordProven, Forgotten: c.Forgotten, Assignee: c.Assignee,
		AssigneeName: c.AssigneeName, Created: moment(c.At), LastUpdated: moment(c.Changed), History: []stepJSON{},
		Client: senderJSON{IPAddress: c.Address, Browser: c.Agent},
		Links:  map[string]linkJSON{"self": {Href: self}}}
	if c.User != "" {
		out.UserID = &c.User
		out.Links["user"] = linkJSON{Href: a.publicURL + "/api/v1/users/" + string(c.User)}
	}
	if c.Identity != "" {
		out.IdentityCheck = &checkedJSON{c.Identity, c.IdentityBy, moment(c.IdentityAt)}
	}
	for _, t := range c.FollowUps {
		out.Texts = append(out.Texts, textJSON{At: moment(t.At), Reference: t.Reference, Topic: t.Topic, Message: t.Message, IPAddress: t.Address})
	}
	for _, s := range c.History {
		out.History = append(out.History, stepJSON{At: moment(s.At), By: s.By, Name: s.Name, What: s.What, Text: s.Text, Who: s.Who})
	}
	return out
}

// isState tells whether a text names where a help request can stand.
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
			Reference: strings.ToUpper(reference), After: p.after, Limit: p.limit})
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
	out := a.helpRequest(c)
	out.Embedded = &casePersonJSON{[]changeJSON{}}
	for _, x := range changes {
		out.Embedded.RecentChanges = append(out.Embedded.RecentChanges, changeJSON{At: moment(x.At), EventType: x.What,
			DisplayMessage: displayMessage(x.What), Detail: x.Detail, IPAddress: x.Address, Browser: account.DescribeUserAgent(x.Agent)})
	}
	return reply.JSON(w, http.StatusOK, out)
}

// casePatchBody changes what it names; what is left out stays.
type casePatchBody struct {
	Status        helpdesk.State `json:"status"`
	Assignee      *string        `json:"assignee"`
	TakeOver      bool           `json:"takeOver"`
	Note          string         `json:"note"`
	IdentityCheck *checkBody     `json:"identityCheck"`
	Answer        string         `json:"answer"` // mailed to the person
}

func (a *API) patchHelpRequest(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body casePatchBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	return a.changeCase(w, r, op, http.StatusOK, helpdesk.RequestPatch{Status: body.Status, Assignee: body.Assignee,
		TakeOver: body.TakeOver, Note: body.Note, Check: body.IdentityCheck.check(), Answer: body.Answer})
}

// addNote writes a note for the operators into the history.
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
	return a.changeCase(w, r, op, http.StatusCreated, helpdesk.RequestPatch{Note: body.Text})
}

// changeCase changes a help request, once for one idempotency key.
func (a *API) changeCase(w http.ResponseWriter, r *http.Request, op admin.Principal, status int, p helpdesk.RequestPatch) error {
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
