package mail

import (
	"context"
	"time"

	"barillet/internal/outbox"
)

// Envelope is a message as it goes out, to one address.
type Envelope struct {
	MessageID string // without the angle brackets
	To        string
	Date      time.Time
	Lang      string
	Subject   string
	Text      string
	HTML      string // may be empty
}

// Transport hands one message on and returns nil when somebody else has taken charge of it. An error that is
// ErrUnreachable is about the server, one that is ErrRefused about this message; any other may pass.
type Transport interface {
	Send(ctx context.Context, e Envelope) error
}

// Renderer puts a message into words. The data is what was queued.
type Renderer interface {
	Render(template, lang string, data []byte) (subject, text, html string, err error)
}

var (
	// ErrUnreachable is a server that cannot be spoken with: down, stalling, without TLS, refusing to
	// authenticate us.
	ErrUnreachable = outbox.ErrUnreachable
	// ErrRefused is a message that the server refuses for good (RFC 5321 section 4.2.1: 5yz).
	ErrRefused = outbox.ErrRefused
)
