package mail

import (
	"context"
	"time"

	"barillet/internal/outbox"
)

// Envelope is a rendered message to one address.
type Envelope struct {
	MessageID string // without the angle brackets
	To        string
	Date      time.Time
	Lang      string
	Subject   string
	Text      string
	HTML      string // may be empty
}

// Transport sends a message. Send returns nil after the server took responsibility for it. An error that wraps
// ErrUnreachable is about the server; one that wraps ErrRefused is about this message. Any other error is temporary.
type Transport interface {
	Send(ctx context.Context, e Envelope) error
}

// Renderer returns the text of a message. The data is that of the queued message.
type Renderer interface {
	Render(template, lang string, data []byte) (subject, text, html string, err error)
}

var (
	// ErrUnreachable means that the server is down, too slow, has no TLS or rejects the credentials.
	ErrUnreachable = outbox.ErrUnreachable
	// ErrRefused means that the server rejects the message permanently (RFC 5321 §4.2.1: 5yz).
	ErrRefused = outbox.ErrRefused
)
