package directory

import (
	"context"
	"strconv"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
)

// WithdrawInvitation ends the invitation of a user who never had a device, and an enrolment that began with it. The user is no
// longer invited. It returns WrongState if there is no invitation.
func (s *Service) WithdrawInvitation(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	return s.changeStatus(ctx, p, req, admin.PermInvite, id, audit.InvitationWithdrawn, func(tx *account.Tx, u *account.User) error {
		if u.EverHadDevice || u.Invited.Expires.IsZero() {
			return errcode.WrongStateFor(errcode.ReasonNotInvited)
		}
		if err := tx.DeleteLink(u.Invited.Link); err != nil {
			return err
		}
		u.Invited = account.Invitation{}
		u.Epoch++ // ends the transaction of an invitation that was accepted (protocol rule 3)
		if u.Status == account.StatusProvisioned {
			u.Status, u.StatusAt = account.StatusStaged, tx.Op.Now
		}
		return nil
	})
}

// WithdrawTickets ends every ticket of a user, and what could bring another one by email (protocol rule 10). It returns WrongState
// if there is none.
func (s *Service) WithdrawTickets(ctx context.Context, p admin.Principal, req account.RequestInfo, id string) error {
	_, err := account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (struct{}, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermAssist, id)
		if err != nil {
			return struct{}{}, err
		}
		if len(u.Tickets) == 0 && u.ResetAt.IsZero() {
			return struct{}{}, errcode.WrongStateFor(errcode.ReasonNoTicket)
		}
		for _, t := range u.Tickets {
			if err := tx.DeleteLink(t.Link); err != nil {
				return struct{}{}, err
			}
		}
		e := p.Event(audit.TicketWithdrawn, &u)
		e.Detail = map[string]string{"tickets": strconv.Itoa(len(u.Tickets))}
		u.Tickets, u.ResetAt = nil, time.Time{}
		tx.AddAdminActivity(&u, audit.TicketWithdrawn, "")
		if err := tx.Audit(e); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	return err
}
