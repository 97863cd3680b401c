package api

import (
	"net/http"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/web/reply"
)

// factorJSON is a device in Okta's shape. It has no member for the secret.
type factorJSON struct {
	ID                  factors.DeviceID    `json:"id"`
	FactorType          string              `json:"factorType"`
	Provider            string              `json:"provider"`
	VendorName          string              `json:"vendorName"`
	Status              string              `json:"status"`
	Created             *string             `json:"created"`
	LastUpdated         *string             `json:"lastUpdated"`
	Profile             factorProfileJSON   `json:"profile"`
	Name                string              `json:"name"`     // specific to Barillet, as are the following members
	LastUsed            *string             `json:"lastUsed"` // null: not used since enrolment
	Copies              []copyJSON          `json:"copies"`
	RecoveryCodesLeft   *int                `json:"left,omitempty"` // unused recovery codes
	EnrolledBy          string              `json:"enrolledBy,omitempty"`
	Frozen              *string             `json:"frozen,omitempty"`
	FrozenBy            string              `json:"frozenBy,omitempty"`            // the administrator; absent: the user
	PendingConfirmation bool                `json:"pendingConfirmation,omitempty"` // not usable until the user confirms it
	Embedded            *enrolmentJSON      `json:"_embedded,omitempty"`
	Links               map[string]linkJSON `json:"_links"`
}

type factorProfileJSON struct {
	CredentialID      string `json:"credentialId"`
	AuthenticatorName string `json:"authenticatorName,omitempty"`
}

type copyJSON struct {
	ID        string  `json:"id"`
	Name      string  `json:"name"`
	Shown     *string `json:"shown"`
	Confirmed *string `json:"confirmed"` // null: shown, and not confirmed
}

func (a *API) factor(u *account.User, d factors.Device) factorJSON {
	m, st := a.directory.Admin.Accounts.Method(d.Kind), a.directory.Admin.Accounts.Status(d)
	self := a.publicURL + "/api/v1/users/" + string(u.ID) + "/factors/" + string(d.ID)
	out := factorJSON{ID: d.ID, FactorType: m.OktaType, Provider: st.Provider, VendorName: st.Provider,
		Status: "ACTIVE", Created: reply.Timestamp(d.Added), LastUpdated: reply.Timestamp(d.LastUsed), LastUsed: reply.Timestamp(d.LastUsed), Name: d.Name,
		EnrolledBy: d.EnrolledBy, PendingConfirmation: d.Unconfirmed(), Profile: factorProfileJSON{CredentialID: u.AsGiven().Login}, Copies: []copyJSON{},
		Links: map[string]linkJSON{"self": {Href: self}, "user": {Href: a.publicURL + "/api/v1/users/" + string(u.ID)}}}
	if d.LastUsed.IsZero() {
		out.LastUpdated = out.Created
	}
	if d.IsFrozen() {
		out.Status, out.Frozen, out.FrozenBy = "INACTIVE", reply.Timestamp(d.Frozen), d.FrozenBy
	}
	if m.Input != factors.InputBackup && !a.directory.Admin.Accounts.CanUse(u, d) {
		out.Status = "INACTIVE"
	}
	if d.Unique != "" && m.Input == factors.InputAssertion { // a credential id, which is public
		out.Profile = factorProfileJSON{CredentialID: d.Unique, AuthenticatorName: d.Name}
	}
	if m.Input == factors.InputBackup {
		out.RecoveryCodesLeft = &st.Remaining
	}
	for _, c := range d.Copies {
		out.Copies = append(out.Copies, copyJSON{ID: c.ID, Name: c.Name, Shown: reply.Timestamp(c.Shown), Confirmed: reply.Timestamp(c.Confirmed)})
	}
	return out
}

// findUser returns the user in the path.
func (a *API) findUser(r *http.Request, op admin.Principal) (account.User, error) {
	id, err := pathID(r, "id")
	if err != nil {
		return account.User{}, err
	}
	return a.directory.Admin.User(r.Context(), op, id)
}

func (a *API) listFactors(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	u, err := a.findUser(r, op)
	if err != nil {
		return err
	}
	out := make([]factorJSON, len(u.Devices))
	for i, d := range u.Devices {
		out[i] = a.factor(&u, d)
	}
	if d, ok := u.PendingDevice(a.now()); ok {
		out = append(out, a.pending(&u, d))
	}
	return reply.JSON(w, http.StatusOK, out)
}

func (a *API) getFactor(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	u, err := a.findUser(r, op)
	if err != nil {
		return err
	}
	for _, d := range u.Devices {
		if string(d.ID) == r.PathValue("fid") {
			return reply.JSON(w, http.StatusOK, a.factor(&u, d))
		}
	}
	if d, ok := u.PendingDevice(a.now()); ok && string(d.ID) == r.PathValue("fid") {
		return reply.JSON(w, http.StatusOK, a.pending(&u, d))
	}
	return errcode.New(errcode.NotFound)
}

func (a *API) deleteFactor(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	err = a.directory.RemoveDevice(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, factors.DeviceID(r.PathValue("fid")))
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
