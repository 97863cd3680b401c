package mail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"barillet/internal/mail"
	"barillet/store"
	"barillet/store/bolt"
)

func TestNewSMTP_GivesTheServerTheTimesOfRFC5321(t *testing.T) {
	smtp, err := mail.NewSMTP(mail.SMTPConfig{Host: "mail.test", From: "a@login.test"})
	if err != nil {
		t.Fatal(err)
	}
	// RFC 5321 §4.5.3.2
	if command, data, end := mail.Timeouts(smtp); command < 5*time.Minute || data < 3*time.Minute || end < 10*time.Minute {
		t.Errorf("got %v for a command, %v for data and %v after the final dot", command, data, end)
	}
}

func TestSender_SlowServerGetsEachMessageOnce(t *testing.T) {
	s := listen(t, "none")
	smtp := s.transport(t, "none")
	mail.SetTimeouts(smtp, 200*time.Millisecond, 20*time.Second)
	s.answer = func(string, string) error { time.Sleep(400 * time.Millisecond); return nil } // the server scans the message
	h := newEnv(t, smtp)
	h.queue(mail.Message{Template: "ticket"})
	h.queue(mail.Message{Template: "ticket", To: []string{"paul@garage.test"}})
	h.pass()
	if got := h.items(false); len(got) != 0 {
		t.Errorf("got %v left, want none", got)
	}
	h.wait(time.Hour)
	h.pass()
	if got := len(s.arrived()); got != 2 {
		t.Errorf("got %d messages at the server, want 2", got)
	}
}

func TestSender_HangingRecipientDoesNotDelayOthers(t *testing.T) {
	s := listen(t, "none")
	hang := make(chan struct{})
	s.rcpt = func(to string) error {
		if to == "hang@garage.test" {
			s.stalled <- struct{}{}
			<-hang
		}
		return nil
	}
	h := newEnv(t, s.transport(t, "none"))
	for range 6 {
		h.queue(mail.Message{Template: "ticket", To: []string{"hang@garage.test"}})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- h.sender.Run(ctx) }()
	<-s.stalled
	for i := range 20 {
		h.queue(mail.Message{Template: "ticket", To: []string{fmt.Sprintf("user%d@garage.test", i)}})
	}
	waitFor(t, func() bool { return len(s.taken()) == 20 })
	if got := len(s.stalled); got != 0 {
		t.Errorf("got %d more attempts for the recipient that hangs, want none", got)
	}
	close(hang)
	waitFor(t, func() bool { return len(s.taken()) == 26 })
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSender_TimeoutOfOneRecipientPausesNoOther(t *testing.T) {
	s := listen(t, "none")
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	s.rcpt = func(to string) error {
		if to == "hang@garage.test" {
			<-hang
		}
		return nil
	}
	smtp := s.transport(t, "none")
	mail.SetTimeouts(smtp, 300*time.Millisecond, time.Second)
	h := newEnv(t, smtp)
	h.queue(mail.Message{Template: "ticket", To: []string{"hang@garage.test"}})
	h.pass()
	if got := h.items(false); len(got) != 1 || got[0].Attempts != 1 || !got[0].NotBefore.Equal(start.Add(time.Minute)) {
		t.Fatalf("got %v, want a message that waits a minute", got)
	}
	h.queue(mail.Message{Template: "ticket"})
	h.pass()
	if got := len(s.taken()); got != 1 {
		t.Errorf("got %d messages taken, want the other one", got)
	}
}

// hanging is a transport that hangs for some addresses until its context ends.
type hanging struct {
	mu       sync.Mutex
	sent     []string
	now, max int
}

func (h *hanging) Send(ctx context.Context, e mail.Envelope) error {
	h.mu.Lock()
	h.now++
	h.max = max(h.max, h.now)
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.now--
	}()
	if strings.HasPrefix(e.To, "hang") {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Minute):
			return errors.New("no reply")
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = append(h.sent, e.To+" "+e.Subject)
	return nil
}

func TestSender_ManyHangingRecipientsDelayOthersForSecondsAndTheStopForNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := bolt.Open(filepath.Join(t.TempDir(), "barillet.db"), bolt.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ring, err := store.OpenKeyring(t.Context(), db, store.NewRootKeys(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		box := &hanging{}
		outbox := mail.NewOutbox(ring, "login.test")
		sender := &mail.Sender{Store: db, Outbox: outbox, Renderer: words{}, Transport: box, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		queue := func(template, to string) {
			err := db.Update(t.Context(), func(tx store.Tx) error {
				return outbox.Queue(tx, store.NewTimeID(time.Now()), mail.Message{Template: template, Lang: "fr", To: []string{to}, Queued: time.Now()})
			})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) // the ids sort by time
		}
		for i := range 30 {
			queue("ticket", fmt.Sprintf("hang%d@garage.test", i))
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- sender.Run(ctx) }()
		time.Sleep(5 * time.Second)
		for _, template := range []string{"first", "second", "third"} {
			queue(template, "ines@garage.test")
		}
		time.Sleep(2 * time.Hour)
		box.mu.Lock()
		if want := []string{"ines@garage.test first fr", "ines@garage.test second fr", "ines@garage.test third fr"}; !slices.Equal(box.sent, want) {
			t.Errorf("got %q sent, want %q", box.sent, want)
		}
		if box.max > 16 {
			t.Errorf("got %d concurrent deliveries, want at most 16", box.max)
		}
		box.mu.Unlock()
		began := time.Now()
		cancel()
		if err := <-done; err != nil || time.Since(began) > time.Second {
			t.Errorf("got %v after %v, want an end at once", err, time.Since(began))
		}
	})
}

// transportFunc is a transport that is a function.
type transportFunc func(mail.Envelope) error

func (f transportFunc) Send(_ context.Context, e mail.Envelope) error { return f(e) }

// A message that waits for an attempt to the same recipient can expire meanwhile (protocol rule 10).
func TestSender_MessageThatExpiresInTheQueueIsNotSent(t *testing.T) {
	var h *env
	var sent []string
	h = newEnv(t, transportFunc(func(e mail.Envelope) error {
		sent = append(sent, e.Subject)
		h.wait(10 * time.Minute) // the server is slow
		return nil
	}))
	h.queue(mail.Message{Template: "first"})
	h.wait(time.Millisecond) // the ids sort by time
	h.queue(mail.Message{Template: "ticket", ExpiresAt: start.Add(5 * time.Minute)})
	h.pass()
	h.pass()
	if want := []string{"first fr"}; !slices.Equal(sent, want) {
		t.Errorf("got %q sent, want %q", sent, want)
	}
	if got := h.items(true); len(got) != 1 || got[0].LastError != "expired before delivery" {
		t.Errorf("got dead letters %v, want the expired one", got)
	}
}

// waitFor waits until a condition holds, at most half a minute.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited for half a minute")
		}
	}
}
