package mail

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"barillet/internal/outbox"
	"barillet/store"
)

// Sender delivers the messages of an outbox, each at least once. Set its fields before Run and do not change them
// afterwards. All except Transport and OnDeadLetter are required.
type Sender struct {
	Store     store.Store
	Outbox    *Outbox
	Renderer  Renderer
	Transport Transport // nil: no mail server is configured, so messages wait
	Now       func() time.Time
	Log       *slog.Logger
	// OnDeadLetter, if it is not nil, is called for dead letters: see outbox.Worker.OnDeadLetter.
	OnDeadLetter func() func(tx store.Tx, m MessageInfo) error

	once   sync.Once
	worker outbox.Worker[Message]
}

const parallel = 4

// pending is a stored message with its id.
type pending = outbox.Pending[Message]

// work returns the worker of s.
func (s *Sender) work() *outbox.Worker[Message] {
	s.once.Do(func() {
		s.worker.What, s.worker.Store, s.worker.Table = "mail", s.Store, s.Outbox.table
		s.worker.Group, s.worker.Holds, s.worker.Join = Message.group, Message.held, s.join
		s.worker.Recipient = func(r Message) string { return r.To[0] }
		s.worker.Attrs = func(r Message) []any { return []any{"template", r.Template} }
		if s.OnDeadLetter != nil {
			s.worker.OnDeadLetter = func() func(store.Tx, string, Message) error {
				record := s.OnDeadLetter()
				return func(tx store.Tx, id string, r Message) error { return record(tx, r.item(id)) }
			}
		}
		s.worker.Parallel, s.worker.Now, s.worker.Log = parallel, s.Now, s.Log
	})
	return &s.worker
}

// Run delivers messages until ctx ends, and then returns nil. A failure of the mail server or the store does not end it.
func (s *Sender) Run(ctx context.Context) error {
	return s.ready().Run(ctx)
}

// RunOnce gives up messages without use, joins notifications and tries the messages that are due, until none is. It returns
// the time of the next pass; the zero time means that no message waits. An error is from the store; a failure of
// the mail server is stored in the message.
func (s *Sender) RunOnce(ctx context.Context) (next time.Time, err error) {
	return s.ready().RunOnce(ctx)
}

// Depth returns the number of messages.
func (s *Sender) Depth() outbox.Depth { return s.work().Depth() }

// ready returns the worker with Send set if there is a Transport.
func (s *Sender) ready() *outbox.Worker[Message] {
	w := s.work()
	if s.Transport != nil {
		w.Send = s.send
	}
	return w
}

func (s *Sender) send(ctx context.Context, _ string, message Message) error {
	subject, text, html, err := s.Renderer.Render(message.Template, message.Lang, message.Data)
	if err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	return s.Transport.Send(ctx, Envelope{
		MessageID: message.MessageID, To: message.To[0], Date: message.Queued, Lang: message.Lang,
		Subject: subject, Text: text, HTML: html,
	})
}

// SweepDead returns the sweep of the dead letters that were given up before a time. See outbox.SweepDead.
func (s *Sender) SweepDead(before func() time.Time, announce func(ids []string) func(store.Tx) error) store.TableSweep {
	return outbox.SweepDead(s.Outbox.table, before, announce)
}
