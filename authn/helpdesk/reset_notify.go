package helpdesk

import (
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/notice"
)

// resetNotice is what the others are told about a person.
func (s *Service) resetNotice(j resetJob, u *account.User, now time.Time) func(name string) notice.Notice {
	by := j.principal.DisplayName(s.accounts.Policy.Issuer)
	return func(name string) notice.Notice {
		about := notice.Context{Name: name, At: now}
		if j.delivery == onScreen {
			return notice.TicketShown{Context: about, Person: u.DisplayName(), By: by}
		}
		return notice.UserDevicesReset{Context: about, Person: u.DisplayName(), By: by, Reason: j.request.Reason}
	}
}

// notifyFirst queues the first notices in the Update of the reset and returns whom it leaves.
func (s *Service) notifyFirst(tx *account.Tx, j resetJob, u *account.User) (rest []admin.Recipient, err error) {
	n := min(len(j.recipients), admin.MaxRecipientsPerUpdate)
	if j.approval != nil { // it touches three keys more: what waited, the token that asked and its owner
		n = min(n, admin.MaxRecipientsPerUpdate-3)
	}
	return j.recipients[n:], s.Admin.Queue(tx, s.resetNotice(j, u, tx.Op.Now), j.recipients[:n])
}
