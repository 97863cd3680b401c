package api

import (
	"context"
	"net/http"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/helpdesk"
	"barillet/web/api/systemlog"
	"barillet/web/reply"
)

// exportJSON is all that is kept about a user, for an access request. It has no secrets.
type exportJSON struct {
	User          userJSON                `json:"user"`
	Groups        []groupJSON             `json:"groups"`
	Roles         []roleJSON              `json:"roles"`
	Factors       []factorJSON            `json:"factors"`
	Sessions      []sessionJSON           `json:"sessions"`
	KnownBrowsers []knownBrowserJSON      `json:"knownBrowsers"`
	Activity      []activityJSON          `json:"activity"` // what the account page shows
	Failures      []failureJSON           `json:"failures"`
	Applications  []exportApplicationJSON `json:"applications"`
	Tokens        []tokenJSON             `json:"apiTokens"` // that act as the user
	Approvals     []approvalJSON          `json:"approvals"`
	HelpRequests  []helpRequestJSON       `json:"helpRequests"`
	Emails        []exportMailJSON        `json:"emails"`     // that wait or were given up
	Events        []systemlog.Event       `json:"events"`     // that name the user, newest first
	MoreEvents    bool                    `json:"moreEvents"` // the log has older ones
}

type knownBrowserJSON struct {
	Since    *string `json:"since"`
	LastUsed *string `json:"lastUsed"`
}

type activityJSON struct {
	At        *string `json:"at"`
	EventType string  `json:"eventType"`
	Failed    bool    `json:"failed"`
	Detail    string  `json:"detail"`
	IPAddress string  `json:"ipAddress"`
	Browser   string  `json:"browser"`
}

// failureJSON is a wrong password or code that counts.
type failureJSON struct {
	At   *string `json:"at"`
	What string  `json:"what"` // password, code, recovery, ticket
}

type exportApplicationJSON struct {
	ID    string  `json:"id"`
	Name  string  `json:"name"`
	Since *string `json:"since"` // of the consent or the first grant
}

type exportMailJSON struct {
	Template  string  `json:"template"`
	To        string  `json:"to"`
	Queued    *string `json:"queued"`
	LastError string  `json:"lastError"`
	GivenUp   bool    `json:"givenUp"`
}

func (a *API) exportUser(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	if err := reply.DecodeOptionalJSON(r, maxBody, &struct{}{}); err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	from, err := a.directory.Admin.ExportUser(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id)
	if err != nil {
		return err
	}
	out := exportJSON{MoreEvents: from.More, Tokens: mapped(from.Tokens, a.token), Factors: []factorJSON{}, Sessions: []sessionJSON{}, KnownBrowsers: []knownBrowserJSON{},
		Activity: []activityJSON{}, Failures: []failureJSON{}, Applications: []exportApplicationJSON{}, Approvals: []approvalJSON{}, Emails: []exportMailJSON{},
		Events: mapped(from.Events, systemlog.New)}
	if out.User, err = a.user(&from.User); err != nil {
		return err
	}
	a.exportAccount(&out, &from)
	if err := a.exportRelated(r.Context(), op, &out, from.User.ID); err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, out)
}

// exportAccount adds what the record of the user and the tables of the account have.
func (a *API) exportAccount(out *exportJSON, from *admin.Export) {
	u := &from.User
	out.Roles = mapped(u.Roles, func(g account.RoleAssignment) roleJSON { return a.role(u.ID, g) })
	for _, d := range u.Devices {
		out.Factors = append(out.Factors, a.factor(u, d))
	}
	for _, b := range u.Browsers {
		out.KnownBrowsers = append(out.KnownBrowsers, knownBrowserJSON{reply.Timestamp(b.Since), reply.Timestamp(b.Seen)})
	}
	for _, x := range u.Activity {
		out.Activity = append(out.Activity, activityJSON{reply.Timestamp(x.At), x.What, x.Failed, x.Detail, x.Address, x.Browser})
	}
	add := func(what string, times []time.Time) {
		for _, at := range times {
			out.Failures = append(out.Failures, failureJSON{reply.Timestamp(at), what})
		}
	}
	for _, b := range []struct{ passwords, codes, recovery, ticket []time.Time }{
		{from.Failures.Unknown.Passwords.Times, from.Failures.Unknown.Codes.Times, from.Failures.Unknown.Recovery, from.Failures.Unknown.Ticket},
		{from.Failures.Known.Passwords.Times, from.Failures.Known.Codes.Times, from.Failures.Known.Recovery, from.Failures.Known.Ticket},
	} {
		add("password", b.passwords)
		add("code", b.codes)
		add("recovery", b.recovery)
		add("ticket", b.ticket)
	}
	for _, m := range from.Mails {
		out.Emails = append(out.Emails, exportMailJSON{m.Template, m.To, reply.Timestamp(m.Queued), m.LastError, m.Dead})
	}
}

// exportRelated adds what other tables have about the user: groups, sessions, applications, approvals and help requests.
func (a *API) exportRelated(ctx context.Context, op admin.Principal, out *exportJSON, id account.UserID) error {
	u, open, err := a.directory.Sessions(ctx, op, string(id))
	if err != nil {
		return err
	}
	for _, s := range open {
		out.Sessions = append(out.Sessions, a.session(&u, s))
	}
	apps, err := a.oidc.Tokens.ApplicationsOf(ctx, id)
	if err != nil {
		return err
	}
	for _, x := range apps {
		out.Applications = append(out.Applications, exportApplicationJSON{string(x.ID), x.Name, reply.Timestamp(x.Since)})
	}
	groups, err := pages(func(after string) ([]account.Group, string, error) {
		return a.directory.GroupsOf(ctx, op, string(id), account.GroupQuery{After: after})
	})
	if err != nil {
		return err
	}
	out.Groups = mapped(groups, a.group)
	approvals, err := pages(func(after string) ([]approval.Approval, string, error) { return a.approvals.List(ctx, op, after, 200) })
	if err != nil {
		return err
	}
	for _, x := range approvals {
		if x.User == id {
			out.Approvals = append(out.Approvals, a.approval(x))
		}
	}
	requests, err := pages(func(after string) ([]helpdesk.Request, string, error) {
		return a.directory.HelpDesk.Requests(ctx, op, helpdesk.RequestQuery{User: id, After: after})
	})
	out.HelpRequests = mapped(requests, a.helpRequest)
	return err
}

// pages returns all pages of a list.
func pages[T any](find func(after string) ([]T, string, error)) (all []T, err error) {
	for after := ""; ; {
		page, next, err := find(after)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		after = next
	}
}

// mapped returns the JSON forms of a list, never nil.
func mapped[T, J any](all []T, show func(T) J) []J {
	out := make([]J, len(all))
	for i := range all {
		out[i] = show(all[i])
	}
	return out
}
