package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
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
