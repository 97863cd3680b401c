package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/freeze"
	"barillet/factors"
	"barillet/web/reply"
)

// freezeJSON is the result of a freeze.
type freezeJSON struct {
	UserID        account.UserID `json:"userId"`
	Login         string         `json:"login"`
	At            *string        `json:"at"`
	Frozen        []frozenJSON   `json:"frozen"` // the devices that were not frozen before
	SessionsEnded int            `json:"sessionsEnded"`
}

type frozenJSON struct {
	ID         factors.DeviceID `json:"id"`
	FactorType string           `json:"factorType"`
	Name       string           `json:"name"`
}

// freezeFactors freezes the device in the path, or all devices of the user if the path names none.
func (a *API) freezeFactors(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := reply.DecodeOptionalJSON(r, maxBody, &body); err != nil {
		return err
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (freeze.Result, error) {
		return a.directory.Freeze.ByAdmin(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, factors.DeviceID(r.PathValue("fid")), body.Reason)
	}, func(x freeze.Result) (status int, shown, kept any, err error) {
		out := freezeJSON{UserID: x.User, Login: x.Login, At: reply.Timestamp(x.At), Frozen: []frozenJSON{}, SessionsEnded: x.Sessions}
		for _, d := range x.Devices {
			out.Frozen = append(out.Frozen, frozenJSON{d.ID, a.directory.Admin.Accounts.Method(d.Kind).OktaType, d.Name})
		}
		return http.StatusOK, out, out, nil
	}))
}
