package api

import (
	"net/http"
	"strconv"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/counts"
	"barillet/authn/directory"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/web/reply"
)

// userRiskJSON is a user with one usable device or none.
type userRiskJSON struct {
	Kind              string              `json:"kind"` // "user"
	Risk              string              `json:"risk"` // "one_device", "no_device"
	UserID            account.UserID      `json:"userId"`
	Login             string              `json:"login"`
	Name              string              `json:"name"`
	GroupIDs          []account.GroupID   `json:"groupIds"`
	Device            *riskDeviceJSON     `json:"device"` // null: none
	Copies            int                 `json:"copies"` // other phones with its QR code
	RecoveryCodesLeft int                 `json:"recoveryCodesLeft"`
	TicketExpiresAt   *string             `json:"ticketExpiresAt"` // null: no open ticket
	Links             map[string]linkJSON `json:"_links"`
}

type riskDeviceJSON struct {
	ID         factors.DeviceID `json:"id"`
	Name       string           `json:"name"`
	FactorType string           `json:"factorType"`
	LastUsed   *string          `json:"lastUsed"`
}

// groupRiskJSON is a group with fewer than two administrators who can reset devices.
type groupRiskJSON struct {
	Kind           string              `json:"kind"` // "group"
	Risk           string              `json:"risk"` // "few_managers"
	GroupID        account.GroupID     `json:"groupId"`
	Name           string              `json:"name"`
	CanReset       int                 `json:"canReset"`
	UnscopedAdmins *int                `json:"unscopedAdmins"` // null for a principal with a group scope
	Links          map[string]linkJSON `json:"_links"`
}

func (a *API) lockoutRisk(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	return list(a, w, r, func(p page) ([]directory.LockoutRisk, string, error) {
		kind := p.text("kind")
		if kind != "" && kind != directory.RiskUser && kind != directory.RiskGroup {
			return nil, "", badParameter("kind")
		}
		found, next, err := a.directory.LockoutRisk(r.Context(), op, directory.RiskQuery{Kind: kind, After: p.after, Limit: p.limit})
		if errcode.Of(err) == errcode.Invalid {
			return nil, "", badParameter("after")
		}
		return found, next, err
	}, a.risk)
}

func (a *API) risk(x directory.LockoutRisk) any {
	if x.Kind == directory.RiskGroup {
		return groupRiskJSON{Kind: x.Kind, Risk: "few_managers", GroupID: x.Group.ID, Name: x.Group.Name, CanReset: x.CanReset,
			UnscopedAdmins: x.UnscopedAdmins,
			Links:          map[string]linkJSON{"group": {Href: a.publicURL + "/api/v1/groups/" + string(x.Group.ID)}}}
	}
	u := x.User
	out := userRiskJSON{Kind: x.Kind, Risk: "no_device", UserID: u.ID, Login: u.AsGiven().Login, Name: u.DisplayName(), GroupIDs: u.Groups,
		Copies: x.Devices.Copies, RecoveryCodesLeft: x.Devices.RecoveryCodes, TicketExpiresAt: reply.Timestamp(x.Devices.TicketUntil),
		Links: map[string]linkJSON{"user": {Href: a.publicURL + "/api/v1/users/" + string(u.ID)}}}
	if out.GroupIDs == nil {
		out.GroupIDs = []account.GroupID{}
	}
	for _, d := range x.Devices.Devices {
		out.Risk = "one_device"
		out.Device = &riskDeviceJSON{ID: d.ID, Name: d.Name, FactorType: a.directory.Admin.Accounts.Method(d.Kind).OktaType, LastUsed: reply.Timestamp(d.LastUsed)}
	}
	return out
}

// signInsJSON is the report of sign-ins.
type signInsJSON struct {
	GroupID *account.GroupID `json:"groupId"` // null: all groups in the scope
	Days    []signInDayJSON  `json:"days"`
	Total   signInCountsJSON `json:"total"`
}

type signInDayJSON struct {
	Date string `json:"date"` // in UTC
	signInCountsJSON
}

type signInCountsJSON struct {
	SignIns        int  `json:"signIns"`
	WrongPasswords int  `json:"wrongPasswords"`
	WrongCodes     int  `json:"wrongCodes"`
	Inactive       int  `json:"inactive"`
	UnknownLogins  *int `json:"unknownLogins"` // null for a group, or a principal with a group scope
	Lockouts       int  `json:"lockouts"`
	FactorResets   int  `json:"factorResets"`
}

func (a *API) reportSignIns(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	days, group := 7, account.GroupID(q.text("group"))
	if text := q.text("days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > counts.Days {
			return badParameter("days")
		}
	}
	if group != "" {
		if _, err := checkID(string(group)); err != nil {
			return err
		}
	}
	found, err := a.directory.SignIns(r.Context(), op, days, group)
	if err != nil {
		return err
	}
	out, total := signInsJSON{Days: make([]signInDayJSON, len(found))}, counts.Counts{}
	if group != "" {
		out.GroupID = &group
	}
	of := func(c counts.Counts) signInCountsJSON {
		j := signInCountsJSON{SignIns: c.SignIns, WrongPasswords: c.WrongPasswords, WrongCodes: c.WrongCodes, Inactive: c.Inactive, Lockouts: c.Lockouts, FactorResets: c.Resets}
		if group == "" && !op.Scoped() {
			j.UnknownLogins = &c.UnknownLogins
		}
		return j
	}
	for i, d := range found {
		out.Days[i] = signInDayJSON{d.Start.Format(time.DateOnly), of(d.Counts)}
		total.Add(d.Counts)
	}
	out.Total = of(total)
	return reply.JSON(w, http.StatusOK, out)
}
