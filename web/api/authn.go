package api

import (
	"net/http"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/web/reply"
)

// The limits of login and password in bytes, as on the sign-in page.
const (
	maxName     = 1 << 10
	maxPassword = 1 << 10
)

// signInBody starts a sign-in. The relay state is of no use to the service.
type signInBody struct {
	Username   string        `json:"username"`
	Password   string        `json:"password"`
	RelayState reply.Ignored `json:"relayState"`
	Options    reply.Ignored `json:"options"`
	Context    reply.Ignored `json:"context"`
	Audience   reply.Ignored `json:"audience"`
}

// signInJSON is a transaction in the shape of Okta's primary authentication.
type signInJSON struct {
	StateToken   string              `json:"stateToken,omitempty"`
	ExpiresAt    *string             `json:"expiresAt"`
	Status       string              `json:"status"`
	SessionToken string              `json:"sessionToken,omitempty"` // with SUCCESS; pages do not accept the session
	SessionID    string              `json:"sessionId,omitempty"`    // specific to Barillet: its id in GET /users/{id}/sessions
	Embedded     signInParts         `json:"_embedded"`
	Links        map[string]linkJSON `json:"_links,omitempty"`
}

type signInParts struct {
	User    signInUserJSON     `json:"user"`
	Factors []signInFactorJSON `json:"factors,omitempty"`
	Factor  *signInFactorJSON  `json:"factor,omitempty"` // with MFA_CHALLENGE
}

type signInUserJSON struct {
	ID              account.UserID    `json:"id"`
	PasswordChanged *string           `json:"passwordChanged"`
	Profile         map[string]string `json:"profile"`
}

type signInFactorJSON struct {
	ID         factors.DeviceID    `json:"id"`
	FactorType string              `json:"factorType"`
	Provider   string              `json:"provider"`
	VendorName string              `json:"vendorName"`
	Profile    factorProfileJSON   `json:"profile"`
	Name       string              `json:"name"` // specific to Barillet
	Links      map[string]linkJSON `json:"_links"`
}

// statusOf returns Okta's status for a step. A step that only a page can complete is WrongState.
func statusOf(step authn.Step) (string, error) {
	switch step {
	case authn.StepVerify:
		return "MFA_REQUIRED", nil
	case authn.StepBlocked, authn.StepTicket, authn.StepEnrol:
		return "MFA_ENROLL", nil // without links: enrolment needs a browser (protocol rule 1)
	case authn.StepChangePassword:
		return "PASSWORD_EXPIRED", nil // without links: the user chooses a password in a browser
	case authn.StepDone:
		return "SUCCESS", nil
	}
	return "", errcode.New(errcode.WrongState)
}

func (a *API) transaction(t authn.APISignIn) (signInJSON, error) {
	status, err := statusOf(t.Step)
	if err != nil {
		return signInJSON{}, err
	}
	u := t.User
	out := signInJSON{StateToken: t.State.Reveal(), ExpiresAt: reply.Timestamp(t.Expires), Status: status, SessionToken: t.Session.Reveal(), SessionID: t.SessionID}
	out.Embedded.User = signInUserJSON{ID: u.ID, PasswordChanged: reply.Timestamp(u.Password.Set), Profile: map[string]string{"login": u.AsGiven().Login,
		"firstName": u.FirstName, "lastName": u.LastName, "locale": u.Locale}}
	if t.Step != authn.StepVerify {
		return out, nil
	}
	out.Links = map[string]linkJSON{"cancel": {Href: a.publicURL + "/api/v1/authn/cancel", Method: http.MethodPost}}
	for _, d := range t.Devices {
		out.Embedded.Factors = append(out.Embedded.Factors, a.signInFactor(&u, d))
	}
	return out, nil
}

func (a *API) signInFactor(u *account.User, d factors.Device) signInFactorJSON {
	provider := a.directory.Admin.Accounts.Status(d).Provider
	return signInFactorJSON{ID: d.ID, FactorType: a.directory.Admin.Accounts.Method(d.Kind).OktaType, Provider: provider, VendorName: provider, Name: d.Name,
		Profile: factorProfileJSON{CredentialID: u.AsGiven().Login},
		Links:   map[string]linkJSON{"verify": {Href: a.publicURL + "/api/v1/authn/factors/" + string(d.ID) + "/verify", Method: http.MethodPost}}}
}

// checkSignInEnabled returns an error unless the configuration enables the API sign-in.
func (a *API) checkSignInEnabled() error {
	if !a.signIn {
		return &reply.HTTPError{Status: http.StatusForbidden, Kind: reply.KindDisabled}
	}
	return nil
}

// startSignIn checks login and password with the rules and failure counters of the sign-in page.
func (a *API) startSignIn(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body signInBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	switch {
	case body.Username == "":
		return errcode.InvalidField("username", "empty")
	case len(body.Username) > maxName:
		return errcode.InvalidField("username", "too_long")
	case body.Password == "":
		return errcode.InvalidField("password", "empty")
	case len(body.Password) > maxPassword:
		return errcode.InvalidField("password", "too_long")
	}
	if err := a.checkSignInEnabled(); err != nil {
		return err
	}
	t, err := a.directory.Admin.SignIn(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), body.Username, body.Password)
	if err != nil {
		return err
	}
	return a.answerTransaction(w, t)
}

func (a *API) answerTransaction(w http.ResponseWriter, t authn.APISignIn) error {
	out, err := a.transaction(t)
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, out)
}

// transactionError returns the same error for a transaction that expired, that is of another token, or that never
// existed.
func transactionError(err error) error {
	if errcode.Of(err) == errcode.Expired {
		return &reply.HTTPError{Status: http.StatusUnauthorized, Kind: reply.KindStateToken}
	}
	return err
}

// signInCode verifies a code. Without a code it returns the device that the code must come from.
func (a *API) signInCode(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body codeBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	state, req := secret.From(body.StateToken), reply.RequestFrom(r.Context()).Origin()
	if state.IsZero() {
		return errcode.InvalidField("stateToken", "empty")
	}
	if err := a.checkSignInEnabled(); err != nil {
		return err
	}
	fid, err := pathID(r, "fid")
	if err != nil {
		return err
	}
	if body.PassCode == "" {
		return a.challenge(w, r, op, state, factors.DeviceID(fid))
	}
	t, j, err := a.directory.Admin.SignInCode(r.Context(), op, req, state, factors.DeviceID(fid), []byte(body.PassCode))
	if err == nil {
		err = verificationError(j)
	}
	if err != nil {
		return transactionError(err)
	}
	return a.answerTransaction(w, t)
}

// challenge writes the transaction with the selected device.
func (a *API) challenge(w http.ResponseWriter, r *http.Request, op admin.Principal, state secret.Value, fid factors.DeviceID) error {
	t, err := a.directory.Admin.SignInState(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), state)
	if err != nil {
		return transactionError(err)
	}
	out, err := a.transaction(t)
	if err != nil {
		return err
	}
	for _, f := range out.Embedded.Factors {
		if f.ID == fid {
			out.Status, out.Embedded.Factors, out.Embedded.Factor = "MFA_CHALLENGE", nil, &f
			out.Links["next"] = f.Links["verify"]
			return reply.JSON(w, http.StatusOK, out)
		}
	}
	return errcode.New(errcode.NotFound)
}

// cancelBody identifies the transaction to cancel.
type cancelBody struct {
	StateToken string `json:"stateToken"`
}

func (a *API) cancelSignIn(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	var body cancelBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	if body.StateToken == "" {
		return errcode.InvalidField("stateToken", "empty")
	}
	if err := a.checkSignInEnabled(); err != nil {
		return err
	}
	err := a.directory.Admin.CancelSignIn(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), secret.From(body.StateToken))
	if err != nil {
		return transactionError(err)
	}
	return reply.JSON(w, http.StatusOK, struct{}{})
}
