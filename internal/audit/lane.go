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
	// LaneNoise has what was refused or had no effect. A client can cause any number of them.
	LaneNoise
)

// NothingLeft is the reason of an operation that is never refused, and found nothing to end.
const NothingLeft = "nothing left to end"

// WrongPassword is the reason of an operation that failed because of the user's password.
const WrongPassword = "wrong password"

// String returns the name of the lane.
func (l Lane) String() string {
	switch l {
	case LaneSecurity:
		return "security"
	case LaneRoutine:
		return "routine"
	}
	return "noise"
}

// Lanes returns all lanes, the most important first.
func Lanes() []Lane { return []Lane{LaneSecurity, LaneRoutine, LaneNoise} }

// routine lists the successful actions of LaneRoutine.
var routine = []string{SessionStart, SessionEnd, PasswordProven, FactorProven, StepUp, UnknownName, PasswordForgotten, HelpRequested, HelpJoined, HelpRemoved,
	AppSignIn, AppConsent, AppDevice, AppRefused, ServerStarted, ServerStopped, WebhookTested}

// Lane returns the lane of the event.
func (e Event) Lane() Lane {
	switch {
	case e.Action == MailFailed:
		return LaneSecurity
	case e.Outcome == Failure, e.Outcome == Deny, e.Action == UnknownName, e.Action == AppRefused, e.Reason == NothingLeft:
		return LaneNoise
	case slices.Contains(routine, e.Action):
		return LaneRoutine
	}
	return LaneSecurity
}

// deferrable lists the changes that no user needs at once.
var deferrable = []string{UserCreated, GroupCreated, AppCreated, WebhookCreated}

// CanWait reports whether the change of the event is refused while the disk is nearly full.
func (e Event) CanWait() bool { return slices.Contains(deferrable, e.Action) }
