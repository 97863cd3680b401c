package console

import (
	"time"

	"barillet/templates"
)

// Log is a page of the audit log, newest first.
//
//	GET /console/log
type Log struct {
	Base
	Filter  LogFilter
	Types   []Option
	Choices []LogChoice // users of whom one must be chosen
	Nobody  string      // the text with which no user was found
	Events  []Event
	More    string
	Export  string // path of the export of these events; "": none
}

func (Log) Template() string { return "console_log" }

// LogFilter has the fields of the filter as they were sent.
type LogFilter struct {
	Subject, Actor, Type, Outcome, Since, Until string
	SubjectName, ActorName                      string // of the users that were found
}

// Outcomes are the values of LogFilter.Outcome, each with a sentence "log.outcome.{…}".
func (Log) Outcomes() []string { return []string{"SUCCESS", "FAILURE", "DENY", "ALLOW", "UNKNOWN"} }

// LogChoice is a user that a filter can mean.
type LogChoice struct {
	Name, Login, Path string
	Actor             bool // as the actor of the events
}

// Event is an event of the audit log.
type Event struct {
	Path           string
	At             time.Time
	Action         string
	Words          templates.Key // the sentence of Action
	Count          int           // of folded events
	Outcome        string        // a sentence "log.outcome.{Outcome}"
	Reason         string
	Actor, Subject Named // the zero value: none
}

// Good reports whether the operation succeeded or was allowed.
func (e Event) Good() bool { return e.Outcome == "SUCCESS" || e.Outcome == "ALLOW" }

// Named is a user or an object by name. Without a name it is shown by its id.
type Named struct {
	Kind string // a sentence "log.kind.{Kind}"; "": a user
	Name string
	ID   string
	Path string // of its page; "": none
}

// EventPage shows one event.
//
//	GET /console/log/{eid}
type EventPage struct {
	Base
	Event                                Event
	ID, Address, Agent, Request, Session string
	Targets                              []Named
	Details                              []EventDetail
	Proof                                *EventProof        // nil: none
	Unproven                             *templates.Message // why there is no proof; nil: the administrator may read none
}

func (EventPage) Template() string { return "console_event" }

// EventDetail is a detail of an event.
type EventDetail struct{ Name, Value string }

// EventProof is the proof that an event is in the log.
type EventProof struct {
	Number int64
	Head   string
	JSON   string
}
