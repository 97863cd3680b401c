package enrol

import (
	"context"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ConfirmDevice confirms a device that an administrator enrolled for the user. It needs a step-up with another
// device and a code of this one. It returns StepUpRequired or NotFound.
func (s *Service) ConfirmDevice(ctx context.Context, req account.RequestInfo, session secret.Value,
	id factors.DeviceID, answer []byte) (authn.Verification, error) {
	return s.SignIn.VerifyInSession(ctx, req, session, func(op *account.Operation, ses *account.Session, u *account.User) (authn.DeviceCheck, error) {
		if !ses.StepUp.Fresh(op.Now) || ses.StepUp.EnrolOnly {
			return authn.DeviceCheck{}, errcode.New(errcode.StepUpRequired)
		}
		d, f := u.Device(id), factors.Factor(nil)
		if d != nil {
			f = s.Accounts.Factor(d.Kind)
		}
		if f == nil || !d.Unconfirmed() || d.IsFrozen() {
			return authn.DeviceCheck{}, errcode.New(errcode.NotFound)
		}
		confirmed := *d
		confirmed.Disabled = ""
		return authn.DeviceCheck{Device: confirmed, Verify: func() (factors.Outcome, error) {
			out, err := f.FinishVerify(op.Now, s.Accounts.Subject(u), []factors.Device{confirmed}, ses.Ceremony.PendingFor(d.Kind, op.Now), answer)
			if out.Device.ID != "" && !out.Accepted() {
				out.Device.Disabled = factors.DisabledUnconfirmed // store the consumed time step, but keep the device unconfirmed
			}
			return out, err
		}}, nil
	}, func(tx *account.Tx, ses *account.Session, u *account.User) error {
		d := u.Device(id)
		if d == nil || !ses.StepUp.Fresh(tx.Op.Now) || ses.StepUp.EnrolOnly {
			return errcode.New(errcode.StepUpRequired)
		}
		tx.AddActivity(u, audit.FactorConfirmed, d.Name)
		if err := tx.AuditDevice(u, audit.FactorConfirmed, *d); err != nil {
			return err
		}
		return tx.Notify(u, notice.DeviceAdded{Context: tx.About(u), Device: d.Name}, time.Time{})
	})
}
