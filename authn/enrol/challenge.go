package enrol

import (
	"bytes"
	"context"

	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
)

// dropChallenge ends an enrolment whose challenge was answered wrongly: it was good for one answer (BAR A6). A
// code of a phone may be typed again, for its secret is on the screen and nothing is guessed.
func (s *Service) dropChallenge(ctx context.Context, op *account.Operation, flow Flow, e *account.PendingEnrolment) error {
	if s.Accounts.Method(e.Kind).Input != factors.InputAssertion {
		return nil
	}
	_, err := account.Update(ctx, s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		st, err := s.pendingFlowState(tx.Reader, flow, op.Now)
		if err != nil || !bytes.Equal(st.enrol.Pending, e.Pending) {
			if errcode.Of(err) == errcode.Expired {
				err = nil
			}
			return struct{}{}, err
		}
		st.enrol = nil
		return struct{}{}, s.storeFlow(tx, st, flow)
	})
	return err
}
