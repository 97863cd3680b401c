package authn_test

import (
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/store"
)

func TestTheEventOfADeadLetterTellsWhoseItWas(t *testing.T) {
	h := authntest.New(t)
	u := h.Person("zoe@garage.example", nil)
	for _, to := range []string{"zoe@garage.example", "support@else.example"} {
		died := h.Service.MailDied()
		if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
			return died(tx, mail.Item{ID: "m1", Template: "ticket", To: to, Queued: h.Clock.Now(), Died: h.Clock.Now().Add(time.Hour),
				LastError: "550 no such mailbox", Attempts: 8, UselessAfter: h.Clock.Now().Add(2 * time.Hour)})
		}); err != nil {
			t.Fatal(err)
		}
		h.Clock.Advance(time.Second)
	}
	got := h.Events(audit.MailFailed)
	if len(got) != 2 {
		t.Fatalf("got %d events, want one of each", len(got))
	}
	e := got[0]
	if e.Subject != string(u.ID) || e.SubjectName != u.Login || e.Outcome != audit.Failure || e.Reason != "undeliverable" ||
		e.Targets[0] != (audit.Actor{Type: audit.TypeMail, ID: "m1", Name: "ticket"}) || e.Detail["error"] != "550 no such mailbox" || e.Detail["attempts"] != "8" {
		t.Errorf("got %+v", e)
	}
	if got[1].Subject != "" || got[1].Detail["to"] != "support@else.example" {
		t.Errorf("got %+v, want nobody's", got[1])
	}
}
