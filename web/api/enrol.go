package api

import (
	"encoding/base32"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/web/reply"
)

// enrolmentJSON is what Okta embeds in a factor that is being enrolled.
type enrolmentJSON struct {
	Activation keyJSON `json:"activation"`
}

// keyJSON is the key of a device that is being enrolled. Only the response that starts the enrolment has the secret.
type keyJSON struct {
	TimeStep     int                 `json:"timeStep,omitempty"` // seconds; absent if the codes do not depend on time
	SharedSecret string              `json:"sharedSecret,omitempty"`
	Encoding     string              `json:"encoding"`
	KeyLength    int                 `json:"keyLength"` // characters of the shared secret
	ExpiresAt    *string             `json:"expiresAt"` // specific to Barillet
	Links        map[string]linkJSON `json:"_links"`
}

// pending returns a device that is being enrolled, without its secret.
func (a *API) pending(u *account.User, d factors.Device) factorJSON {
	out := a.factor(u, d)
	self := out.Links["self"].Href
	out.Status = "PENDING_ACTIVATION"
	out.Links["activate"] = linkJSON{Href: self + "/lifecycle/activate", Method: http.MethodPost}
	return out
}

// withSecret returns a device that is being enrolled, with its secret.
func (a *API) withSecret(x enrol.AdminEnrolmentSecret) factorJSON {
	out := a.pending(&x.User, x.Device)
	out.Embedded = &enrolmentJSON{keyJSON{TimeStep: int(a.directory.Admin.Accounts.Method(x.Device.Kind).Period / time.Second), SharedSecret: x.Secret.Secret, Encoding: "base32",
		KeyLength: (x.Secret.Bytes*8 + 4) / 5, ExpiresAt: reply.Timestamp(x.Device.Added.Add(account.EnrolmentTTL)),
		Links: map[string]linkJSON{"qrcode": {Href: out.Links["self"].Href + "/qr"}}}}
	return out
}

// supportedFactorJSON is a kind of device in Okta's shape.
type supportedFactorJSON struct {
	FactorType string              `json:"factorType"`
	Provider   string              `json:"provider"`
	VendorName string              `json:"vendorName"`
	Enrollment string              `json:"enrollment"`
	Status     string              `json:"status"`
	Links      map[string]linkJSON `json:"_links"`
}

// listSupported serves Okta's catalogue. A kind that only the user can enrol has no link.
func (a *API) listSupported(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	u, err := a.findUser(r, op)
	if err != nil {
		return err
	}
	have := map[[2]string]bool{}
	for _, d := range u.Devices {
		have[[2]string{a.directory.Admin.Accounts.Method(d.Kind).OktaType, a.directory.Admin.Accounts.Status(d).Provider}] = true
	}
	out := []supportedFactorJSON{}
	for _, f := range a.directory.Admin.Accounts.Factors {
		about := f.Method()
		_, byProgram := f.(factors.AdminEnroller)
		for _, provider := range about.Providers {
			x := supportedFactorJSON{FactorType: about.OktaType, Provider: provider, VendorName: provider, Enrollment: "OPTIONAL", Status: "NOT_SETUP",
				Links: map[string]linkJSON{}}
			if have[[2]string{about.OktaType, provider}] {
				x.Status = "ACTIVE"
			}
			if byProgram {
				x.Links["enroll"] = linkJSON{Href: a.publicURL + "/api/v1/users/" + string(u.ID) + "/factors", Method: http.MethodPost}
			}
			out = append(out, x)
		}
	}
	return reply.JSON(w, http.StatusOK, out)
}

// enrolBody is a device to enrol. Only a kind whose devices have a secret of their own accepts a shared secret.
type enrolBody struct {
	FactorType string            `json:"factorType"`
	Provider   string            `json:"provider"`
	Name       string            `json:"name"` // specific to Barillet; default: the name of the app
	VendorName reply.Ignored     `json:"vendorName"`
	Profile    factorProfileBody `json:"profile"`
	Verify     reply.Ignored     `json:"verify"`
	ID         reply.Ignored     `json:"id"`
	Status     reply.Ignored     `json:"status"`
	Created    reply.Ignored     `json:"created"`
	Updated    reply.Ignored     `json:"lastUpdated"`
	Embedded   reply.Ignored     `json:"_embedded"`
	Links      reply.Ignored     `json:"_links"`
}

// factorProfileBody is the secret of a hardware token. Other members are ignored, because Okta's are read-only.
type factorProfileBody struct {
	SharedSecret string // base32
	Counter      uint64 // specific to Barillet: the next counter of the device
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *factorProfileBody) UnmarshalJSON(raw []byte) error {
	var open struct {
		SharedSecret string `json:"sharedSecret"`
		Counter      uint64 `json:"counter"`
	}
	err := json.Unmarshal(raw, &open)
	*b = factorProfileBody(open)
	return err
}

// seed returns the secret, or nil if the body has none.
func (b *factorProfileBody) seed() (*factors.Seed, error) {
	if b.SharedSecret == "" {
		return nil, nil
	}
	text := strings.TrimRight(strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(b.SharedSecret)), "=")
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil || len(text) > maxSharedSecret {
		return nil, errcode.InvalidField("sharedSecret", "base32")
	}
	return &factors.Seed{Secret: secret, Counter: b.Counter}, nil
}

// maxSharedSecret is the maximum length of a shared secret, in characters.
const maxSharedSecret = 128

// appNames are the default names of devices.
var appNames = map[string]string{"OKTA": "Okta Verify", "GOOGLE": "Google Authenticator"}

func (a *API) enrolFactor(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	q, err := readQuery(r)
	if err != nil {
		return err
	}
	var body enrolBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return err
	}
	switch active, err := q.boolean("activate", false); {
	case err != nil:
		return err
	case active: // only a code of the new device proves that it has the secret
		return badParameter("activate")
	}
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	n := directory.NewDevice{Type: body.FactorType, Provider: body.Provider, Name: body.Name}
	if n.Name == "" {
		n.Name = appNames[n.Provider]
	}
	if n.Seed, err = body.Profile.seed(); err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (enrol.AdminEnrolmentSecret, error) {
		return a.directory.Enrol(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, n)
	}, func(x enrol.AdminEnrolmentSecret) (status int, shown, kept any, err error) {
		whole := a.withSecret(x)
		x.Secret.Secret = ""
		return http.StatusOK, whole, a.withSecret(x), nil
	}))
}

// codeBody is a code of a device. Okta's other members have no meaning for a typed code.
type codeBody struct {
	PassCode         string        `json:"passCode"`
	NextPassCode     reply.Ignored `json:"nextPassCode"`
	Answer           reply.Ignored `json:"answer"`
	Attestation      reply.Ignored `json:"attestation"`
	ClientData       reply.Ignored `json:"clientData"`
	RegistrationData reply.Ignored `json:"registrationData"`
	ActivationToken  reply.Ignored `json:"activationToken"`
	StateToken       string        `json:"stateToken"` // of a sign-in
}

// readPassCode reads a request with a code of one device.
func readPassCode(r *http.Request) (id string, fid factors.DeviceID, code []byte, err error) {
	var body codeBody
	if err := reply.DecodeJSON(r, maxBody, &body); err != nil {
		return "", "", nil, err
	}
	if body.PassCode == "" {
		return "", "", nil, errcode.InvalidField("passCode", "empty")
	}
	if id, err = pathID(r, "id"); err != nil {
		return "", "", nil, err
	}
	device, err := pathID(r, "fid")
	return id, factors.DeviceID(device), []byte(body.PassCode), err
}

// verificationError returns the error for a rejected answer, whose failure is stored already. It returns nil for an
// accepted answer.
func verificationError(j authn.Verification) error {
	refused := func(kind string) error {
		return &reply.HTTPError{Status: http.StatusForbidden, Kind: kind, Member: "passCode"}
	}
	switch {
	case j.Accepted():
		return nil
	case j.Wait > 0:
		return errcode.RateLimit(j.Wait)
	}
	switch j.Rejected {
	case factors.ReasonReplayed:
		return refused(reply.KindCodeUsed)
	case factors.ReasonClock:
		return refused(reply.KindCodeClock)
	case factors.ReasonResync:
		return refused(reply.KindCodeResync)
	case factors.ReasonFormat:
		return errcode.InvalidField("passCode", "format")
	}
	return refused(reply.KindPassCode)
}

func (a *API) activateFactor(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, fid, code, err := readPassCode(r)
	if err != nil {
		return err
	}
	return a.once(w, r, op, answering(func(r *http.Request) (enrol.AdminEnrolmentResult, error) {
		u, d, j, err := a.directory.ActivateDevice(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, fid, code)
		if err == nil {
			err = verificationError(j)
		}
		return enrol.AdminEnrolmentResult{User: u, Device: d}, err
	}, func(x enrol.AdminEnrolmentResult) (status int, shown, kept any, err error) {
		out := a.factor(&x.User, x.Device)
		return http.StatusOK, out, out, nil
	}))
}

// verifyResultJSON is Okta's response to a correct code.
type verifyResultJSON struct {
	FactorResult string `json:"factorResult"`
}

// verifyFactor accepts no idempotency key, because a code is valid once.
func (a *API) verifyFactor(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, fid, code, err := readPassCode(r)
	if err != nil {
		return err
	}
	j, err := a.directory.VerifyDevice(r.Context(), op, reply.RequestFrom(r.Context()).Origin(), id, fid, code)
	if err == nil {
		err = verificationError(j)
	}
	if err != nil {
		return err
	}
	return reply.JSON(w, http.StatusOK, verifyResultJSON{"SUCCESS"})
}

func (a *API) getQR(w http.ResponseWriter, r *http.Request, op admin.Principal) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	fid, err := pathID(r, "fid")
	if err != nil {
		return err
	}
	picture, err := a.directory.EnrolmentQR(r.Context(), op, id, factors.DeviceID(fid))
	if err != nil {
		return err
	}
	reply.WritePNG(w, picture)
	return nil
}
