package helpdesk

import (
	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/errcode"
)

// AskReset checks, in the transaction that stores a request for its approval, that p and another administrator may reset the user. It
// returns the reset that the approval performs, and stores the identity check of the request in the help request (protocol rule 24).
// It returns the errors of Reset.
func (s *Service) AskReset(tx *account.Tx, p admin.Principal, id string, r ResetRequest) (account.User, ResetRequest, error) {
	if r.SendEmail != nil && !*r.SendEmail { // only an email can deliver the ticket after the approval
		return account.User{}, r, errcode.ForbiddenFor(errcode.ReasonApprovalByEmail)
	}
	if err := r.validate(); err != nil {
		return account.User{}, r, err
	}
	u, err := admin.FindUser(tx.Reader, p, admin.PermApprove, id)
	if err == nil {
		err = CheckHadDevice(&u)
	}
	if err == nil {
		err = authn.CheckMailTicket(tx.Reader, &u, tx.Op.Now, p.Owner)
	}
	if err == nil {
		r.Check, err = r.Check.resolve(&u, tx.Op.Now)
	}
	if err == nil && r.HelpRequest != "" {
		r.HelpRequest, err = s.checkRequest(tx, p, r, &u)
	}
	return u, ResetRequest{Reason: r.Reason, HelpRequest: r.HelpRequest}, err
}

// checkRequest returns the id of the help request if a reset may answer it after its approval. It stores the identity
// check of the requesting administrator (protocol rule 24).
func (s *Service) checkRequest(tx *account.Tx, p admin.Principal, r ResetRequest, u *account.User) (string, error) {
	c, err := s.requestAbout(tx, r.HelpRequest, u)
	if err != nil {
		return "", err
	}
	fresh := r.Check != nil && !c.State.Closed() && c.recordIdentity(tx, p, *r.Check)
	if err := c.checkResettable(u, false); err != nil || !fresh {
		return c.ID, err
	}
	return c.ID, s.save(tx, c)
}
