package console

import (
	"time"

	"barillet/templates"
)

// Requests is the queue of help requests, oldest first.
//
//	GET /console/requests   state, group, mine, q, after
type Requests struct {
	Base
	State, Group, Find string // the filters
	GroupName          string // of Group, if it is no option
	Mine               bool
	Groups             []Option // nil: too many, and links choose one
	Rows               []RequestRow
	More               string // path of the next page
	MayTake            bool
}

func (Requests) Template() string { return "console_requests" }

// States returns the states that the queue can show alone.
func (Requests) States() []string { return []string{"open", "in_progress", "resolved", "rejected"} }

// RequestRow is a help request in the queue.
type RequestRow struct {
	Path, Reference    string
	Name               string // of the user, or what was typed
	Known              bool   // a user has the address
	Group, GroupPath   string
	Topic              templates.Key
	Age                templates.Message
	State              string
	Assignee           string
	Mine               bool
	Proven, Recognized bool // the password, the browser
}

// HelpRequest is one help request.
//
//	GET /console/requests/{hid}
type HelpRequest struct {
	Base
	Row     RequestRow
	At      time.Time
	Email   string // as typed
	Login   string
	User    string // path of the page of the user; "": not known
	Numbers []Number
	Texts   []RequestText
	Removed int // texts that others displaced
	Changes []templates.Event
	History []HistoryEntry
	Checked *HistoryEntry
	Acts    []RequestAct // the next one first
	Closed  bool
}

func (HelpRequest) Template() string { return "console_request" }

// RequestAct is what an administrator can do next. Its button is the sentence "act.{Name}.button".
type RequestAct struct {
	Name, Path, Key string
	Send            bool // the act has no field, so its form is sent from here
}

// RequestText is one submission of the form.
type RequestText struct {
	At                            time.Time
	Topic                         templates.Key
	Message, Browser, Address     string
	Proven, Recognized, Forgotten bool
}

// HistoryEntry is one operation of an administrator.
type HistoryEntry struct {
	At   time.Time
	By   string
	What templates.Message
	Text string
}
