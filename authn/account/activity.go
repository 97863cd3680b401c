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

// Activity is one event that the person reads on their own page.
type Activity struct {
	At      time.Time `json:"at"`
	What    string    `json:"what"`             // an action of the audit log
	Failed  bool      `json:"failed,omitempty"` // it was tried and refused
	Detail  string    `json:"detail,omitempty"` // a device's name
	Address string    `json:"address,omitempty"`
	Agent   string    `json:"agent,omitempty"`
}

// AddActivity adds an act to what the person sees on their own page; action is one of the audit log's.
func (tx *Tx) AddActivity(u *User, action, detail string) {
	tx.addOwnActivity(u, Activity{What: action, Detail: detail})
}

// AddAdminActivity is Remember for what somebody else did: their browser and address are not the person's to know.
func (tx *Tx) AddAdminActivity(u *User, action, detail string) {
	tx.appendActivity(u, Activity{What: action, Detail: detail})
}

// AddFailedActivity adds an act that was tried and refused.
func (tx *Tx) AddFailedActivity(u *User, action string) {
	tx.addOwnActivity(u, Activity{What: action, Failed: true})
}

func (tx *Tx) addOwnActivity(u *User, r Activity) {
	r.Address, r.Agent = tx.Op.Request.ClientAddress(), tx.Op.Request.Agent
	tx.appendActivity(u, r)
}

func (tx *Tx) appendActivity(u *User, r Activity) {
	r.At = tx.Op.Now
	u.Activity = append(slices.Clone(u.Activity), r)
	for len(u.Activity) > maxActivity {
		u.Activity = dropOldest(u.Activity, tx.Op.Now)
	}
}
