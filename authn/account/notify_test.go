package account_test

import (
	"log/slog"
	"strconv"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/internal/webhook"
	"barillet/store"
)

func TestTheEventOfADeadLetterTellsWhoseItWas(t *testing.T) {
	h := authntest.New(t)
	u := h.CreateUser("zoe@garage.example", nil)
	for _, to := range []string{"zoe@garage.example", "support@else.example"} {
		died := h.Accounts.OnDeadLetter()
		if err := h.Store.Update(t.Context(), func(tx store.Tx) error {
			return died(tx, mail.MessageInfo{ID: "m1", Template: "ticket", To: to, Queued: h.Clock.Now(), Died: h.Clock.Now().Add(time.Hour),
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

// watchers subscribes so many receivers to everything.
func watchers(h *authntest.Env, n int) {
	h.T.Helper()
	if err := h.Store.Update(h.T.Context(), func(tx store.Tx) error {
		return h.Hooks.Change(tx, func(b *webhook.EndpointList) error {
			b.Hooks = nil
			for i := range n {
				b.Hooks = append(b.Hooks, webhook.Endpoint{ID: "w" + strconv.Itoa(i), URL: "https://hooks.example/", Events: []string{"*"}})
			}
			return nil
		})
	}); err != nil {
		h.T.Fatal(err)
	}
}

// Mails of a server that is down all day have their end at the same moment: a row, an event, what the event looks up and
// a webhook's call for each of them fit into the Update that gives them up, and no event takes the place of another.
func TestMailsThatDieTogetherHaveAnEventEach(t *testing.T) {
	for _, receivers := range []int{0, 1, webhook.Most} {
		for _, mails := range []int{2, 20} {
			h := authntest.New(t)
			watchers(h, receivers)
			for i := range mails {
				u := h.CreateUser("person"+strconv.Itoa(i)+"@garage.example", nil)
				if _, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (any, error) {
					return nil, tx.Notify(&u, notice.PasswordChanged{Context: tx.About(&u)}, tx.Op.Now.Add(time.Hour))
				}); err != nil {
					t.Fatal(err)
				}
			}
			before := calls(h, receivers)
			h.Clock.Advance(2 * time.Hour)
			s := &mail.Sender{Store: h.Store, Outbox: h.Outbox, Now: h.Clock.Now, Log: slog.New(slog.DiscardHandler), Died: h.Accounts.OnDeadLetter}
			if _, err := s.RunOnce(t.Context()); err != nil {
				t.Fatalf("%d mails, %d receivers: %v", mails, receivers, err)
			}
			of, at := map[string]bool{}, map[string]bool{}
			for _, e := range h.Events(audit.MailFailed) {
				of[e.Targets[0].ID+" "+e.SubjectName], at[e.ID] = true, true
			}
			if len(of) != mails || len(at) != mails {
				t.Errorf("%d mails, %d receivers: got %d events of %d mails", mails, receivers, len(at), len(of))
			}
			if got := calls(h, receivers) - before; receivers > 0 && got != mails {
				t.Errorf("%d mails, %d receivers: got %d calls queued, want one of each event", mails, receivers, got)
			}
			if _, err := s.RunOnce(t.Context()); err != nil || len(h.Events(audit.MailFailed)) != mails {
				t.Errorf("the next pass: got %d events and %v", len(h.Events(audit.MailFailed)), err)
			}
		}
	}
}

// calls is how many calls wait, for the one receiver or to be spread to several.
func calls(h *authntest.Env, receivers int) int {
	h.T.Helper()
	lane := "all"
	if receivers == 1 {
		lane = "w0"
	}
	var found []webhook.Delivery
	if err := h.Store.View(h.T.Context(), func(s store.Snapshot) (err error) {
		found, _, err = h.Hooks.Deliveries(s, lane, "", "", 1000)
		return err
	}); err != nil {
		h.T.Fatal(err)
	}
	return len(found)
}
