package templates

import (
	"slices"
	"time"

	"barillet/internal/notice"
)

// Help has the short answers, and under "More help" the way to a person.
//
//	GET /help    link: /help/request
type Help struct{ Base }

func (Help) template() string { return "help" }

// TopicKey is the topic's name in the catalogues; one that we do not know is "other".
func TopicKey(t notice.Topic) Key {
	if t != notice.TopicInvited && !slices.Contains(notice.Topics(), t) {
		t = notice.TopicOther
	}
	return Key("help.topic_" + string(t))
}

// HelpRequest is the form that reaches a person.
//
//	GET /help/request?topic=…   POST /help/request    email, topic, message
type HelpRequest struct {
	Base
	Email   string       // as typed, or the login when the password has been proven
	Topic   notice.Topic // "" is TopicCannotLogIn
	Message string
}

func (HelpRequest) template() string { return "help_request" }

// HelpSent is the answer to a help request, the same for known and unknown people.
//
//	GET /help/sent?reference=… or straight after the POST
type HelpSent struct {
	Base
	Reference string
}

func (HelpSent) template() string { return "help_sent" }

// Failure is an error page: 400, 403, 404, 405, 413, 415, 429, 500, 503; any other status is told as 500.
type Failure struct {
	Base
	Status int
	ID     string        // request id, shown for 500 and 503
	Wait   time.Duration // with 429 and 503: when to come back; 0 when not known
}

// Known tells the status as which the page is told.
func (f Failure) Known() int {
	if slices.Contains(statuses, f.Status) {
		return f.Status
	}
	return 500
}

var statuses = []int{400, 403, 404, 405, 413, 415, 429, 500, 503}

func (Failure) template() string { return "failure" }

// Mailbox lists the mails of the demonstration, newest first.
//
//	GET /demo/mail
type Mailbox struct {
	Base
	Mails []MailHead
}

func (Mailbox) template() string { return "mailbox" }

// MailHead is one mail in a list.
type MailHead struct {
	ID      string
	To      string
	Subject string
	At      time.Time
}

// MailView is one mail of the demonstration, shown as its text.
//
//	GET /demo/mail/{id}
type MailView struct {
	Base
	MailHead
	Text  string
	Links []string // the links of ours in the text, to follow by a tap
}

func (MailView) template() string { return "mail_view" }
