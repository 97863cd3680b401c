package freeze

import (
	"context"
	"slices"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/input"
	"barillet/internal/secret"
)

// transaction returns a sign-in transaction whose password was proven in a known browser that only this user uses. It returns
// Forbidden for any other: with a stolen password, or at a shared tablet, another person could block the user.
func (s *Service) transaction(r account.Reader, req account.RequestInfo, transaction secret.Value, now time.Time) (authn.Transaction, account.User, error) {
	tr, u, _, err := s.signIn.LoadTransaction(r, transaction, now)
	if err != nil {
		return tr, u, err
	}
	if tr.NewPassword != nil || !tr.KnownBrowser || !u.KnowsBrowser(req.Browser, now) {
		return tr, u, errcode.ForbiddenFor(errcode.ReasonUnknownBrowser)
	}
	shared, err := s.sessions.IsShared(r, req.Browser.Key())
	if err == nil && shared {
		err = errcode.ForbiddenFor(errcode.ReasonUnknownBrowser)
	}
	return tr, u, err
}

// AtSignIn freezes a device, or All, of the user of a transaction, without its second step. It returns the next step of the
// transaction, which stays valid. CanAtSignIn describes where it returns Forbidden.
func (s *Service) AtSignIn(ctx context.Context, req account.RequestInfo, transaction secret.Value, device factors.DeviceID) (Result, error) {
	var tr authn.Transaction
	return s.run(ctx, req, call{device: device, method: "sign-in",
		find: func(r account.Reader, now time.Time) (u account.User, err error) {
			tr, u, err = s.transaction(r, req, transaction, now)
			return u, err
		},
		renew: func(tx *account.Tx, u *account.User, out *Result) error {
			renewed := tr
			renewed.Epoch, renewed.Ceremony, renewed.Enrol, renewed.SecondFactor = u.Epoch, nil, nil, nil
			return s.signIn.PutTransaction(tx, transaction, renewed)
		}})
}

// CanAtSignIn returns the devices that AtSignIn can freeze. It returns Forbidden unless the password of the transaction was
// typed, in a known browser in which no other user has signed in.
func (s *Service) CanAtSignIn(ctx context.Context, req account.RequestInfo, transaction secret.Value) (devices []factors.Device, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		_, u, err := s.transaction(r, req, transaction, now)
		if err == nil {
			devices = s.freezable(&u)
		}
		return err
	})
	return devices, err
}

// freezable returns the devices that are not frozen, without recovery codes and without Data, the last used one first.
func (s *Service) freezable(u *account.User) []factors.Device {
	return authn.DisplayDevices(slices.DeleteFunc(slices.Clone(u.Devices), func(d factors.Device) bool {
		return d.IsFrozen() || s.accounts.IsBackup(d)
	}))
}

// session returns a session that may freeze. In a browser of several users it needs a step-up.
func (s *Service) session(r account.Reader, session secret.Value, now time.Time) (account.Session, account.User, error) {
	ses, u, err := s.sessions.Load(r, session, now)
	if err != nil || ses.StepUp.Fresh(now) && !ses.StepUp.EnrolOnly {
		return ses, u, err
	}
	shared, err := s.sessions.IsShared(r, ses.Browser)
	if err == nil && shared {
		err = errcode.New(errcode.StepUpRequired)
	}
	return ses, u, err
}

// InSession freezes a device, or All, of the user of a session. The session continues without its step-up, with new
// credentials, unless nothing usable is left. It returns StepUpRequired in a browser of several users.
func (s *Service) InSession(ctx context.Context, req account.RequestInfo, session secret.Value, device factors.DeviceID) (Result, error) {
	var ses account.Session
	return s.run(ctx, req, call{device: device, method: "session",
		find: func(r account.Reader, now time.Time) (u account.User, err error) {
			ses, u, err = s.session(r, session, now)
			return u, err
		},
		renew: func(tx *account.Tx, u *account.User, out *Result) (err error) {
			if out.All {
				return nil
			}
			renewed := ses
			renewed.StepUp, renewed.PhishingResistantAt = account.StepUp{}, time.Time{}
			if slices.ContainsFunc(out.Devices, func(d factors.Device) bool { return s.accounts.Method(d.Kind).Input == factors.InputAssertion }) {
				renewed.AMR = slices.DeleteFunc(slices.Clone(ses.AMR), func(m string) bool { return m == account.AMRHardwareKey })
			}
			out.Sessions = max(out.Sessions-1, 0)
			out.Credentials, err = s.sessions.Rotate(tx, u, renewed)
			return err
		}})
}

// CanInSession returns the devices that InSession can freeze.
func (s *Service) CanInSession(ctx context.Context, session secret.Value) (devices []factors.Device, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		_, u, err := s.session(r, session, now)
		if err == nil {
			devices = s.freezable(&u)
		}
		return err
	})
	return devices, err
}

// link returns the user of a link in an email. It returns InvalidLink if the link was used, has expired, or is older than the
// last reset of the user.
func (s *Service) link(r account.Reader, token secret.Value, now time.Time) (account.User, error) {
	l, u, err := r.Link(token, account.PurposeFreeze, now)
	if err == nil && (l.Resets != u.Resets || u.Status == account.StatusDeactivated) {
		err = errcode.New(errcode.InvalidLink)
	}
	return u, err
}

// LinkedLogin returns the login of the user for whom ByLink accepts the link. It changes nothing.
func (s *Service) LinkedLogin(ctx context.Context, token secret.Value) (login string, err error) {
	now := s.accounts.Now()
	err = s.accounts.View(ctx, func(r account.Reader) error {
		u, err := s.link(r, token, now)
		login = u.Login
		return err
	})
	return login, err
}

// ByLink freezes All devices of the user to whom an email was sent, and spends its link. It signs nobody in.
func (s *Service) ByLink(ctx context.Context, req account.RequestInfo, token secret.Value) (Result, error) {
	return s.run(ctx, req, call{device: All, method: "email",
		find:  func(r account.Reader, now time.Time) (account.User, error) { return s.link(r, token, now) },
		renew: func(tx *account.Tx, _ *account.User, _ *Result) error { return tx.DeleteLink(token.Key()) }})
}

// ByAdmin freezes a device, or All, of a user whom p may assist. Only the user or a reset ends it.
func (s *Service) ByAdmin(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, device factors.DeviceID, reason string) (Result, error) {
	reason, ok := input.Text(reason, 500, false)
	if !ok {
		return Result{}, errcode.InvalidField("reason", "too_long")
	}
	return s.run(ctx, req, call{device: device, by: p, reason: reason, method: "administrator",
		find: func(r account.Reader, _ time.Time) (account.User, error) {
			u, err := admin.FindUser(r, p, admin.PermAssist, id)
			if err == nil && u.Status == account.StatusDeactivated {
				err = errcode.WrongStateFor(errcode.ReasonDeactivated)
			}
			return u, err
		}})
}
