package mail_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"barillet/internal/mail"
)

func TestDigest_JoinsMoreThanTenNotifications(t *testing.T) {
	var box mail.MemoryTransport
	h := newEnv(t, &box)
	for i := range 11 {
		m := mail.Message{Template: fmt.Sprintf("notice%d", i), Notice: true, Recipient: "u1"}
		if i < 10 {
			m.Data = fmt.Appendf(nil, `{"freeze":"link%d"}`, i)
		}
		h.queue(m)
		h.wait(time.Second)
	}
	h.queue(mail.Message{Template: "ticket", Recipient: "u1"})
	h.queue(mail.Message{Template: "other", Notice: true, Recipient: "u2", To: []string{"paul@garage.test"}})
	h.pass()
	var subjects []string
	for _, e := range box.List() {
		subjects = append(subjects, e.Subject)
		if e.Subject != mail.DigestTemplate+" fr" {
			continue
		}
		var joined mail.Digest
		if err := json.Unmarshal([]byte(e.Text), &joined); err != nil || len(joined.Entries) != 11 || joined.Entries[10].Subject != "notice10 fr" || joined.Freeze != "link9" {
			t.Errorf("got %v, %v, want 11 notifications in order, and the newest link", joined, err)
		}
	}
	slices.Sort(subjects)
	if want := []string{"digest fr", "other fr", "ticket fr"}; !slices.Equal(subjects, want) || len(h.items(false)) != 0 {
		t.Errorf("got %q and %d left, want %q", subjects, len(h.items(false)), want)
	}
}

func TestDigest_JoinsDelayedNotifications(t *testing.T) {
	var box mail.MemoryTransport
	h := newEnv(t, &box)
	for i := range 5 {
		h.queue(mail.Message{Template: fmt.Sprintf("notice%d", i), Notice: true, Recipient: "u1", NotBefore: h.clock().Add(mail.DigestDelay)})
		h.wait(time.Minute)
		h.pass()
	}
	if got := len(box.List()); got != 0 {
		t.Fatalf("sent %d held messages", got)
	}
	h.wait(mail.DigestDelay - 5*time.Minute)
	h.pass()
	if got := box.List(); len(got) != 1 || got[0].Subject != "digest fr" {
		t.Errorf("got %v, want one digest", got)
	}
}

// single is a Renderer without a digest.
type single struct{}

func (single) Render(template, lang string, data []byte) (subject, text, html string, err error) {
	if template == mail.DigestTemplate {
		return "", "", "", errors.New("no such template")
	}
	return words{}.Render(template, lang, data)
}

func TestDigest_WithoutTemplateSendsEachNotification(t *testing.T) {
	var box mail.MemoryTransport
	h := newEnv(t, &box)
	h.sender.Renderer = single{}
	for range 12 {
		h.queue(mail.Message{Template: "notice", Notice: true, Recipient: "u1"})
	}
	h.pass()
	if got := len(box.List()); got != 12 || len(h.items(false)) != 0 {
		t.Errorf("got %d messages and %d left, want 12 and 0", got, len(h.items(false)))
	}
}
