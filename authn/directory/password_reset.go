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

// ResetPassword mails a person the link of a forgotten password, or with sendEmail false gives it in the answer, to
// Machine or with Secrets only, of which the person is told (PROTOCOL 22). The password of before counts until the
// new one is confirmed with a device. WrongState: not active, or without a usable device (PROTOCOL 8).
func (d *Service) ResetPassword(ctx context.Context, op admin.Principal, req account.RequestInfo, id string, sendEmail bool) (secret.Value, error) {
	return account.Update(ctx, d.accounts, d.accounts.NewOperation(req), func(tx *account.Tx) (secret.Value, error) {
		u, err := admin.FindUser(tx.Reader, op, admin.PermAssist, id)
		if err != nil {
			return secret.Value{}, err
		}
		if !sendEmail && !op.CanReadSecrets() {
			return secret.Value{}, errcode.New(errcode.Forbidden)
		}
		way := account.ProvenanceEmail
		if !sendEmail {
			if u.HasOnlyImportedDevice() { // PROTOCOL 8: whoever brought the key would have both halves
				return secret.Value{}, errcode.New(errcode.SameProvenance)
			}
			way = op.Owner // the password will have come by their hand (PROTOCOL 8)
		}
		token, expires, err := d.signIn.IssuePasswordLink(tx, &u, way)
		if err != nil {
			return secret.Value{}, err
		}
		u.PasswordLink = account.PasswordLink{Epoch: u.Epoch, Until: expires}
		link := d.signIn.URL("/password/" + token.Reveal())
		about := notice.Context{Name: u.DisplayName()} // nothing of the operator's own browser and address
		e, answer := op.Event(audit.PasswordReset, &u), secret.Value{}
		if sendEmail {
			e.Detail = map[string]string{"way": "mail"}
			m := notice.PasswordLink{Context: about, Link: link, Until: expires}
			err = tx.SendTo(u.Addresses()[:1], d.accounts.Locale(&u), m, expires)
		} else {
			e.Detail, answer = map[string]string{"way": "answer"}, secret.From(link)
			about.At = tx.Op.Now
			err = tx.SendTo(u.Addresses(), d.accounts.Locale(&u), notice.PasswordLinkShown{Context: about, By: op.DisplayName(d.accounts.Policy.Issuer)}, time.Time{})
		}
		if err != nil {
			return secret.Value{}, err
		}
		tx.AddAdminActivity(&u, audit.PasswordForgotten, "") // on the person's page: a link, not yet another password
		if err := tx.Audit(e); err != nil {
			return secret.Value{}, err
		}
		return answer, tx.Save(&u)
	})
}
