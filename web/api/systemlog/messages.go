package systemlog

import (
	"maps"
	"slices"
	"strings"

	"barillet/internal/audit"
)

// messages say in a few words for programs what an event type means, as Okta's displayMessage does.
var messages = map[string]string{
	audit.SessionStart:        "Person signed in",
	audit.SessionEnd:          "Person signed out",
	audit.SessionsCleared:     "Sessions ended everywhere",
	audit.PasswordProven:      "Password given",
	audit.FactorProven:        "Device proven at sign-in",
	audit.StepUp:              "Device proven for one act",
	audit.LockedOut:           "Answer not judged: too many wrong ones before",
	audit.UnknownName:         "Sign-ins tried with names that nobody has",
	audit.RateLimited:         "Rate limit reached",
	audit.SourceLimited:       "Too many failed sign-ins from one source",
	audit.LoginBlocked:        "Sign-in without a usable device and without a ticket",
	audit.RecoveryCodeSpent:   "Recovery code used",
	audit.FactorAdminEnrolled: "Device being enrolled by an operator",
	audit.FactorConfirmed:     "Device of an operator confirmed by the person",
	audit.FactorActivated:     "Device enrolled",
	audit.FactorRemoved:       "Device removed",
	audit.FactorsReset:        "All devices reset",
	audit.FactorUpdated:       "Device renamed",
	audit.FactorMarked:        "Device marked and no longer accepted",
	audit.SecretShown:         "QR code shown again",
	audit.CopyConfirmed:       "Copy of a QR code confirmed",
	audit.CopyRemoved:         "Copy of a QR code removed",
	audit.RecoveryCodesMade:   "Recovery codes made",
	audit.TicketIssued:        "Ticket issued",
	audit.TicketPresented:     "Ticket presented",
	audit.TicketSpent:         "Ticket spent",
	audit.TicketRenewed:       "Ticket renewed",
	audit.TicketRefused:       "Ticket refused",
	audit.InvitationIssued:    "Invitation issued",
	audit.InvitationAccepted:  "Invitation accepted",
	audit.UserCreated:         "Person created",
	audit.UserActivated:       "Person activated",
	audit.UserReactivated:     "Person reactivated",
	audit.UserDeactivated:     "Person deactivated",
	audit.UserSuspended:       "Person suspended",
	audit.UserUnsuspended:     "Person unsuspended",
	audit.UserDeleted:         "Person deleted",
	audit.UserUnlocked:        "Person unlocked",
	audit.ProfileUpdated:      "Profile updated",
	audit.AddressUpdated:      "Address updated",
	audit.PasswordUpdated:     "Password changed",
	audit.PasswordReset:       "Password reset",
	audit.PasswordExpired:     "Password expired",
	audit.PasswordForgotten:   "Forgotten password asked for",
	audit.RoleGranted:         "Role granted",
	audit.RoleRevoked:         "Role revoked",
	audit.RoleLimited:         "Role limited to other groups",
	audit.ResetRequested:      "Reset asked of a second administrator",
	audit.ResetRefused:        "Reset refused or withdrawn before a second administrator agreed",
	audit.GroupCreated:        "Group created",
	audit.GroupUpdated:        "Group updated",
	audit.GroupDeleted:        "Group deleted",
	audit.GroupMemberAdded:    "Person added to a group",
	audit.GroupMemberRemoved:  "Person removed from a group",
	audit.HelpRequested:       "Help requested",
	audit.HelpAssigned:        "Help request assigned",
	audit.HelpUpdated:         "Help request updated",
	audit.HelpClosed:          "Help request closed",
	audit.HelpJoined:          "Text joined an open help request",
	audit.SecretDisclosed:     "Secret handed over by an operator",
	audit.MailFailed:          "Mail given up",
	audit.TokenCreated:        "API token created",
	audit.TokenRevoked:        "API token revoked",
	audit.TokenRefused:        "API token refused",
	audit.WebhookCreated:      "Webhook created",
	audit.WebhookUpdated:      "Webhook updated",
	audit.WebhookDeleted:      "Webhook deleted",
	audit.WebhookRotated:      "Secret of a webhook replaced",
	audit.WebhookTested:       "Webhook tested",
	audit.WebhookDisabled:     "Webhook switched off: its receiver is gone",
	audit.WebhookOverrun:      "Too much waits for a webhook: events are left out",
	audit.WebhookResumed:      "Webhook gets events again",
	audit.ServerStarted:       "Service started",
	audit.ServerStopped:       "Service stopped",
	audit.StoreDamaged:        "Store damaged",
	audit.ClockJumped:         "Clock moved while the service ran",
	audit.ConfigurationLoaded: "Configuration loaded",
	audit.AppCreated:          "Application registered",
	audit.AppUpdated:          "Application changed",
	audit.AppDeleted:          "Application deleted",
	audit.AppSignIn:           "Person went to an application",
	audit.AppConsent:          "Person answered what an application may know",
	audit.AppGrantRevoked:     "Application lost its access to a person",
	audit.AppDevice:           "Person answered a device of an application",
	audit.AppKeysRotated:      "Further signing keys made",
}

// DisplayMessage is the message of an event type; of one without it, its name with blanks.
func DisplayMessage(action string) string {
	if m, ok := messages[action]; ok {
		return m
	}
	return strings.NewReplacer(".", " ", "_", " ").Replace(action)
}

// EventTypes returns the known event types, sorted.
func EventTypes() []string { return slices.Sorted(maps.Keys(messages)) }
