package mail_test

import (
	"strings"
	"testing"
	"time"

	"barillet/internal/mail"
	"barillet/store"
)

func TestSender_RetriesInTimeAfterAClockThatWasAhead(t *testing.T) {
	down := true
	s, ring := open(t, t.TempDir(), store.NewRootKeys())
	h := &env{t: t, outbox: mail.NewOutbox(ring, "login.test"), now: start, log: new(strings.Builder)}
	h.store = ring.CorrectTimes(s, h.clock)
	h.start(transport(func(mail.Envelope) error {
		if down {
			return mail.ErrRefused
		}
		return nil
	}))
	h.wait(3 * time.Hour)
	h.queue(mail.Message{Template: "ticket", ExpiresAt: h.clock().Add(24 * time.Hour)})
	h.pass()
	h.wait(-3 * time.Hour)
	down = false
	h.pass()
	item := h.items(false)[0]
	if wait := item.NotBefore.Sub(h.clock()); wait != time.Hour || !item.ExpiresAt.Equal(start.Add(24*time.Hour)) {
		t.Errorf("got a wait of %v, expiry %v, want an hour and a day from now", wait, item.ExpiresAt)
	}
	h.wait(time.Hour)
	h.pass()
	if left := h.items(false); len(left) != 0 {
		t.Errorf("got %v left an hour later, want none", left)
	}
}

func TestNextBulk_ContinuesAfterTheClockIsSetBack(t *testing.T) {
	_, ring := open(t, t.TempDir(), store.NewRootKeys())
	outbox := mail.NewOutbox(ring, "login.test")
	for range 15 {
		outbox.NextBulk(start.Add(time.Hour))
	}
	if due := outbox.NextBulk(start); due.Sub(start) > 10*time.Second {
		t.Errorf("got a wait of %v, want at most 10s", due.Sub(start))
	}
}
