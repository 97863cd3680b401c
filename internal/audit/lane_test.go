package audit_test

import (
	"testing"

	"barillet/internal/audit"
)

func TestLane_SeparatesChangesFromFloods(t *testing.T) {
	for _, tt := range []struct {
		action, outcome string
		want            audit.Lane
	}{
		{audit.FactorsReset, audit.Success, audit.LaneSecurity},
		{audit.RoleGranted, audit.Success, audit.LaneSecurity},
		{audit.GroupCreated, audit.Success, audit.LaneSecurity},
		{audit.MailFailed, audit.Failure, audit.LaneSecurity},
		{audit.SessionStart, audit.Success, audit.LaneRoutine},
		{audit.HelpRequested, audit.Success, audit.LaneRoutine},
		{audit.FactorProven, audit.Failure, audit.LaneNoise},
		{audit.LockedOut, audit.Deny, audit.LaneNoise},
		{audit.UnknownName, audit.Failure, audit.LaneNoise},
		{audit.AppRefused, audit.Deny, audit.LaneNoise},
	} {
		if (audit.Event{Action: tt.action, Outcome: tt.outcome, Reason: audit.NothingLeft}).Lane() != audit.LaneNoise && tt.action != audit.MailFailed {
			t.Errorf("%s without effect is no noise", tt.action)
		}
		if got := (audit.Event{Action: tt.action, Outcome: tt.outcome}).Lane(); got != tt.want {
			t.Errorf("%s %s: got lane %d, want %d", tt.action, tt.outcome, got, tt.want)
		}
	}
}
