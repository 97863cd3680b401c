package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

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
	// Died is asked, before an Update in which a message may be given up, for what is written with it: the event of
	// the audit log. That runs in the Update, perhaps twice, and its error undoes it. nil: nothing.
	Died func() func(tx store.Tx, m Item) error

	kick chan struct{}
	once sync.Once

	mu      sync.Mutex
	reached time.Time // when a message was last taken
	paused  time.Time // no attempt before, since the server failed
	down    bool
}

const (
	parallel    = 4
	sendTimeout = time.Minute
	serverPause = time.Minute      // between attempts at a server that fails
	longestNap  = 10 * time.Second // between looks at the outbox, so that a clock that is moved is noticed
	storePause  = 30 * time.Second // after a pass that the store failed
	passSize    = 500              // messages tried in one pass
)

// Kick tells that something was queued. It never blocks, and may be called before Run and by many at once.
func (s *Sender) Kick() {
	select {
	case s.wake() <- struct{}{}:
	default:
	}
}

func (s *Sender) wake() chan struct{} {
	s.once.Do(func() { s.kick = make(chan struct{}, 1) })
	return s.kick
}

// Run delivers until the context ends, and returns nil then. A failure of mail server or store never ends it.
func (s *Sender) Run(ctx context.Context) error {
	for {
		nap := longestNap
		next, err := s.RunOnce(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.Log.Error("mail pass failed", "error", err)
			nap = storePause
		case !next.IsZero():
			nap = min(max(next.Sub(s.Now()), 0), longestNap)
		}
		timer := time.NewTimer(nap)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.wake():
			timer.Stop()
		case <-timer.C:
		}
	}
}

// RunOnce makes one pass: it joins notices, gives up what has no use any more, tries what is due, and
// returns when there will be something to do again; the zero time is when something is queued. Its error is
// the store's; what a mail server does is written into the rows.
func (s *Sender) RunOnce(ctx context.Context) (next time.Time, err error) {
	now := s.Now()
	todo, err := s.look(ctx, now)
	if err != nil {
		return time.Time{}, err
	}
	for _, id := range todo.useless {
		if err := s.giveUp(ctx, now, id, "too late to be of use"); err != nil {
			return time.Time{}, err
		}
	}
	for _, id := range todo.old {
		err := s.update(ctx, id, func(r Row) *Row {
			if r.Dead {
				return nil
			}
			return &r
		})
		if err != nil {
			return time.Time{}, err
		}
	}
	if s.Transport == nil {
		return todo.next, nil
	}
	due, err := s.join(ctx, now, todo.due, todo.held)
	if err != nil {
		return time.Time{}, err
	}
	if pause := s.pausedUntil(now); !pause.IsZero() {
		if len(due) > 0 {
			return earlier(todo.next, pause), nil
		}
		return todo.next, nil
	}
	if err := s.deliver(ctx, due); err != nil {
		return time.Time{}, err
	}
	if len(due) > 0 {
		// Look again at once, for what failed or was left has a time of its own now.
		return earlier(todo.next, s.Now()), nil
	}
	return todo.next, nil
}

// pending is a row to be tried.
type pending struct {
	id  string
	row Row
}

type worklist struct {
	due          []pending
	held         []pending // notices that wait for others, not due yet
	useless, old []string
	next         time.Time // the earliest that is not due yet
}

// look reads the whole outbox. It is short but for a mail server that is down, and then read at most every
// ten seconds.
func (s *Sender) look(ctx context.Context, now time.Time) (worklist, error) {
	reached := s.reachedAt()
	var list worklist
	err := s.Store.View(ctx, func(snap store.Snapshot) error {
		list = worklist{}
		return s.Outbox.table.Scan(snap, "", "", 0, func(id string, row Row) error {
			switch {
			case row.Dead && now.Sub(row.Died) >= deadKept:
				list.old = append(list.old, id)
			case row.Dead:
			case row.useless(now):
				list.useless = append(list.useless, id)
			case row.due(now, reached):
				if len(list.due) < passSize {
					list.due = append(list.due, pending{id, row})
				}
			default:
				list.next = earlier(list.next, row.NotBefore)
				if row.Notice && row.held() && len(list.held) < passSize {
					list.held = append(list.held, pending{id, row})
				}
			}
			return nil
		})
	})
	if err != nil {
		return worklist{}, fmt.Errorf("reading outbox: %w", err)
	}
	return list, nil
}

// deliver tries the rows, a few at a time, those tried least first. When the server fails the rest is left.
func (s *Sender) deliver(ctx context.Context, due []pending) error {
	sortByAttempts(due)
	jobs := make(chan pending)
	errs := make(chan error, parallel)
	var workers sync.WaitGroup
	for range min(parallel, len(due)) {
		workers.Go(func() {
			var failed error
			for p := range jobs {
				if failed == nil && s.pausedUntil(s.Now()).IsZero() && ctx.Err() == nil {
					failed = s.attempt(ctx, p)
				}
			}
			errs <- failed
		})
	}
	for _, p := range due {
		jobs <- p
	}
	close(jobs)
	workers.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// attempt tries one row and stores what came of it. Its error is the store's.
func (s *Sender) attempt(ctx context.Context, p pending) error {
	err := s.send(ctx, p.row)
	if ctx.Err() != nil && err != nil {
		return nil // we are stopping: no attempt was made that says anything
	}
	now := s.Now()
	s.remember(now, err)
	if err == nil {
		// Delivered is delivered: storing it must not be cut short by a stop, or it would be sent again.
		return s.update(context.WithoutCancel(ctx), p.id, func(Row) *Row { return nil })
	}
	s.Log.Info("mail not delivered", "mail", p.id, "template", p.row.Template, "attempt", p.row.Attempts+1, "reason", brief(err))
	if next := p.row.failed(now, err); next.Dead {
		s.Log.Warn("mail given up", "mail", p.id, "template", p.row.Template, "reason", next.LastError)
	}
	return s.update(ctx, p.id, func(r Row) *Row { return r.failed(now, err) })
}

func (s *Sender) send(ctx context.Context, row Row) error {
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

func (s *Sender) giveUp(ctx context.Context, now time.Time, id, why string) error {
	s.Log.Warn("mail given up", "mail", id, "reason", why)
	return s.update(ctx, id, func(r Row) *Row {
		if r.Dead {
			return &r
		}
		return r.dead(now, why)
	})
}

func (s *Sender) update(ctx context.Context, id string, fn func(Row) *Row) error {
	died := func(store.Tx, Item) error { return nil }
	if s.Died != nil {
		died = s.Died()
	}
	return s.Store.Update(ctx, func(tx store.Tx) error { return s.Outbox.change(tx, id, fn, died) })
}

// remember keeps what the attempt said about the server, and logs when that changes.
func (s *Sender) remember(now time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.reached, s.paused = now, time.Time{}
		if s.down {
			s.Log.Info("mail server is back")
		}
		s.down = false
	case errors.Is(err, ErrUnreachable):
		s.paused = now.Add(serverPause)
		if !s.down {
			s.Log.Warn("mail server cannot be used, messages wait", "reason", brief(err))
		}
		s.down = true
	}
}

func (s *Sender) reachedAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reached
}

// pausedUntil is the end of the pause, or the zero time. A clock set back ends it.
func (s *Sender) pausedUntil(now time.Time) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.paused.After(now) || s.paused.After(now.Add(serverPause)) {
		return time.Time{}
	}
	return s.paused
}

// earlier is the earlier of two times of which the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
