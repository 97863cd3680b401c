package systemlog

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"barillet/internal/audit"
	"barillet/internal/webhook"
)

// messages maps event types to short English texts, as Okta's displayMessage.
var messages = map[string]string{
	audit.SessionStart:        "User signed in",
	audit.SessionEnd:          "User signed out",
	audit.SessionsCleared:     "All sessions of the user ended",
	audit.PasswordProven:      "Password verified",
	audit.FactorProven:        "Device verified at sign-in",
	audit.StepUp:              "Device verified for step-up",
	audit.CodesStopped:        "Codes from unknown browsers stopped after too many failures",
	audit.FactorFrozen:        "Devices of a user frozen as lost",
	audit.FactorUnfrozen:      "Freeze of a device ended by the user",
	audit.LockedOut:           "Answer not checked after too many failures",
	audit.UnknownName:         "Sign-in attempts with unknown logins",
	audit.RateLimited:         "Rate limit reached",
	audit.SourceLimited:       "Too many failed sign-ins from one source",
	audit.LoginBlocked:        "Sign-in without a usable device or ticket",
	audit.RecoveryCodeSpent:   "Recovery code used",
	audit.FactorAdminEnrolled: "Device enrolment started by an administrator",
	audit.FactorConfirmed:     "Device of an administrator confirmed by the user",
	audit.FactorActivated:     "Device enrolled",
	audit.FactorRemoved:       "Device removed",
	audit.FactorsReset:        "All devices reset",
	audit.FactorUpdated:       "Device renamed",
	audit.FactorMarked:        "Device disabled",
	audit.SecretShown:         "QR code shown again",
	audit.CopyConfirmed:       "Copy of a QR code confirmed",
	audit.CopyRemoved:         "Copy of a QR code removed",
	audit.RecoveryCodesMade:   "Recovery codes shown",
	audit.TicketIssued:        "Ticket issued",
	audit.TicketPresented:     "Ticket presented",
	audit.TicketSpent:         "Ticket used",
	audit.TicketRenewed:       "Ticket sent again",
	audit.TicketRefused:       "Ticket rejected",
	audit.TicketWithdrawn:     "Tickets withdrawn",
	audit.InvitationIssued:    "Invitation issued",
	audit.InvitationWithdrawn: "Invitation withdrawn",
	audit.InvitationAccepted:  "Invitation accepted",
	audit.UserCreated:         "User created",
	audit.UserActivated:       "User activated",
	audit.UserReactivated:     "User reactivated",
	audit.UserDeactivated:     "User deactivated",
	audit.UserSuspended:       "User suspended",
	audit.UserUnsuspended:     "User unsuspended",
	audit.UserDeleted:         "User deleted",
	audit.UserExported:        "All data about a user exported",
	audit.UserUnlocked:        "User unlocked",
	audit.ProfileUpdated:      "Profile updated",
	audit.AddressUpdated:      "Email address updated",
	audit.PhoneUpdated:        "Telephone number updated",
	audit.PasswordUpdated:     "Password changed",
	audit.PasswordReset:       "Password reset",
	audit.PasswordExpired:     "Password expired",
	audit.PasswordForgotten:   "Password link requested",
	audit.RoleGranted:         "Role assigned",
	audit.RoleRevoked:         "Role revoked",
	audit.RoleLimited:         "Groups of a role changed",
	audit.ResetRequested:      "Reset approval requested",
	audit.ResetRefused:        "Reset approval rejected or withdrawn",
	audit.RoleRequested:       "Role approval requested",
	audit.RoleRefused:         "Role approval rejected or withdrawn",
	audit.ProfileRequested:    "Profile approval requested",
	audit.ProfileRefused:      "Profile approval rejected or withdrawn",
	audit.HandoverBegun:       "Witness asked before a code is handed over",
	audit.HandoverConfirmed:   "Handing over of a code confirmed by the witness",
	audit.HandoverRefused:     "Handing over of a code not confirmed by the witness",
	audit.HandoverCancelled:   "Handing over of a code cancelled",
	audit.GroupCreated:        "Group created",
	audit.GroupUpdated:        "Group updated",
	audit.GroupDeleted:        "Group deleted",
	audit.GroupMemberAdded:    "User added to a group",
	audit.GroupMemberRemoved:  "User removed from a group",
	audit.HelpRequested:       "Help requested",
	audit.HelpAssigned:        "Help request assigned",
	audit.HelpUpdated:         "Help request updated",
	audit.HelpClosed:          "Help request closed",
	audit.HelpJoined:          "Text added to a help request",
	audit.HelpRemoved:         "Help request about an unknown address removed",
	audit.SecretDisclosed:     "Secret disclosed to an administrator",
	audit.MailFailed:          "Email delivery failed",
	audit.MailRetried:         "Undelivered email queued again",
	audit.MailDropped:         "Undelivered email deleted",
	audit.TokenCreated:        "API token created",
	audit.TokenRevoked:        "API token revoked",
	audit.TokenRefused:        "API token rejected",
	audit.WebhookCreated:      "Webhook created",
	audit.WebhookUpdated:      "Webhook updated",
	audit.WebhookDeleted:      "Webhook deleted",
	audit.WebhookRotated:      "Secret of a webhook replaced",
	audit.WebhookTested:       "Webhook tested",
	audit.WebhookDisabled:     "Webhook disabled after a response with 410",
	audit.WebhookOverrun:      "Queue of a webhook full: events dropped",
	audit.WebhookResumed:      "Webhook resumed",
	audit.SetupLinkIssued:     "Setup link written",
	audit.ServerStarted:       "Service started",
	audit.ServerStopped:       "Service stopped",
	audit.StoreDamaged:        "Store damaged",
	audit.StoreRestored:       "Service restored from a backup",
	audit.LogExported:         "Audit log exported",
	audit.EventsRemoved:       "Old events removed from the audit log",
	audit.RecordsRemoved:      "Old records removed",
	audit.EventsErased:        "Personal data of a user erased from the audit log",
	audit.LogContradicted:     "Audit log contradicts its last signed head",
	audit.BackupCreated:       "Backup made",
	audit.BackupFailed:        "Scheduled backup failed",
	audit.SpaceLow:            "Free disk space is low",
	audit.SpaceRecovered:      "Enough free disk space again",
	audit.CertProblem:         "The certificate of the service expires, or no new one can be had",
	audit.CertRecovered:       "The certificate of the service is in order again",
	audit.ClockJumped:         "Clock changed while the service ran",
	audit.ConfigReloaded:      "Configuration read again",
	audit.AppCreated:          "Application registered",
	audit.AppUpdated:          "Application updated",
	audit.AppDeleted:          "Application deleted",
	audit.AppSignIn:           "User signed in to an application",
	audit.AppConsent:          "User answered a consent request",
	audit.AppGrantRevoked:     "Access of an application revoked",
	audit.AppDevice:           "User answered a device authorization request",
	audit.AppRefused:          "Requests of an application refused with a page",
	audit.AppKeysRotated:      "Signing keys created",
}

// DisplayMessage returns the text for an event type. For an unknown type it returns the type with spaces.
func DisplayMessage(action string) string {
	if m, ok := messages[action]; ok {
		return m
	}
	return strings.NewReplacer(".", " ", "_", " ").Replace(action)
}

// displayMessage returns the text for an event. For folded events it contains their number.
func displayMessage(e audit.Event) string {
	if n := e.Count(); n > 1 {
		return fmt.Sprintf("%s (%d times)", DisplayMessage(e.Action), n)
	}
	return DisplayMessage(e.Action)
}

// EventTypes returns the known event types, sorted.
func EventTypes() []string { return slices.Sorted(maps.Keys(messages)) }

// MatchesAny reports whether the filter of a webhook matches an event type.
func MatchesAny(filter string) bool {
	return slices.ContainsFunc(EventTypes(), func(t string) bool { return webhook.Matches(filter, t) })
}
