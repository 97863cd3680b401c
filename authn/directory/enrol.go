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

// adminCall returns the description of p that package enrol needs. Its Find checks perm in each run of a transaction.
func (s *Service) adminCall(p admin.Principal, perm admin.Permission, id string) authn.AdminCall {
	return authn.AdminCall{ID: p.ID, Owner: p.Owner, Name: p.DisplayName(s.accounts.Policy.Issuer), Actor: p.Actor(),
		Find: func(r account.Reader) (account.User, error) { return admin.FindUser(r, p, perm, id) }}
}

// enrolCall is adminCall for an enrolment, which shows a secret and so requires CanReadSecrets (protocol rule 22).
func (s *Service) enrolCall(p admin.Principal, id string) authn.AdminCall {
	c := s.adminCall(p, admin.PermManage, id)
	find := c.Find
	c.Find = func(r account.Reader) (account.User, error) {
		u, err := find(r)
		if err == nil && !p.CanReadSecrets() {
			err = errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
		}
		return u, err
	}
	return c
}

// NewDevice describes a device to enrol for a user, in Okta's names of types and providers.
type NewDevice struct {
	Type     string        // "token:software:totp"
	Provider string        // the authenticator app of the user
	Name     string        // 1 to 64 characters
	Seed     *factors.Seed // the secret of a preprogrammed device; nil: a new secret
}

// Enrol begins an admin enrolment. The device cannot be used before ActivateDevice. The enrolment ends after
// account.EnrolmentTTL, with the epoch, or when another one begins. Enrol returns Forbidden, WrongState, TooMany or
// Invalid.
func (s *Service) Enrol(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, n NewDevice) (enrol.AdminEnrolmentSecret, error) {
	if n.Name == "" {
		return enrol.AdminEnrolmentSecret{}, errcode.InvalidField("name", "empty")
	}
	kind, err := s.kindOf(n)
	if err != nil {
		return enrol.AdminEnrolmentSecret{}, err
	}
	enrolment, err := s.enrol.BeginByAdmin(ctx, req, s.enrolCall(p, id), enrol.Request{Kind: kind, App: n.Provider, Name: n.Name, Seed: n.Seed})
	enrolment.User = admin.WithoutSecrets(enrolment.User)
	return enrolment, err
}

// kindOf returns the kind of device that has these Okta names.
func (s *Service) kindOf(n NewDevice) (factors.Kind, error) {
	for _, f := range s.accounts.Factors {
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

// ActivateDevice completes an admin enrolment of the same principal with the first code of the device. If the user has
// another device, they must confirm the new one. Otherwise its provenance is the owner of the principal (protocol rules
// 8 and 22).
func (s *Service) ActivateDevice(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, fid factors.DeviceID, code []byte) (account.User, factors.Device, authn.Verification, error) {
	u, dev, verification, err := s.enrol.ConfirmByAdmin(ctx, req, s.enrolCall(p, id), fid, code)
	return admin.WithoutSecrets(u), dev, verification, err
}

// EnrolmentQR returns the QR code of a pending enrolment of the same principal as a PNG image.
func (s *Service) EnrolmentQR(ctx context.Context, p admin.Principal, id string, fid factors.DeviceID) ([]byte, error) {
	return s.enrol.AdminQR(ctx, s.enrolCall(p, id), fid)
}

// VerifyDevice verifies a code of a device of a user, with the rules and failure counters of the sign-in pages.
func (s *Service) VerifyDevice(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, fid factors.DeviceID, code []byte) (authn.Verification, error) {
	return s.signIn.VerifyByAdmin(ctx, req, s.adminCall(p, admin.PermAssist, id), fid, code)
}
