package mail_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
)

// words is a Renderer whose text is the data.
type words struct{}

func (words) Render(template, lang string, data []byte) (subject, text, html string, err error) {
	if template == "broken" {
		return "", "", "", errors.New("no such template")
	}
	return template + " " + lang, string(data), "<p>" + template + "</p>", nil
}

// env is an outbox in a real store, with its sender and a clock that the test sets.
type env struct {
	t      *testing.T
	store  store.Store
	outbox *mail.Outbox
	sender *mail.Sender
	log    *strings.Builder
	mu     sync.Mutex
	now    time.Time
}

func (h *env) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *env) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func open(t *testing.T, dir string, keys store.RootKeys) (*bolt.Store, *store.Keyring) {
	t.Helper()
	s, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	ring, err := store.OpenKeyring(t.Context(), s, keys, start)
	if err != nil {
		t.Fatal(err)
	}
	return s, ring
}

func newEnv(t *testing.T, transport mail.Transport) *env {
	t.Helper()
	s, ring := open(t, t.TempDir(), store.NewRootKeys())
	h := &env{t: t, store: storetest.RunTwice(storetest.RejectNesting(t, s)), outbox: mail.NewOutbox(ring, "login.test"), now: start, log: new(strings.Builder)}
	h.start(transport)
	return h
}

// start sets a new sender, as a restart of the service does.
func (h *env) start(transport mail.Transport) {
	h.sender = &mail.Sender{Store: h.store, Outbox: h.outbox, Renderer: words{}, Transport: transport, Now: h.clock,
		Log: slog.New(slog.NewTextHandler(&locked{w: h.log}, nil))}
}

type locked struct {
	sync.Mutex
	w *strings.Builder
}

func (l *locked) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.w.Write(p)
}

func (h *env) queue(message mail.Message) string {
	h.t.Helper()
	message.Queued = h.clock()
	if message.Lang == "" {
		message.Lang = "fr"
	}
	if message.To == nil {
		message.To = []string{"ines@garage.test"}
	}
	id := store.NewTimeID(h.clock())
	if err := h.store.Update(h.t.Context(), func(tx store.Tx) error { return h.outbox.Queue(tx, id, message) }); err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *env) pass() time.Time {
	h.t.Helper()
	next, err := h.sender.RunOnce(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return next
}

func (h *env) items(dead bool) []mail.MessageInfo {
	h.t.Helper()
	var items []mail.MessageInfo
	err := h.store.View(h.t.Context(), func(s store.Snapshot) (err error) {
		items, _, err = h.outbox.Items(s, mail.List{Dead: dead})
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return items
}

func TestSender_DeletesADeliveredMessage(t *testing.T) {
	s := listen(t, "none")
	h := newEnv(t, s.transport(t, "none"))
	h.queue(mail.Message{Template: "ticket", To: []string{"ines@garage.test", "ines@home.test"}, Data: json.RawMessage(`{"code":"ABCD-EFGH"}`)})
	h.pass()
	got := s.taken()
	if len(got) != 2 || len(h.items(false)) != 0 {
		t.Fatalf("got %d messages and %d left, want 2 and 0", len(got), len(h.items(false)))
	}
	if a, b := header(got[0], "Message-ID"), header(got[1], "Message-ID"); a == b || !strings.HasSuffix(a, "@login.test>") {
		t.Errorf("got Message-IDs %s and %s, want two of login.test", a, b)
	}
	if strings.Contains(got[0], "ines@garage.test") && strings.Contains(got[0], "ines@home.test") {
		t.Error("a message contains both addresses")
	}
}

func TestSender_GivesUpAfterFiveDays(t *testing.T) {
	smtp, err := mail.NewSMTP(mail.SMTPConfig{Host: "127.0.0.1", Port: port(t), TLS: "none", From: "a@login.test"})
	if err != nil {
		t.Fatal(err)
	}
	h := newEnv(t, smtp)
	h.queue(mail.Message{Template: "ticket", Data: json.RawMessage(`{"code":"ABCD-EFGH"}`)})
	want := []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360}
	for attempt := 1; len(h.items(true)) == 0; attempt++ {
		h.pass()
		item := h.items(false)[0]
		if item.Attempts != attempt || item.LastError == "" {
			t.Fatalf("got %d attempts, last error %q, want %d and an error", item.Attempts, item.LastError, attempt)
		}
		if item.Dead {
			break
		}
		if got := item.NotBefore.Sub(h.clock()); attempt <= len(want) && got != want[attempt-1]*time.Minute || got > 6*time.Hour {
			t.Fatalf("wait %d: got %v, want %v", attempt, got, want[attempt-1]*time.Minute)
		}
		h.wait(item.NotBefore.Sub(h.clock()))
	}
	if tried := h.clock().Sub(start); tried < 5*24*time.Hour || tried > 6*24*time.Hour {
		t.Errorf("given up after %v, want 5 days", tried)
	}
	if strings.Contains(h.log.String(), "ABCD-EFGH") || strings.Contains(h.log.String(), "ines@garage.test") {
		t.Errorf("the log contains the code or the address:\n%s", h.log)
	}
}

func TestSender_SendsAllWhenTheServerIsAvailableAgain(t *testing.T) {
	s := listen(t, "none")
	s.rcpt = func(string) error { return code(421, "closing") }
	h := newEnv(t, s.transport(t, "none"))
	for range 30 {
		h.queue(mail.Message{Template: "ticket"})
	}
	for range 20 {
		h.pass()
		h.wait(2 * time.Minute)
	}
	s.set(func() { s.rcpt = nil })
	h.pass()
	h.pass()
	if got := len(s.taken()); got != 30 || len(h.items(false)) != 0 {
		t.Errorf("got %d messages and %d left, want 30 and 0", got, len(h.items(false)))
	}
}

func TestSender_PausesAfterAFailure(t *testing.T) {
	var calls int
	h := newEnv(t, transport(func(mail.Envelope) error { calls++; return mail.ErrUnreachable }))
	h.queue(mail.Message{Template: "ticket"})
	h.pass()
	for range 5 {
		h.queue(mail.Message{Template: "ticket"})
		if next := h.pass(); !next.Equal(start.Add(time.Minute)) {
			t.Fatalf("got the next pass at %v, want in a minute", next)
		}
	}
	if calls != 1 {
		t.Errorf("got %d attempts within a minute, want 1", calls)
	}
}

type transport func(mail.Envelope) error

func (f transport) Send(_ context.Context, e mail.Envelope) error { return f(e) }

func TestSender_RejectedMessageDoesNotDelayOthers(t *testing.T) {
	s := listen(t, "none")
	s.rcpt = func(to string) error {
		switch to {
		case "gone@garage.test":
			return code(550, "no such user, see http://mail.test/?t=SECRET")
		case "full@garage.test":
			return code(451, "try later")
		}
		return nil
	}
	h := newEnv(t, s.transport(t, "none"))
	for _, to := range []string{"gone@garage.test", "full@garage.test", "ines@garage.test"} {
		h.queue(mail.Message{Template: "ticket", To: []string{to}})
	}
	h.pass()
	if got := len(s.taken()); got != 1 {
		t.Errorf("got %d messages taken, want 1", got)
	}
	want := map[string]time.Duration{"gone@garage.test": time.Hour, "full@garage.test": time.Minute}
	for _, item := range h.items(false) {
		if got := item.NotBefore.Sub(start); got != want[item.To] {
			t.Errorf("%s: got a wait of %v, want %v", item.To, got, want[item.To])
		}
		if strings.Contains(item.LastError+h.log.String(), "SECRET") {
			t.Errorf("%s: the error contains a link: %s", item.To, item.LastError)
		}
	}
}

func TestSender_RepeatsWithTheSameMessageID(t *testing.T) {
	s := listen(t, "none")
	s.answer = func(string, string) error { return errDrop }
	h := newEnv(t, s.transport(t, "none"))
	h.queue(mail.Message{Template: "ticket"})
	h.pass()
	h.start(s.transport(t, "none")) // restart
	s.set(func() { s.answer = nil })
	h.wait(time.Minute)
	h.pass()
	got := s.arrived()
	if len(got) != 2 || header(got[0], "Message-ID") != header(got[1], "Message-ID") || header(got[0], "Message-ID") == "" {
		t.Errorf("got %d messages, want two with the same Message-ID:\n%s", len(got), strings.Join(got, "\n---\n"))
	}
}

func TestSender_LosesNoMessageInARestart(t *testing.T) {
	s := listen(t, "none")
	s.stall = make(chan struct{})
	dir, keys := t.TempDir(), store.NewRootKeys()
	db, ring := open(t, dir, keys)
	h := &env{t: t, store: db, outbox: mail.NewOutbox(ring, "login.test"), now: start, log: new(strings.Builder)}
	h.start(s.transport(t, "none"))
	for range 12 {
		h.queue(mail.Message{Template: "ticket"})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.sender.Run(ctx) }()
	<-s.stalled // an attempt is running
	cancel()
	if err := <-done; err != nil {
		t.Fatalf("Run: got %v, want nil at the end of its context", err)
	}
	s.set(func() { close(s.stall); s.stall = nil })
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, ring = open(t, dir, keys)
	h.store, h.outbox = db, mail.NewOutbox(ring, "login.test")
	h.start(s.transport(t, "none"))
	h.pass()
	ids := map[string]bool{}
	for _, m := range s.taken() {
		ids[header(m, "Message-ID")] = true
	}
	if len(ids) != 12 || len(h.items(false)) != 0 {
		t.Errorf("got %d different messages and %d left, want 12 and 0", len(ids), len(h.items(false)))
	}
}

func TestRun_SendsQueuedMessages(t *testing.T) {
	sent := make(chan mail.Envelope, 1)
	h := newEnv(t, transport(func(e mail.Envelope) error { sent <- e; return nil }))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- h.sender.Run(ctx) }()
	h.queue(mail.Message{Template: "ticket"})
	if e := <-sent; e.Subject != "ticket fr" {
		t.Errorf("got subject %q, want \"ticket fr\"", e.Subject)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSender_WithoutTransportMessagesWait(t *testing.T) {
	h := newEnv(t, nil)
	h.queue(mail.Message{Template: "ticket"})
	h.pass()
	h.wait(20 * 24 * time.Hour)
	h.pass()
	if got := h.items(false); len(got) != 1 || got[0].Dead || got[0].Attempts != 0 {
		t.Fatalf("got %v, want one waiting message", got)
	}
	var box mail.MemoryTransport
	h.start(&box)
	h.pass()
	if got := box.List(); len(got) != 1 || got[0].To != "ines@garage.test" {
		t.Errorf("got %v, want the message", got)
	}
}

func TestSender_FailedTemplateDoesNotDelayOthers(t *testing.T) {
	var box mail.MemoryTransport
	h := newEnv(t, &box)
	h.queue(mail.Message{Template: "broken"})
	h.queue(mail.Message{Template: "ticket"})
	h.pass()
	if got := box.List(); len(got) != 1 || got[0].Subject != "ticket fr" {
		t.Errorf("got %v, want the ticket", got)
	}
	if left := h.items(false); len(left) != 1 || left[0].Attempts != 1 {
		t.Errorf("got %v, want the other message to wait", left)
	}
}

func TestMessage_Golden(t *testing.T) {
	storetest.Golden(t, store.Outbox, nil, mail.Message{Rank: audit.LaneNoise,
		Template: "ticket", Lang: "fr", To: []string{"ines@garage.test"}, Data: json.RawMessage(`{"name":"Inès"}`), MessageID: "abc@login.test",
		Queued: start, NotBefore: start.Add(time.Minute), ExpiresAt: start.Add(24 * time.Hour), Notice: true, Recipient: "u1",
		AttemptCount: 3, Tried: start.Add(30 * time.Second), LastError: "451 later", Unreachable: true, Dead: true, Died: start.Add(time.Hour),
	})
}
