package authn

import (
	"time"

	"barillet/authn/account"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// IssuePasswordLink makes a link by which an active person chooses a new password; the caller mails or shows it.
// The password of before counts until the chosen one is confirmed with a device. While the person has no usable
// one there is no link (PROTOCOL 8): WrongState. It ends with the Epoch: after a reset, a removed device or a moved
// address it lies in a mailbox that may be somebody else's. way is ProvenanceEmail, or the operator in whose answer it is.
func (s *Service) IssuePasswordLink(tx *account.Tx, u *account.User, way string) (token secret.Value, expires time.Time, err error) {
	switch {
	case u.Status != account.StatusActive:
		return secret.Value{}, time.Time{}, errcode.WrongStateFor(errcode.ReasonNotActive)
	case !s.Accounts.CanReplacePassword(u):
		return secret.Value{}, time.Time{}, errcode.WrongStateFor(errcode.ReasonNoDevice)
	}
	l := account.Link{User: u.ID, Purpose: account.PurposePassword, Epoch: u.Epoch, Expires: tx.Op.Now.Add(account.PasswordLinkTTL)}
	if expires = l.Expires; way != account.ProvenanceEmail {
		l.Provenance = way
	}
	token, err = tx.PutLink("password", l)
	return token, expires, err
}
