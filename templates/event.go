package templates

// eventKeys maps the actions of audit events to sentences for the account page. A test compares the actions with those
// of package audit, which this package does not import. Any other action is shown as "event.something".
var eventKeys = map[string]string{
	"user.session.start":                    "event.signed_in",
	"user.session.end":                      "event.signed_out",
	"user.session.clear":                    "event.sessions_ended",
	"barillet.password.proven":              "event.password_step",
	"user.authentication.auth_via_mfa":      "event.second_step",
	"user.authentication.verify":            "event.confirmed",
	"barillet.user.locked_out":              "event.locked_out",
	"barillet.login.blocked":                "event.blocked",
	"barillet.recovery.used":                "event.recovery_used",
	"barillet.recovery.created":             "event.recovery_shown",
	"user.mfa.factor.activate":              "event.device_added",
	"barillet.factor.admin_enrolled":        "event.device_admin_enrolled",
	"barillet.factor.confirmed":             "event.device_confirmed",
	"user.mfa.factor.deactivate":            "event.device_removed",
	"user.mfa.factor.reset_all":             "event.devices_reset",
	"user.mfa.factor.update":                "event.device_renamed",
	"user.mfa.factor.suspend":               "event.key_cloned",
	"barillet.factor.frozen":                "event.device_frozen",
	"barillet.factor.unfrozen":              "event.device_unfrozen",
	"user.account.lock":                     "event.codes_stopped",
	"barillet.factor.shown_again":           "event.qr_shown",
	"barillet.factor.copy_confirmed":        "event.copy_added",
	"barillet.factor.copy_removed":          "event.copy_removed",
	"barillet.ticket.issued":                "event.ticket_sent",
	"barillet.ticket.renewed":               "event.ticket_sent",
	"barillet.ticket.presented":             "event.ticket_presented",
	"barillet.ticket.spent":                 "event.ticket_spent",
	"barillet.ticket.refused":               "event.ticket_refused",
	"barillet.ticket.withdrawn":             "event.ticket_withdrawn",
	"barillet.secret.disclosed":             "event.ticket_disclosed",
	"barillet.invitation.issued":            "event.invited",
	"barillet.invitation.accepted":          "event.invitation_accepted",
	"barillet.invitation.withdrawn":         "event.invitation_withdrawn",
	"user.lifecycle.create":                 "event.created",
	"user.lifecycle.activate":               "event.activated",
	"user.lifecycle.reactivate":             "event.activated",
	"user.lifecycle.deactivate":             "event.deactivated",
	"user.lifecycle.suspend":                "event.suspended",
	"user.lifecycle.unsuspend":              "event.unsuspended",
	"user.account.unlock_by_admin":          "event.unlocked",
	"user.account.update_profile":           "event.profile_changed",
	"barillet.phone.updated":                "event.phone_changed",
	"user.account.update_primary_email":     "event.address_changed",
	"user.account.update_password":          "event.password_changed",
	"user.account.reset_password":           "event.password_changed",
	"user.account.expire_password":          "event.password_expired",
	"barillet.password.forgotten":           "event.password_link",
	"user.account.privilege.grant":          "event.role_granted",
	"user.account.privilege.revoke":         "event.role_revoked",
	"barillet.role.limited":                 "event.role_limited",
	"barillet.reset.requested":              "event.reset_requested",
	"barillet.reset.refused":                "event.reset_refused",
	"barillet.role.requested":               "event.role_requested",
	"barillet.role.refused":                 "event.role_refused",
	"barillet.profile.requested":            "event.profile_requested",
	"barillet.profile.refused":              "event.profile_refused",
	"barillet.handover.begun":               "event.handover_begun",
	"barillet.handover.confirmed":           "event.handover_confirmed",
	"barillet.handover.refused":             "event.handover_refused",
	"barillet.handover.cancelled":           "event.handover_cancelled",
	"group.user_membership.add":             "event.garage_joined",
	"group.user_membership.remove":          "event.garage_left",
	"barillet.help.requested":               "event.help_asked",
	"barillet.help.joined":                  "event.help_asked",
	"barillet.help.closed":                  "event.help_closed",
	"user.lifecycle.delete.initiated":       "event.deactivated",
	"barillet.user.exported":                "event.exported",
	"system.operation.rate_limit.violation": "event.locked_out",
	"user.authentication.sso":               "event.app_signed_in",
	"app.oauth2.as.consent.grant":           "event.app_consent",
	"app.oauth2.as.token.revoke":            "event.app_revoked",
	"app.oauth2.as.authorize.device":        "event.app_device",
}

// failureEvents maps the sentence of a successful operation to that of a failed one.
var failureEvents = map[string]string{
	"event.signed_in":        "event.signed_in_failed",
	"event.second_step":      "event.second_step_failed",
	"event.confirmed":        "event.second_step_failed",
	"event.password_step":    "event.password_step_failed",
	"event.recovery_used":    "event.recovery_failed",
	"event.ticket_presented": "event.ticket_refused",
	// These sentences describe a refusal in both cases.
	"event.ticket_refused": "event.ticket_refused",
	"event.locked_out":     "event.locked_out",
	"event.blocked":        "event.blocked",
	"event.key_cloned":     "event.key_cloned",
}

func (e Event) sentenceKey() string {
	key, ok := eventKeys[e.Action]
	if !ok {
		key = "event.something"
	}
	if e.OK {
		return key
	}
	if key, ok := failureEvents[key]; ok {
		return key
	}
	return "event.something_failed"
}
