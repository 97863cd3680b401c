package account

import (
	"slices"
	"time"

	"barillet/internal/audit"
)

// securityChangePeriod is how far back a helper looks before they believe somebody (PROTOCOL 24).
const securityChangePeriod = 7 * 24 * time.Hour

// securityActions are the acts after which somebody else may be asking in the person's name, or have brought them to ask.
var securityActions = []string{
	audit.AddressUpdated, audit.ProfileUpdated, audit.PasswordUpdated, audit.PasswordReset, audit.PasswordForgotten,
	audit.FactorActivated, audit.FactorUpdated, audit.FactorRemoved, audit.FactorMarked, audit.FactorsReset,
	audit.SecretShown, audit.CopyConfirmed, audit.CopyRemoved, audit.RecoveryCodesMade, audit.RecoveryCodeSpent,
	audit.RoleGranted, audit.RoleRevoked, audit.GroupMemberAdded, audit.GroupMemberRemoved, audit.UserUnlocked,
	audit.UserActivated, audit.UserReactivated, audit.UserDeactivated, audit.UserSuspended, audit.UserUnsuspended,
}

// isSecurityChange tells whether the event is one of those, done in the last seven days.
func (r Activity) isSecurityChange(now time.Time) bool {
	return !r.Failed && now.Before(r.At.Add(securityChangePeriod)) && slices.Contains(securityActions, r.What)
}

// RecentSecurityChanges are what was changed about the person in the last seven days, oldest first, as their own record tells it:
// nobody has to read through the log for it. At most 20, and no secret in them.
func (u *User) RecentSecurityChanges(now time.Time) []Activity {
	return slices.DeleteFunc(slices.Clone(u.Activity), func(r Activity) bool { return !r.isSecurityChange(now) })
}

// dropOldest takes out the event that is missed least: the oldest that is no such change, so that nobody hides one behind
// twenty sign-ins; among changes alone the oldest.
func dropOldest(events []Activity, now time.Time) []Activity {
	i := slices.IndexFunc(events, func(r Activity) bool { return !r.isSecurityChange(now) })
	return slices.Delete(events, max(i, 0), max(i, 0)+1)
}
