package templates

import (
	"slices"
	"time"

	"barillet/internal/notice"
)

// Help shows short answers and a link to the help request form.
//
//	GET /help    links: /help/request, /help/request/progress
type Help struct{ Base }

func (Help) Template() string { return "help" }

// TopicKey returns the key of a topic's name. An unknown topic has the name of TopicOther.
func TopicKey(t notice.Topic) Key {
	if t != notice.TopicInvited && !slices.Contains(notice.Topics(), t) {
		t = notice.TopicOther
	}
	return Key("help.topic_" + string(t))
}

// HelpRequest is the form for a help request.
//
//	GET /help/request?topic=…   POST /help/request    email, topic, message
type HelpRequest struct {
	Base
	Email   string       // as typed, or the login after the password step
	Topic   notice.Topic // "" is TopicCannotLogIn
	Freeze  string       // path of the page that blocks a lost device; "": not offered
	Message string
}

func (HelpRequest) Template() string { return "help_request" }

// HelpSent confirms a help request. It is the same for known and unknown addresses.
//
//	GET /help/sent?reference=… or the response to the POST    link: /help/request/progress
type HelpSent struct {
	Base
	Reference string
}

func (HelpSent) Template() string { return "help_sent" }

// HelpProgress shows the help requests that this browser sent, the newest first.
//
//	GET /help/request/progress    link: /help/request
type HelpProgress struct {
	Base
	Requests []SentRequest
}

func (HelpProgress) Template() string { return "help_progress" }

// SentRequest is a help request that this browser sent.
type SentRequest struct {
	Reference string
	At        time.Time
	State     string // "open", "in_progress", "resolved", "rejected"; "": received, and no more is shown
}

// Failure is an error page. Statuses without sentences of their own are shown as 500.
type Failure struct {
	Base
	Status int
	ID     string        // request id, shown for 500 and 503
	Wait   time.Duration // with 429 and 503: time until the next attempt; 0: not known
}

// ShownStatus returns the status that the page shows.
func (f Failure) ShownStatus() int {
	if slices.Contains(failureStatuses, f.Status) {
		return f.Status
	}
	return 500
}

var failureStatuses = []int{400, 403, 404, 405, 408, 413, 415, 429, 500, 503}

func (Failure) Template() string { return "failure" }

// Mailbox lists the emails of the demonstration, newest first.
//
//	GET /demo/mail
type Mailbox struct {
	Base
	Mails []MailHead
}

func (Mailbox) Template() string { return "mailbox" }

// MailHead is one email in the list.
type MailHead struct {
	ID      string
	To      string
	Subject string
	At      time.Time
}

// MailView shows the text of one email of the demonstration.
//
//	GET /demo/mail/{id}
type MailView struct {
	Base
	MailHead
	Text  string
	Links []string // links to this service in the text
}

func (MailView) Template() string { return "mail_view" }
