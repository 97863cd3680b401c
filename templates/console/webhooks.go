package console

import "time"

// Webhooks lists the webhooks.
//
//	GET /console/webhooks
type Webhooks struct {
	Base
	Webhooks []Webhook
}

func (Webhooks) Template() string { return "console_webhooks" }

// Webhook is a webhook. The path and the query of its URL can contain credentials, so pages show its host only.
type Webhook struct {
	Name, Path, Host string
	Events           []string
	State            string // "on", "administrator" or "gone": a sentence "webhook.state.{State}"
	Overrun          bool   // its queue is full
	Failing          int    // deliveries that failed, among the oldest ones
	FailingMore      bool
	LastError        string
	Created          time.Time
	OldSecretUntil   time.Time
}

// WebhookPage shows a webhook and its deliveries.
//
//	GET /console/webhooks/{wid}
type WebhookPage struct {
	Base
	Webhook    Webhook
	Status     string // filter: "", "waiting" or "dead"
	Deliveries []Delivery
	More       string
}

func (WebhookPage) Template() string { return "console_webhook" }

// Delivery is an event that waits for its delivery, or was given up.
type Delivery struct {
	Event       Event
	Dead        bool
	Attempts    int
	Queued      time.Time
	Tried, Next time.Time // zero: never, or at once
	Error       string
}
