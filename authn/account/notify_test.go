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

func TestOnDeadLetter_NamesUser(t *testing.T) {
	e := authntest.New(t)
	u := e.CreateUser("zoe@garage.example", nil)
	for _, m := range []struct{ recipient, to string }{{string(u.ID), "old@garage.example"}, {"", "support@else.example"}, {"u-deleted", "paul@garage.example"}} {
		onDeadLetter := e.Accounts.OnDeadLetter()
		if err := e.Store.Update(t.Context(), func(tx store.Tx) error {
			return onDeadLetter(tx, mail.MessageInfo{ID: "m1", Template: "ticket", To: m.to, Recipient: m.recipient, Queued: e.Clock.Now(), Died: e.Clock.Now().Add(time.Hour),
				LastError: "550 no such mailbox", Attempts: 8, ExpiresAt: e.Clock.Now().Add(2 * time.Hour)})
		}); err != nil {
			t.Fatal(err)
		}
		e.Clock.Advance(time.Second)
	}
	got := e.Events(audit.MailFailed)
	if len(got) != 3 {
		t.Fatalf("got %d events, want one of each", len(got))
	}
	event := got[0]
	if event.Subject != string(u.ID) || event.SubjectName != u.Login || event.Outcome != audit.Failure || event.Reason != "undeliverable" ||
		event.Targets[0] != (audit.Actor{Type: audit.TypeMail, ID: "m1", Name: "ticket"}) || event.Detail["error"] != "550 no such mailbox" || event.Detail["attempts"] != "8" {
		t.Errorf("got %+v", event)
	}
	if got[1].Subject != "" || got[1].Detail["to"] != "support@else.example" {
		t.Errorf("got %+v, want an event without a subject", got[1])
	}
	if _, named := got[2].Detail["to"]; named || got[2].Subject != "u-deleted" {
		t.Errorf("got %+v, want the id of a deleted user and no address", got[2])
	}
}

// subscribe adds n webhooks for all events.
func subscribe(e *authntest.Env, n int) {
	e.T.Helper()
	if err := e.Store.Update(e.T.Context(), func(tx store.Tx) error {
		return e.Hooks.Change(tx, func(b *webhook.EndpointList) error {
			b.Hooks = nil
			for i := range n {
				b.Hooks = append(b.Hooks, webhook.Endpoint{ID: "w" + strconv.Itoa(i), URL: "https://hooks.example/", Events: []string{"*"}})
			}
			return nil
		})
	}); err != nil {
		e.T.Fatal(err)
	}
}

// If a mail server is down for a day, many emails are given up in one Update. Their dead letters, audit events and webhook calls
// fit into it, and each email has its own event.
func TestOnDeadLetter_WritesOneEventForEachEmail(t *testing.T) {
	for _, webhooks := range []int{0, 1, webhook.Most} {
		for _, mails := range []int{2, 20} {
			e := authntest.New(t)
			subscribe(e, webhooks)
			for i := range mails {
				u := e.CreateUser("user"+strconv.Itoa(i)+"@garage.example", nil)
				if _, err := account.Update(t.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (any, error) {
					return nil, tx.Notify(&u, notice.PasswordChanged{Context: tx.About(&u)}, tx.Op.Now.Add(time.Hour))
				}); err != nil {
					t.Fatal(err)
				}
			}
			before := calls(e, webhooks)
			e.Clock.Advance(2 * time.Hour)
			s := &mail.Sender{Store: e.Store, Outbox: e.Outbox, Now: e.Clock.Now, Log: slog.New(slog.DiscardHandler), OnDeadLetter: e.Accounts.OnDeadLetter}
			if _, err := s.RunOnce(t.Context()); err != nil {
				t.Fatalf("%d emails, %d webhooks: %v", mails, webhooks, err)
			}
			mailed, ids := map[string]bool{}, map[string]bool{}
			for _, event := range e.Events(audit.MailFailed) {
				mailed[event.Targets[0].ID+" "+event.SubjectName], ids[event.ID] = true, true
			}
			if len(mailed) != mails || len(ids) != mails {
				t.Errorf("%d emails, %d webhooks: got %d events of %d emails", mails, webhooks, len(ids), len(mailed))
			}
			if got := calls(e, webhooks) - before; webhooks > 0 && got != mails {
				t.Errorf("%d emails, %d webhooks: got %d calls queued, want one for each event", mails, webhooks, got)
			}
			if _, err := s.RunOnce(t.Context()); err != nil || len(e.Events(audit.MailFailed)) != mails {
				t.Errorf("the next pass: got %d events and %v", len(e.Events(audit.MailFailed)), err)
			}
		}
	}
}

// calls returns the number of webhook calls that wait, for one webhook or before they are distributed to several.
func calls(e *authntest.Env, webhooks int) int {
	e.T.Helper()
	destination := "all"
	if webhooks == 1 {
		destination = "w0"
	}
	var found []webhook.Delivery
	if err := e.Store.View(e.T.Context(), func(s store.Snapshot) (err error) {
		found, _, err = e.Hooks.Deliveries(s, destination, "", "", 1000)
		return err
	}); err != nil {
		e.T.Fatal(err)
	}
	return len(found)
}
