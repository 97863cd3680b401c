package directory

import (
	"context"
	"slices"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
)

// caller is the operator as authn knows who works on a person's devices; what they may is judged in every run.
func (d *Service) caller(op admin.Principal, a admin.Permission, id string) authn.AdminCall {
	return authn.AdminCall{ID: op.ID, Owner: op.Owner, Name: op.DisplayName(d.accounts.Policy.Issuer), Actor: op.Actor(),
		Find: func(r account.Reader) (account.User, error) { return admin.FindUser(r, op, a, id) }}
}

// enroller is caller for enrolling, which shows a secret: to Machine or with Secrets only (PROTOCOL 22).
func (d *Service) enroller(op admin.Principal, id string) authn.AdminCall {
	c := d.caller(op, admin.PermManage, id)
	judged := c.Find
	c.Find = func(r account.Reader) (account.User, error) {
		u, err := judged(r)
		if err == nil && !op.CanReadSecrets() {
			err = errcode.New(errcode.Forbidden)
		}
		return u, err
	}
	return c
}

// NewDevice is a device to be enrolled for somebody, by Okta's names of types and providers.
type NewDevice struct {
	Type     string        // "token:software:totp"
	Provider string        // which app the person uses
	Name     string        // 1 to 64 characters
	Seed     *factors.Seed // of a device that was programmed elsewhere; nil: a new secret
}

// Enrol begins to enrol a device for a person; it counts for nothing before Activate and ends after authn.EnrolmentTTL, by
// the Epoch, or when another is begun. Forbidden, WrongState, TooMany, Invalid.
func (d *Service) Enrol(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, n NewDevice) (enrol.AdminEnrolmentSecret, error) {
	if n.Name == "" {
		return enrol.AdminEnrolmentSecret{}, errcode.InvalidField("name", "empty")
	}
	kind, err := d.kindOf(n)
	if err != nil {
		return enrol.AdminEnrolmentSecret{}, err
	}
	offering, err := d.enrol.BeginByAdmin(ctx, req, d.enroller(op, id), enrol.Request{Kind: kind, App: n.Provider, Name: n.Name, Seed: n.Seed})
	offering.User = admin.WithoutSecrets(offering.User)
	return offering, err
}

// kindOf finds the kind behind Okta's names.
func (d *Service) kindOf(n NewDevice) (factors.Kind, error) {
	for _, f := range d.accounts.Factors {
		m := f.Method()
		switch {
		case m.OktaType != n.Type || !m.Primary:
		case !slices.Contains(m.Providers, n.Provider):
			return "", errcode.InvalidField("provider", "unknown")
		default:
			return f.Kind(), nil
		}
	}
	return "", errcode.InvalidField("factorType", "unknown")
}

// ActivateDevice ends an enrolment that the same operator began, by the first code of the new device. For a person who has
// a device it waits for that person's word; else it is born by the hand of the operator's owner (PROTOCOL 8, 22).
func (d *Service) ActivateDevice(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, fid factors.DeviceID, code []byte) (account.User, factors.Device, authn.Verification, error) {
	u, dev, j, err := d.enrol.ConfirmByAdmin(ctx, req, d.enroller(op, id), fid, code)
	return admin.WithoutSecrets(u), dev, j, err
}

// EnrolmentQR is the QR code of an enrolment that the same operator began, as PNG, while it is pending.
func (d *Service) EnrolmentQR(ctx context.Context, op admin.Principal, id string, fid factors.DeviceID) ([]byte, error) {
	return d.enrol.AdminQR(ctx, d.enroller(op, id), fid)
}

// VerifyDevice judges a code of a person's device that a program was given, by the rules and counters of the pages.
func (d *Service) VerifyDevice(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, fid factors.DeviceID, code []byte) (authn.Verification, error) {
	return d.signIn.VerifyByAdmin(ctx, req, d.caller(op, admin.PermAssist, id), fid, code)
}
