package templates

// events are the acts of the audit log that a person is told in words of their own. The names on the left are those of the
// log; what is not listed is told as "something else happened".
var events = map[string]string{
	"user.session.start":               "event.signed_in",
	"user.session.end":                 "event.signed_out",
	"user.session.clear":               "event.sessions_ended",
	"user.authentication.auth_via_mfa": "event.second_step",
	"user.authentication.password":     "event.password_step",
	"user.mfa.factor.activate":         "event.device_added",
	"user.mfa.factor.deactivate":       "event.device_removed",
	"user.mfa.factor.update":           "event.device_renamed",
	"user.mfa.factor.reset_all":        "event.devices_reset",
	"user.mfa.factor.show":             "event.qr_shown",
	"user.mfa.factor.copy":             "event.copy_added",
	"user.mfa.factor.copy.remove":      "event.copy_removed",
	"user.mfa.factor.clone":            "event.key_cloned",
	"user.mfa.recovery.use":            "event.recovery_used",
	"user.mfa.recovery.renew":          "event.recovery_renewed",
	"user.account.update_password":     "event.password_changed",
	"user.account.reset_password":      "event.password_link",
	"user.account.lock":                "event.waits",
	"user.lifecycle.create":            "event.created",
	"user.lifecycle.activate":          "event.activated",
	"user.mfa.ticket.issue":            "event.ticket_sent",
	"user.mfa.ticket.hand":             "event.ticket_handed",
	"help.request.create":              "event.help_asked",
}

// failed are the words for an act that was tried and refused.
var failed = map[string]string{
	"event.signed_in":     "event.signed_in_failed",
	"event.second_step":   "event.second_step_failed",
	"event.password_step": "event.password_step_failed",
}

func (e Event) key() string {
	key, ok := events[e.Action]
	if !ok {
		return "event.something"
	}
	if !e.OK {
		if key, ok := failed[key]; ok {
			return key
		}
		return "event.something_failed"
	}
	return key
}
