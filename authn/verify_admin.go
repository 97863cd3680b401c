package authn

import (
	"context"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// AdminCall is an operation of a principal on the devices of a user.
type AdminCall struct {
	ID    string                                     // ID of the principal
	Owner string                                     // the administrator to whom the principal belongs
	Name  string                                     // display name of the principal
	Actor audit.Actor                                // the principal in the audit log
	Find  func(account.Reader) (account.User, error) // finds the user and checks the permission, in each attempt
}

// ActiveUser returns the user of the call. It returns WrongState if the user is not active.
func (c AdminCall) ActiveUser(r account.Reader) (account.User, error) {
	u, err := c.Find(r)
	if err == nil && u.Status != account.StatusActive {
		err = errcode.WrongStateFor(errcode.ReasonNotActive)
	}
	return u, err
}

// VerifyByAdmin verifies a code of a user's device that a program supplies. It consumes the same codes and uses the
// same counters as the pages (protocol rules 17 and 22). It returns WrongState if the device is not usable now.
func (s *Service) VerifyByAdmin(ctx context.Context, req account.RequestInfo, c AdminCall, id factors.DeviceID,
	answer []byte) (Verification, error) {
	var out Verification
	err := RetryOnConflict(ctx, func() (bool, error) {
		op := s.Accounts.NewOperation(req)
		var u account.User
		if err := s.Accounts.View(ctx, func(r account.Reader) (err error) {
			u, err = c.ActiveUser(r)
			return err
		}); err != nil {
			return false, err
		}
		d := u.Device(id)
		switch {
		case d == nil:
			return false, errcode.New(errcode.NotFound)
		case len(s.codeDevices([]factors.Device{*d})) == 0:
			return false, errcode.InvalidField("factorType", errcode.ReasonBrowserOnly)
		case !s.Accounts.CanUse(&u, *d):
			return false, errcode.WrongStateFor(errcode.ReasonUnusable)
		}
		if wait, err := s.waitFor(ctx, op, &u, s.Accounts.Method(d.Kind).Input, false); err != nil || wait > 0 {
			out = Verification{Wait: wait}
			return true, err
		}
		a, err := s.verifyAnswer(op, &u, []factors.Device{*d}, u.AdminVerification, s.Accounts.Method(d.Kind).Input, false, answer)
		if err != nil {
			return false, err
		}
		a.admin = c.Actor
		if a.storesNothing(op.Now, u.AdminVerification) {
			out, err = s.refuse(ctx, op, &u, a)
			return true, err
		}
		done, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (*Verification, error) { return s.storeAdminVerification(tx, c, a) })
		if err != nil || done == nil {
			return false, err
		}
		out = *done
		return true, nil
	})
	return out, err
}

// storeAdminVerification stores the result of a code. It returns nil if the user record is not the one on which the
// code was verified.
func (s *Service) storeAdminVerification(tx *account.Tx, c AdminCall, a deviceAttempt) (*Verification, error) {
	u, err := c.ActiveUser(tx.Reader)
	if err != nil {
		return nil, err
	}
	if u.Revision != a.revision {
		return nil, nil
	}
	v, err := s.recordAttempt(tx, &u, a)
	if err != nil || v.Wait > 0 {
		return &v, err
	}
	u.AdminVerification = s.updateCeremony(tx.Op.Now, u.AdminVerification, a)
	if len(u.AdminVerification.Pending) == 0 {
		u.AdminVerification = nil
	}
	if v.Accepted() {
		if err := s.auditAttempt(tx, &u, a, audit.Success, string(a.kind)); err != nil {
			return nil, err
		}
	}
	return &v, tx.Save(&u)
}
