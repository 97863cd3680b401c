package helpdesk

import (
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/notice"
)

// mail is what the others are told about a person.
func (j resetJob) mail(u *account.User, now time.Time) func(name string) notice.Notice {
	by := j.op.DisplayName(j.desk.accounts.Policy.Issuer)
	return func(name string) notice.Notice {
		about := notice.Context{Name: name, At: now}
		if j.way == onScreen {
			return notice.TicketShown{Context: about, Person: u.DisplayName(), By: by}
		}
		return notice.UserDevicesReset{Context: about, Person: u.DisplayName(), By: by, Reason: j.request.Reason}
	}
}

// notify queues the first notices in the Update of the reset and returns whom it leaves.
func (j resetJob) notify(tx *account.Tx, u *account.User) (rest []admin.Recipient, err error) {
	n := min(len(j.told), admin.MaxRecipientsPerUpdate)
	if j.approval != nil { // it touches three keys more: what waited, the token that asked and its owner
		n = min(n, admin.MaxRecipientsPerUpdate-3)
	}
	return j.told[n:], j.desk.Admin.Queue(tx, j.mail(u, tx.Op.Now), j.told[:n])
}
