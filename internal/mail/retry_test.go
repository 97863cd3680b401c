package mail_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"barillet/internal/mail"
	"barillet/store"
)

// A notification that was given up is sent again after the mail server accepts it, under its first Message-ID.
func TestRetry_SendsANotificationThatWasGivenUp(t *testing.T) {
	h := newEnv(t, nil)
	var sent []mail.Envelope
	refused := errors.New("550 no such user")
	h.start(transport(func(e mail.Envelope) error { sent = append(sent, e); return refused }))
	h.queue(mail.Message{Template: "ticket", Data: json.RawMessage(`{"code":"ABCD-EFGH"}`)})
	for range 40 {
		h.pass()
		h.wait(6 * time.Hour)
	}
	dead := h.items(true)
	if len(dead) != 1 || !dead[0].CanRetry(h.clock()) {
		t.Fatalf("got %v, want a dead letter that can be sent again", dead)
	}
	tries := len(sent)
	retry := func() error {
		return h.store.Update(t.Context(), func(tx store.Tx) error { return h.sender.Outbox.Retry(tx, dead[0].ID) })
	}
	if err := retry(); err != nil {
		t.Fatal(err)
	}
	h.pass()
	if again := h.items(true); len(sent) != tries+1 || len(again) != 1 {
		t.Fatalf("got %d attempts and %v, want one more attempt that ends in a dead letter", len(sent)-tries, again)
	}
	refused = nil
	if err := retry(); err != nil {
		t.Fatal(err)
	}
	h.pass()
	if left := h.items(false); len(left) != 0 || len(sent) != tries+2 || sent[0].MessageID != sent[len(sent)-1].MessageID {
		t.Errorf("got %v left after %d attempts, want the email sent under one Message-ID", left, len(sent)-tries)
	}
	if err := retry(); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("got %v for an email that was sent, want not found", err)
	}
}

func TestDrop_LeavesAMessageThatWaits(t *testing.T) {
	h := newEnv(t, nil)
	h.queue(mail.Message{Template: "ticket"})
	id := h.items(false)[0].ID
	err := h.store.Update(t.Context(), func(tx store.Tx) error { return h.sender.Outbox.Drop(tx, id) })
	if !errors.Is(err, store.ErrNotFound) || len(h.items(false)) != 1 {
		t.Errorf("got %v, want not found, and the message kept", err)
	}
}
