package generation

import (
	"barillet/authn/account"
	"barillet/internal/audit"
)

// decision is what an event of the log since the backup means for the store of the backup. What ended stays ended, also if a later
// event began it again: the store has not what began, such as a new secret, and an administrator can repeat the other.
type decision struct {
	why  string                                                              // nothing is applied
	lost bool                                                                // it tells of something that the store lacks
	user func(r *run, tx *account.Tx, u *account.User, e *audit.Event) error // applied to the subject
	all  func(r *run, tx *account.Tx, e *audit.Event) error                  // applied without a user
}

// The reasons why nothing is applied.
var (
	refused  = decision{why: "it ended nothing"}
	past     = decision{why: "what it ended ends in every generation"}
	begun    = decision{why: "it began something that the store lacks", lost: true}
	restored = decision{why: "it began again what had ended, which stays ended", lost: true}
	requests = decision{why: "it ended no access"}
	service  = decision{why: "it is about the running service"}
)

// decisions has a decision for each action. A test compares it with the actions of package audit.
var decisions = map[string]decision{
	audit.SessionStart: past, audit.SessionEnd: past, audit.SessionsCleared: past, audit.PasswordProven: past, audit.StepUp: past,
	audit.FactorProven: {user: freezeProven},
	audit.LockedOut:    refused, audit.CodesStopped: refused, audit.UnknownName: refused, audit.RateLimited: refused, audit.SourceLimited: refused,
	audit.LoginBlocked: refused, audit.RecoveryCodeSpent: {user: endRecoveryLists},

	audit.FactorAdminEnrolled: begun, audit.FactorConfirmed: begun, audit.FactorActivated: begun,
	audit.FactorRemoved: {user: removeDevices}, audit.FactorsReset: {user: removeAllDevices}, audit.FactorUpdated: requests,
	audit.FactorMarked: {user: freezeDevices}, audit.FactorFrozen: {user: freezeDevices}, audit.FactorUnfrozen: restored,
	audit.SecretShown: begun, audit.CopyConfirmed: begun, audit.CopyRemoved: {user: freezeDevices}, audit.RecoveryCodesMade: {user: endRecoveryLists},
	audit.TicketIssued: past, audit.TicketPresented: past, audit.TicketSpent: past, audit.TicketRenewed: past, audit.TicketRefused: refused,
	audit.TicketWithdrawn: past, audit.InvitationIssued: past, audit.InvitationAccepted: past, audit.InvitationWithdrawn: past,

	audit.UserCreated: begun, audit.UserActivated: begun, audit.UserReactivated: restored, audit.UserUnsuspended: restored,
	audit.UserDeactivated: {user: deactivate}, audit.UserSuspended: {user: suspend}, audit.UserDeleted: {user: remove}, audit.UserUnlocked: requests,
	audit.ProfileUpdated: {user: endAddresses}, audit.AddressUpdated: {user: endAddresses}, audit.PhoneUpdated: {user: endAddresses},
	audit.PasswordUpdated: {user: endPassword}, audit.PasswordExpired: {user: expirePassword}, audit.PasswordReset: past, audit.PasswordForgotten: past,
	audit.RoleGranted: begun, audit.RoleRevoked: {user: revokeRole}, audit.RoleLimited: {user: limitRole},
	audit.ResetRequested: past, audit.ResetRefused: past, audit.RoleRequested: past, audit.RoleRefused: past, audit.ProfileRequested: past,
	audit.ProfileRefused: past, audit.HandoverBegun: past, audit.HandoverConfirmed: past, audit.HandoverRefused: past, audit.HandoverCancelled: past,
	audit.GroupCreated: begun, audit.GroupUpdated: requests, audit.GroupDeleted: {all: deleteGroup}, audit.GroupMemberAdded: begun,
	audit.GroupMemberRemoved: {user: leaveGroup},
	audit.HelpRequested:      requests, audit.HelpAssigned: requests, audit.HelpUpdated: requests, audit.HelpClosed: requests, audit.HelpJoined: requests,
	audit.HelpRemoved: requests, audit.SecretDisclosed: past, audit.MailFailed: past, audit.MailRetried: past, audit.MailDropped: past,
	audit.TokenCreated: past, audit.TokenRevoked: past, audit.TokenRefused: refused,
	audit.WebhookCreated: begun, audit.WebhookUpdated: {all: disableWebhook}, audit.WebhookDeleted: {all: deleteWebhook},
	audit.WebhookRotated: {all: disableWebhook}, audit.WebhookDisabled: {all: disableWebhook}, audit.WebhookTested: service,
	audit.WebhookOverrun: service, audit.WebhookResumed: service, audit.SetupLinkIssued: past, audit.ServerStarted: service, audit.ServerStopped: service,
	audit.StoreDamaged: service, audit.StoreRestored: past, audit.ClockJumped: service, audit.SpaceLow: service, audit.SpaceRecovered: service,
	audit.ConfigReloaded: service, audit.LogContradicted: service, audit.LogExported: service, audit.EventsRemoved: service,
	audit.RecordsRemoved: service, audit.BackupCreated: service, audit.BackupFailed: service,
	audit.EventsErased: {all: eraseAgain},

	audit.AppCreated: begun, audit.AppUpdated: {all: closeClient}, audit.AppDeleted: {all: deleteClient}, audit.AppSignIn: past, audit.AppConsent: past,
	audit.AppGrantRevoked: past, audit.AppDevice: past, audit.AppRefused: refused, audit.AppKeysRotated: {all: endSigningKeys},
}

// applyLog applies the events since the backup, in the order of their time.
func (r *run) applyLog() error {
	log := r.from.Log
	if log == nil || log.First == "" {
		return nil
	}
	for after := log.First[:len(log.First)-1]; ; {
		entries, next, err := r.Tree.Entries(r.ctx, log.From, after)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.Event == nil || e.Number >= log.To {
				continue
			}
			if err := r.apply(e.Event); err != nil {
				return err
			}
		}
		if after = next; next == "" {
			return nil
		}
	}
}

// apply applies one event. Each is an Update of its own, so that none exceeds its limits.
func (r *run) apply(e *audit.Event) error {
	d := decisions[e.Action]
	if e.Action == audit.FactorProven {
		if _, ends := r.proven(e); !ends {
			return nil
		}
	} else if e.Outcome != audit.Success {
		return nil
	}
	if d.lost {
		r.out.Lost++
		r.Applied(*e, true)
		return nil
	}
	if d.user == nil && d.all == nil {
		return nil
	}
	applied, err := account.Update(r.ctx, r.Accounts, r.Accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (bool, error) {
		if d.all != nil {
			return true, d.all(r, tx, e)
		}
		u, err := tx.User(account.UserID(e.Subject))
		if account.Missing(err) { // created since the backup, deleted by an earlier event, or damaged
			return false, nil
		}
		if err == nil {
			err = d.user(r, tx, &u, e)
		}
		if err == nil {
			if _, err = tx.User(u.ID); account.Missing(err) {
				return true, nil // deleted
			}
		}
		if err != nil {
			return false, err
		}
		return true, tx.Save(&u)
	})
	if applied && err == nil {
		r.out.Applied++
		r.Applied(*e, false)
	}
	return err
}
