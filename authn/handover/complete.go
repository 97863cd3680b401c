package handover

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
	"barillet/internal/errcode"
)

// Complete resets the user of a confirmed handover and returns the result with the code, which is shown once. The code is valid for ten
// minutes, and only in the sign-in whose digits the witness typed. Only the administrator who began the handover completes it, in a
// session.
//
// Complete returns WrongState if the witness has not confirmed or the handover has ended, Expired if the sign-in has ended,
// SameProvenance if the administrator or the witness may know the password now, and the errors of a reset by p alone. A handover is
// completed once: if the answer is lost, another must begin.
func (s *Service) Complete(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) (helpdesk.ResetResult, error) {
	if err := requireSession(p); err != nil {
		return helpdesk.ResetResult{}, err
	}
	h, err := s.Handover(ctx, p, id)
	switch {
	case err != nil:
		return helpdesk.ResetResult{}, err
	case string(h.By) != p.Owner:
		return helpdesk.ResetResult{}, errcode.New(errcode.NotFound)
	}
	return s.helpDesk.HandOver(ctx, p, req, string(h.User), h.Reason, helpdesk.HandedCode{ID: h.ID, Witness: h.Witness, WitnessName: h.WitnessName,
		Confirm: func(tx *account.Tx) (string, error) { return s.confirmed(tx, id) }})
}

// confirmed ends a handover that its witness confirmed, and returns the id of the sign-in that may use the code.
func (s *Service) confirmed(tx *account.Tx, id string) (string, error) {
	rec, err := s.find(tx.Raw, id, tx.Op.Now)
	if err != nil {
		return "", err
	}
	h := rec.Handover
	if !h.live(tx.Op.Now) || h.State != StateConfirmed {
		return "", errcode.New(errcode.WrongState)
	}
	tr, u, err := s.signIn.WaitingTransaction(tx.Reader, rec.SignIn, tx.Op.Now)
	switch {
	case err != nil:
		return "", err
	case len(u.Roles) > 0:
		return "", errcode.WrongStateFor(errcode.ReasonHasARole)
	case account.ShareProvenance(tr.Provenances(&u), []string{string(h.By), string(h.Witness)}):
		return "", errcode.New(errcode.SameProvenance)
	}
	if err := s.signIn.ExtendWaiting(tx, rec.SignIn, &tr); err != nil {
		return "", err
	}
	return tr.ID, s.end(tx, rec, StateDone)
}
