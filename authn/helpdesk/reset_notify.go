package helpdesk

import (
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/notice"
)

// resetNotice returns the notification of a reset of u, as a function of the name of its recipient.
func (s *Service) resetNotice(j resetJob, u *account.User, now time.Time) func(name string) notice.Notice {
	by := j.principal.DisplayName(s.accounts.Policy.Issuer)
	return func(name string) notice.Notice {
		context := notice.Context{Name: name, At: now}
		if j.delivery == onScreen {
			return notice.TicketShown{Context: context, User: u.DisplayName(), By: by, Witness: j.handed.witnessName()}
		}
		return notice.UserDevicesReset{Context: context, User: u.DisplayName(), By: by, Reason: j.request.Reason}
	}
}

// notifyFirst queues the first notifications in the transaction of the reset and returns the remaining recipients.
func (s *Service) notifyFirst(tx *account.Tx, j resetJob, u *account.User) (remaining []admin.Recipient, err error) {
	n := min(len(j.recipients), admin.MaxRecipientsPerUpdate)
	if j.principal.HasConsent() || j.handed != nil { // three more keys: approval, requesting token and its owner; or handover, that of the witness and the sign-in
		n = min(n, admin.MaxRecipientsPerUpdate-3)
	}
	return j.recipients[n:], s.Admin.Queue(tx, s.resetNotice(j, u, tx.Op.Now), j.recipients[:n])
}
