package mail_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"barillet/internal/mail"
	"barillet/store"
	"barillet/store/storetest"
)

func TestSender_ExpiredMessageBecomesADeadLetter(t *testing.T) {
	h := newEnv(t, nil)
	h.queue(mail.Message{Template: "ticket", ExpiresAt: start.Add(24 * time.Hour), Data: json.RawMessage(`{"code":"ABCD-EFGH"}`)})
	h.pass()
	if got := h.items(true); len(got) != 0 {
		t.Fatalf("given up too early: %v", got)
	}
	h.wait(24 * time.Hour)
	h.pass()
	dead := h.items(true)
	if len(dead) != 1 || dead[0].LastError == "" || !dead[0].Died.Equal(h.clock()) {
		t.Fatalf("got %v, want one dead letter with an error", dead)
	}
	var sent []mail.Envelope
	h.start(transport(func(e mail.Envelope) error { sent = append(sent, e); return nil }))
	h.pass()
	if len(sent) != 0 {
		t.Errorf("sent a dead letter: %v", sent)
	}
	h.wait(30 * 24 * time.Hour)
	h.pass()
	if err := storetest.Sweep(t.Context(), h.store, h.sender.SweepDead(func() time.Time { return h.clock().Add(-29 * 24 * time.Hour) }, nil)); err != nil {
		t.Fatal(err)
	}
	if got := h.items(false); len(got) != 0 {
		t.Errorf("got %d messages a month later, want none", len(got))
	}
}

func TestOnDeadLetter_RunsInTheUpdate(t *testing.T) {
	h := newEnv(t, nil)
	h.queue(mail.Message{Template: "ticket", ExpiresAt: start.Add(time.Hour)})
	h.wait(time.Hour)
	calls, dead := 0, []mail.MessageInfo(nil)
	fails := errors.New("the log is full")
	h.sender.OnDeadLetter = func() func(store.Tx, mail.MessageInfo) error {
		calls++
		return func(_ store.Tx, m mail.MessageInfo) error { dead = append(dead, m); return fails }
	}
	if _, err := h.sender.RunOnce(t.Context()); !errors.Is(err, fails) {
		t.Errorf("got %v, want the error of the hook", err)
	}
	if got := h.items(true); len(got) != 0 {
		t.Errorf("got dead letters %v, want none", got)
	}
	dead, fails = nil, nil
	h.pass()
	if got := h.items(true); len(got) != 1 || len(dead) == 0 || dead[0].ID != got[0].ID || !dead[0].Dead || dead[0].Template != "ticket" {
		t.Errorf("got dead letters %v and hook calls %v", got, dead)
	}
	dead = nil
	h.pass()
	if len(dead) != 0 {
		t.Errorf("the hook was called again for a dead letter: %v", dead)
	}
	if calls == 0 {
		t.Error("the hook was not called before the Update")
	}
}
