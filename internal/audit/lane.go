package audit

import "slices"

// Lane is the importance of an event. A flood of one lane delays or displaces no event of an earlier lane: not in the queues
// of webhooks and emails, and not in the log.
type Lane int

const (
	// LaneSecurity has the changes: devices, roles, resets, the life cycle of users, clients and tokens, and what an operator must
	// know. Each is written, kept and delivered.
	LaneSecurity Lane = iota
	// LaneRoutine has what users do each day, such as sign-ins.
	LaneRoutine
	// LaneNoise has what was refused. An unauthenticated client can cause any number of them.
	LaneNoise
)

// laneNames has the names in the order of the lanes.
var laneNames = []string{"security", "routine", "noise"}

// String returns the name of the lane.
func (l Lane) String() string {
	if l < 0 || int(l) >= len(laneNames) {
		return "unknown"
	}
	return laneNames[l]
}

// Lanes returns all lanes.
func Lanes() []Lane { return []Lane{LaneSecurity, LaneRoutine, LaneNoise} }

// routine lists the successful actions of LaneRoutine.
var routine = []string{SessionStart, SessionEnd, PasswordProven, FactorProven, StepUp, UnknownName, PasswordForgotten, HelpRequested, HelpJoined,
	AppSignIn, AppConsent, AppDevice, AppRefused, ServerStarted, ServerStopped, WebhookTested}

// Lane returns the lane of the event.
func (e Event) Lane() Lane {
	switch {
	case e.Action == MailFailed:
		return LaneSecurity
	case e.Outcome == Failure, e.Outcome == Deny, e.Action == UnknownName, e.Action == AppRefused:
		return LaneNoise
	case slices.Contains(routine, e.Action):
		return LaneRoutine
	}
	return LaneSecurity
}
