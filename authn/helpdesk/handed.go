package helpdesk

import (
	"context"

	"barillet/authn/account"
	"barillet/authn/admin"
)

// HandedCode is a code that an administrator hands to a user before a witness (protocol rule 9).
type HandedCode struct {
	ID          string // of the handover
	Witness     account.UserID
	WitnessName string
	// Confirm returns the id of the only sign-in transaction that accepts the code. It runs in the Update that stores the reset.
	Confirm func(tx *account.Tx) (transaction string, err error)
}

// HandOver is Reset with a code that p sees once, for ten minutes, and for one sign-in transaction. The identity check of the reset is
// in person, by the witness. The caller has checked p and the witness.
func (s *Service) HandOver(ctx context.Context, p admin.Principal, req account.RequestInfo, id, reason string, h HandedCode) (ResetResult, error) {
	var u account.User
	if err := s.accounts.View(ctx, func(r account.Reader) (err error) {
		u, err = admin.FindUser(r, p, admin.PermReset, id)
		return err
	}); err != nil {
		return ResetResult{}, err
	}
	check := &IdentityCheck{Method: IdentityInPerson, By: h.WitnessName}
	job := resetJob{principal: p, id: id, request: ResetRequest{Reason: reason, Check: check, ShowCode: true}, delivery: onScreen, handed: &h}
	return s.runReset(ctx, req, job, &u)
}

// bind makes the newest ticket of u one for a transaction alone.
func (h *HandedCode) bind(tx *account.Tx, u *account.User) error {
	transaction, err := h.Confirm(tx)
	if err != nil {
		return err
	}
	t := &u.Tickets[len(u.Tickets)-1]
	t.Transaction, t.Witness = transaction, h.Witness
	return nil
}

// witnessName returns the name of the witness; "" if h is nil.
func (h *HandedCode) witnessName() string {
	if h == nil {
		return ""
	}
	return h.WitnessName
}

// addSponsors records that the account of u rests on those who reset it.
func (j resetJob) addSponsors(tx *account.Tx, u *account.User) {
	j.principal.Sponsor(tx, u)
	if j.handed != nil {
		u.Sponsors = u.Sponsors.Add(string(j.handed.Witness), tx.Op.Now)
	}
}
