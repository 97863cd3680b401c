package directory

import (
	"context"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// ResetPassword sends a password link to a user by email. With sendEmail false it returns the link, which requires
// CanReadSecrets, and notifies the user (protocol rule 22). The old password remains valid until the user confirms the
// new one with a device. It returns WrongState if the user is not active or has no usable device (protocol rule 8).
func (s *Service) ResetPassword(ctx context.Context, p admin.Principal, req account.RequestInfo, id string, sendEmail bool) (secret.Value, error) {
	return account.Update(ctx, s.accounts, s.accounts.NewOperation(req), func(tx *account.Tx) (secret.Value, error) {
		u, err := admin.FindUser(tx.Reader, p, admin.PermAssist, id)
		if err != nil {
			return secret.Value{}, err
		}
		if !sendEmail && !p.CanReadSecrets() {
			return secret.Value{}, errcode.ForbiddenFor(errcode.ReasonNeedsSecrets)
		}
		provenance := account.ProvenanceEmail
		if !sendEmail {
			if u.HasOnlyImportedDevice() { // password and device would have the same provenance (protocol rule 8)
				return secret.Value{}, errcode.New(errcode.SameProvenance)
			}
			provenance, u.Sponsors = p.Owner, u.Sponsors.Add(p.Owner, tx.Op.Now) // of the new password (protocol rule 8)
		}
		token, expires, err := s.signIn.IssuePasswordLink(tx, &u, provenance)
		if err != nil {
			return secret.Value{}, err
		}
		u.PasswordLink = account.PasswordLink{Epoch: u.Epoch, Until: expires}
		link := s.signIn.URL("/password/" + token.Reveal())
		context := tx.OfferFreeze(&u, notice.Context{Name: u.DisplayName()}) // without the browser and address of the administrator
		e, answer := p.Event(audit.PasswordReset, &u), secret.Value{}
		if sendEmail {
			e.Detail = map[string]string{"method": "email"}
			m := notice.PasswordLink{Context: context, Link: link, Until: expires}
			err = tx.SendByAdmin(&u, u.Addresses()[:1], m, expires)
		} else {
			e.Detail, answer = map[string]string{"method": "response"}, secret.From(link)
			context.At = tx.Op.Now
			err = tx.SendByAdmin(&u, u.Addresses(), notice.PasswordLinkShown{Context: context, By: p.DisplayName(s.accounts.Policy.Issuer)}, time.Time{})
		}
		if err != nil {
			return secret.Value{}, err
		}
		tx.AddAdminActivity(&u, audit.PasswordForgotten, "") // the user sees that a link exists; the password has not changed
		if err := tx.Audit(e); err != nil {
			return secret.Value{}, err
		}
		return answer, tx.Save(&u)
	})
}
