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

// Sender delivers what is in the outbox, one message at least once. Its fields are set before Run and not
// changed after; all but Transport and Died are needed.
type Sender struct {
	Store     store.Store
	Outbox    *Outbox
	Renderer  Renderer
	Transport Transport // nil: no mail server is configured, and messages wait
	Now       func() time.Time
	Log       *slog.Logger
	// Died is asked, before an Update in which messages may be given up, for what is written with each: see
	// outbox.Worker.Died.
	Died func() func(tx store.Tx, m MessageInfo) error

	once   sync.Once
	worker outbox.Worker[Message]
}

const (
	parallel    = 4
	sendTimeout = time.Minute
)

// pending is a row to be tried.
type pending = outbox.Pending[Message]

// work is the worker of this sender.
func (s *Sender) work() *outbox.Worker[Message] {
	s.once.Do(func() {
		s.worker.What, s.worker.Store, s.worker.Table = "mail", s.Store, s.Outbox.table
		s.worker.Holds = func(r Message) bool { return r.Notice && r.held() }
		s.worker.Attrs = func(r Message) []any { return []any{"template", r.Template} }
		if s.Died != nil {
			s.worker.OnDeadLetter = func() func(store.Tx, string, Message) error {
				died := s.Died()
				return func(tx store.Tx, id string, r Message) error { return died(tx, r.item(id)) }
			}
		}
		s.worker.Prepare, s.worker.Parallel, s.worker.Now, s.worker.Log = s.join, parallel, s.Now, s.Log
	})
	return &s.worker
}

// Wake tells that something was queued. It never blocks, and may be called before Run and by many at once.
func (s *Sender) Wake() { s.work().Wake() }

// Run delivers until the context ends, and returns nil then. A failure of mail server or store never ends it.
func (s *Sender) Run(ctx context.Context) error {
	return s.ready().Run(ctx)
}

// RunOnce makes one pass: it joins notices, gives up what has no use any more, tries what is due, and
// returns when there will be something to do again; the zero time is when something is queued. Its error is
// the store's; what a mail server does is written into the rows.
func (s *Sender) RunOnce(ctx context.Context) (next time.Time, err error) {
	return s.ready().RunOnce(ctx)
}

// ready is the worker with its way to a server, if there is one: a Kick may come before it is known.
func (s *Sender) ready() *outbox.Worker[Message] {
	w := s.work()
	if s.Transport != nil {
		w.Send = s.send
	}
	return w
}

func (s *Sender) send(ctx context.Context, _ string, row Message) error {
	subject, text, html, err := s.Renderer.Render(row.Template, row.Lang, row.Data)
	if err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	return s.Transport.Send(ctx, Envelope{
		MessageID: row.MessageID, To: row.To[0], Date: row.Queued, Lang: row.Lang,
		Subject: subject, Text: text, HTML: html,
	})
}
