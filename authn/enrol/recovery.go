package enrol

import (
	"context"
	"fmt"
	"time"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// showRecoveryCodes stores recovery codes that BeginEnrol made and returns the prompt that shows them. They count from now
// on, because the user may save them and close the page. An older list counts as well, until FinishRecoveryCodes, the first
// use of a new code, or account.RecoveryOverlap (protocol rule 6).
func (s *Service) showRecoveryCodes(ctx context.Context, op *account.Operation, flow Flow, want Request,
	subject factors.Subject, pending factors.Pending, prompt account.Prompt) (account.Prompt, error) {
	o, err := s.Accounts.Factor(want.Kind).FinishEnrol(op.Now, subject, pending, nil)
	if err != nil || !o.Accepted() {
		return account.Prompt{}, fmt.Errorf("making %s: rejected %q: %w", want.Kind, o.Rejected, err)
	}
	d := o.Device
	d.ID, d.Name, d.Added = factors.DeviceID(op.ID("device")), want.Name, op.Now
	return account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (account.Prompt, error) {
		st, err := s.loadNewFlow(tx.Reader, flow, op.Now, false)
		if err != nil {
			return account.Prompt{}, err
		}
		u := &st.user
		s.Accounts.AddRecoveryList(u, d)
		tx.AddActivity(u, audit.RecoveryCodesMade, d.Name)
		if err := tx.AuditDevice(u, audit.RecoveryCodesMade, d); err != nil {
			return account.Prompt{}, err
		}
		if err := tx.Notify(u, notice.RecoveryShown{Context: tx.About(u), OldUntil: s.Accounts.RecoveryUntil(u)}, time.Time{}); err != nil {
			return account.Prompt{}, err
		}
		st.pending = &account.PendingEnrolment{Kind: want.Kind, Name: want.Name, Shown: d.ID, Prompt: prompt, Expires: op.Now.Add(account.EnrolmentTTL)}
		if err := s.storeFlow(tx, st, flow); err != nil {
			return account.Prompt{}, err
		}
		return prompt, tx.Save(u)
	})
}

// FinishRecoveryCodes ends the older list of recovery codes, because the user has saved the list with this id. It returns
// Expired if the flow does not show that list any more, and NotFound if the list does not exist.
func (s *Service) FinishRecoveryCodes(ctx context.Context, req account.RequestInfo, flow Flow, id factors.DeviceID) error {
	op := s.Accounts.NewOperation(req)
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		st, err := s.loadPendingFlow(tx.Reader, flow, op.Now)
		switch u := &st.user; {
		case err != nil:
			return struct{}{}, err
		case u.Device(id) == nil:
			return struct{}{}, errcode.New(errcode.NotFound)
		case st.pending.Shown != id:
			return struct{}{}, errcode.New(errcode.Expired)
		}
		if err := s.SignIn.EndOlderRecoveryLists(tx, &st.user, id); err != nil {
			return struct{}{}, err
		}
		st.pending = nil
		if err := s.storeFlow(tx, st, flow); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&st.user)
	})
	return err
}
