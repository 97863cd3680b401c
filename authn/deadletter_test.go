package authn_test

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

func TestDeadLetter_EventNamesUser(t *testing.T) {
	env := authntest.New(t)
	u := env.Person("zoe@garage.example", nil)
	for _, to := range []string{"zoe@garage.example", "support@else.example"} {
		died := env.Accounts.OnDeadLetter()
		if err := env.Store.Update(t.Context(), func(tx store.Tx) error {
			return died(tx, mail.MessageInfo{ID: "m1", Template: "ticket", To: to, Queued: env.Clock.Now(), Died: env.Clock.Now().Add(time.Hour),
				LastError: "550 no such mailbox", Attempts: 8, UselessAfter: env.Clock.Now().Add(2 * time.Hour)})
		}); err != nil {
			t.Fatal(err)
		}
		env.Clock.Advance(time.Second)
	}
	got := env.Events(audit.MailFailed)
	if len(got) != 2 {
		t.Fatalf("got %d events, want one of each", len(got))
	}
	e := got[0]
	if e.Subject != string(u.ID) || e.SubjectName != u.Login || e.Outcome != audit.Failure || e.Reason != "undeliverable" ||
		e.Targets[0] != (audit.Actor{Type: audit.TypeMail, ID: "m1", Name: "ticket"}) || e.Detail["error"] != "550 no such mailbox" || e.Detail["attempts"] != "8" {
		t.Errorf("got %+v", e)
	}
	if got[1].Subject != "" || got[1].Detail["to"] != "support@else.example" {
		t.Errorf("got %+v, want no user", got[1])
	}
}

// subscribe adds n webhook endpoints for all events.
func subscribe(env *authntest.Env, n int) {
	env.T.Helper()
	if err := env.Store.Update(env.T.Context(), func(tx store.Tx) error {
		return env.Hooks.Change(tx, func(b *webhook.EndpointList) error {
			b.Hooks = nil
			for i := range n {
				b.Hooks = append(b.Hooks, webhook.Endpoint{ID: "w" + strconv.Itoa(i), URL: "https://hooks.example/", Events: []string{"*"}})
			}
			return nil
		})
	}); err != nil {
		env.T.Fatal(err)
	}
}

// If a mail server fails all day, many mails become dead letters at once. Their events and webhook jobs fit into one Update,
// and no event overwrites another.
func TestDeadLetter_OneEventPerMail(t *testing.T) {
	for _, receivers := range []int{0, 1, webhook.Most} {
		for _, mails := range []int{2, 20} {
			env := authntest.New(t)
			subscribe(env, receivers)
			for i := range mails {
				u := env.Person("person"+strconv.Itoa(i)+"@garage.example", nil)
				if _, err := account.Update(t.Context(), env.Accounts, env.Accounts.NewOperation(env.From), func(tx *account.Tx) (any, error) {
					return nil, tx.Notify(&u, notice.PasswordChanged{Context: tx.About(&u)}, tx.Op.Now.Add(time.Hour))
				}); err != nil {
					t.Fatal(err)
				}
			}
			before := queuedCalls(env, receivers)
			env.Clock.Advance(2 * time.Hour)
			s := &mail.Sender{Store: env.Store, Outbox: env.Outbox, Now: env.Clock.Now, Log: slog.New(slog.DiscardHandler), Died: env.Accounts.OnDeadLetter}
			if _, err := s.RunOnce(t.Context()); err != nil {
				t.Fatalf("%d mails, %d receivers: %v", mails, receivers, err)
			}
			of, at := map[string]bool{}, map[string]bool{}
			for _, e := range env.Events(audit.MailFailed) {
				of[e.Targets[0].ID+" "+e.SubjectName], at[e.ID] = true, true
			}
			if len(of) != mails || len(at) != mails {
				t.Errorf("%d mails, %d receivers: got %d events of %d mails", mails, receivers, len(at), len(of))
			}
			if got := queuedCalls(env, receivers) - before; receivers > 0 && got != mails {
				t.Errorf("%d mails, %d receivers: got %d calls queued, want one of each event", mails, receivers, got)
			}
			if _, err := s.RunOnce(t.Context()); err != nil || len(env.Events(audit.MailFailed)) != mails {
				t.Errorf("the next pass: got %d events and %v", len(env.Events(audit.MailFailed)), err)
			}
		}
	}
}

// queuedCalls returns the number of queued webhook jobs.
func queuedCalls(env *authntest.Env, receivers int) int {
	env.T.Helper()
	lane := "all"
	if receivers == 1 {
		lane = "w0"
	}
	var found []webhook.Delivery
	if err := env.Store.View(env.T.Context(), func(s store.Snapshot) (err error) {
		found, _, err = env.Hooks.Deliveries(s, lane, "", "", 1000)
		return err
	}); err != nil {
		env.T.Fatal(err)
	}
	return len(found)
}
