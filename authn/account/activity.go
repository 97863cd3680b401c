package account

import (
	"slices"
	"time"

	"barillet/internal/audit"
	"barillet/internal/input"
)

// Activity is one event that the user can read on their own account page.
type Activity struct {
	At      time.Time `cbor:"1,keyasint"`
	What    string    `cbor:"2,keyasint"`           // an action of the audit log
	Failed  bool      `cbor:"3,keyasint,omitempty"` // the operation was attempted and rejected
	Detail  string    `cbor:"4,keyasint,omitempty"` // the name of a device
	Address string    `cbor:"5,keyasint,omitempty"`
	Browser string    `cbor:"6,keyasint,omitempty"` // as input.DescribeUserAgent returns it
}

// securityChangePeriod is how long RecentSecurityChanges lists a change (protocol rule 24).
const securityChangePeriod = 7 * 24 * time.Hour

// securityActions lists the actions that an administrator should know of before an identity check: after one of them,
// another person may use the account or may have prompted the request.
var securityActions = []string{
	audit.AddressUpdated, audit.PhoneUpdated, audit.ProfileUpdated, audit.PasswordUpdated, audit.PasswordReset, audit.PasswordForgotten,
	audit.FactorActivated, audit.FactorUpdated, audit.FactorRemoved, audit.FactorMarked, audit.FactorsReset,
	audit.FactorFrozen, audit.FactorUnfrozen, audit.CodesStopped, audit.PasswordExpired,
	audit.SecretShown, audit.CopyConfirmed, audit.CopyRemoved, audit.RecoveryCodesMade, audit.RecoveryCodeSpent,
	audit.RoleGranted, audit.RoleRevoked, audit.RoleRequested, audit.ProfileRequested, audit.GroupMemberAdded, audit.GroupMemberRemoved, audit.UserUnlocked,
	audit.UserActivated, audit.UserReactivated, audit.UserDeactivated, audit.UserSuspended, audit.UserUnsuspended,
}

// RecentSecurityChanges returns the changes of the last seven days that concern the security of the account, oldest first.
// There are at most 20. They contain no secret.
func (u *User) RecentSecurityChanges(now time.Time) []Activity {
	return slices.DeleteFunc(slices.Clone(u.Activity), func(a Activity) bool { return !a.isSecurityChange(now) })
}

// AddActivity adds an operation of the user to their activity. action is an action of the audit log.
func (tx *Tx) AddActivity(u *User, action, detail string) {
	tx.addOwnActivity(u, Activity{What: action, Detail: detail})
}

// AddFailedActivity adds an operation of the user that was attempted and rejected.
func (tx *Tx) AddFailedActivity(u *User, action string) {
	tx.addOwnActivity(u, Activity{What: action, Failed: true})
}

// AddAdminActivity adds an operation of an administrator. The user does not see the administrator's browser and address.
func (tx *Tx) AddAdminActivity(u *User, action, detail string) {
	tx.appendActivity(u, Activity{What: action, Detail: detail})
}

func (tx *Tx) addOwnActivity(u *User, a Activity) {
	a.Address, a.Browser = tx.Op.Request.ClientAddress(), input.DescribeUserAgent(tx.Op.Request.Agent)
	tx.appendActivity(u, a)
}

func (tx *Tx) appendActivity(u *User, a Activity) {
	a.At = tx.Op.Now
	u.Activity = append(slices.Clone(u.Activity), a)
	for len(u.Activity) > maxActivity {
		u.Activity = dropOldest(u.Activity, tx.Op.Now)
	}
}

// isSecurityChange reports whether the event is a successful security action of the last seven days.
func (a Activity) isSecurityChange(now time.Time) bool {
	return !a.Failed && now.Before(a.At.Add(securityChangePeriod)) && slices.Contains(securityActions, a.What)
}

// dropOldest removes the oldest event that is not a recent security change, so that sign-ins cannot push a change out of the
// list. If all events are recent security changes, it removes the oldest.
func dropOldest(events []Activity, now time.Time) []Activity {
	i := slices.IndexFunc(events, func(a Activity) bool { return !a.isSecurityChange(now) })
	return slices.Delete(events, max(i, 0), max(i, 0)+1)
}
