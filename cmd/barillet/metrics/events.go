package metrics

import (
	"slices"
	"strings"

	"barillet/internal/audit"
)

// factors are the kinds of a second factor, and "code" for an answer that no kind accepted.
var factors = []string{"totp", "hotp", "webauthn", "recovery", "code"}

// The labels of the password of a sign-in, and of the results of a sign-in.
const (
	passwordStep = "password"
	other        = "other"
	accepted     = "accepted"
	refused      = "refused"
	inactive     = "inactive"      // the user may not sign in
	unknownLogin = "unknown_login" // no user has the login
)

// operations are the labels of the events that count as operations, by action.
var operations = map[string]string{
	audit.FactorActivated: "enrolment", audit.FactorRemoved: "removal", audit.FactorsReset: "reset",
	audit.FactorFrozen: "freeze", audit.FactorUnfrozen: "unfreeze", audit.FactorMarked: "cloned_key", audit.RecoveryCodeSpent: "recovery_code_used",
	audit.RecoveryCodesMade: "recovery_codes_created", audit.TicketIssued: "ticket", audit.InvitationIssued: "invitation", audit.StepUp: "step_up",
	audit.CodesStopped: "codes_stopped", audit.PasswordUpdated: "password_change", audit.PasswordForgotten: "password_forgotten",
	audit.HelpRequested: "help_request", audit.HelpClosed: "help_request_closed", audit.HandoverBegun: "handover", audit.HandoverConfirmed: "handover_confirmed",
	audit.ResetRequested: "approval_requested", audit.RoleRequested: "approval_requested", audit.ProfileRequested: "approval_requested",
	audit.ResetRefused: "approval_rejected", audit.RoleRefused: "approval_rejected", audit.ProfileRefused: "approval_rejected",
	audit.UserCreated: "user_created", audit.UserDeleted: "user_deleted", audit.RoleGranted: "role_granted", audit.RoleRevoked: "role_revoked",
	audit.TokenCreated: "token_created", audit.TokenRefused: "token_refused", audit.TicketRefused: "ticket_refused",
	audit.AppSignIn: "application_sign_in", audit.AppRefused: "application_refused", audit.MailFailed: "mail_given_up",
	audit.WebhookOverrun: "webhook_overrun", audit.WebhookDisabled: "webhook_disabled", audit.ClockJumped: "clock_jump", audit.SpaceLow: "space_low",
}

// initialize gives a value to what an alert can ask for before it happens, so that the first event is an increase.
func (m *Metrics) initialize() {
	for _, factor := range factors[:4] {
		m.signIns.WithLabelValues(factor, accepted)
	}
	for _, result := range []string{refused, inactive, unknownLogin} {
		m.signIns.WithLabelValues(passwordStep, result)
	}
	m.signIns.WithLabelValues("code", refused)
	m.operations.WithLabelValues(operations[audit.MailFailed], refused)
	for _, action := range []string{audit.FactorsReset, audit.FactorFrozen, audit.FactorMarked, audit.CodesStopped, audit.FactorActivated, audit.FactorRemoved,
		audit.HelpRequested, audit.ResetRequested, audit.RoleGranted, audit.WebhookOverrun, audit.WebhookDisabled, audit.ClockJumped} {
		m.operations.WithLabelValues(operations[action], accepted)
	}
}

// Committed counts stored events. It implements tree.Config.Committed. Folded counted the refusals of joined events.
func (m *Metrics) Committed(ids []string, events []audit.Record) {
	for i := range events {
		action := events[i].Action
		if operations[action] == "" && !signsIn(action) {
			continue
		}
		if e, err := events[i].Event(ids[i]); err == nil && !e.IsFolded() { // verification of the log reports an error
			m.count(&e)
		}
	}
}

// Folded counts a refusal that is not written. It is for audit.Fold.
func (m *Metrics) Folded(e audit.Event) { m.count(&e) }

func signsIn(action string) bool {
	return action == audit.SessionStart || action == audit.FactorProven || action == audit.UnknownName
}

func (m *Metrics) count(e *audit.Event) {
	failed := e.Outcome == audit.Failure || e.Outcome == audit.Deny
	switch {
	case e.Action == audit.UnknownName:
		m.signIns.WithLabelValues(passwordStep, unknownLogin).Inc()
	case e.Action == audit.SessionStart && !failed:
		m.sessions.Inc()
	case e.Action == audit.SessionStart && e.Reason == audit.WrongPassword:
		m.signIns.WithLabelValues(passwordStep, refused).Inc()
	case e.Action == audit.SessionStart:
		m.signIns.WithLabelValues(passwordStep, inactive).Inc()
	case e.Action == audit.FactorProven && e.Actor.ID != e.Subject: // an administrator checks a code of a user
	case e.Action == audit.FactorProven:
		kind, _, _ := strings.Cut(e.Reason, ":")
		if !slices.Contains(factors, kind) {
			kind = other
		}
		m.signIns.WithLabelValues(kind, resultOf(failed)).Inc()
	case operations[e.Action] != "":
		m.operations.WithLabelValues(operations[e.Action], resultOf(failed)).Inc()
	}
}

func resultOf(failed bool) string {
	if failed {
		return refused
	}
	return accepted
}
