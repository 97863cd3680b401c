package authn_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// TestEnrol_MailboxAloneIsNotEnough tries an attacker who reads all mail, in every order.
func TestEnrol_MailboxAloneIsNotEnough(t *testing.T) {
	const mine = "sept chevaux dans un garage"
	tests := []struct {
		name   string
		attack func(*testing.T, *testEnv, account.User)
	}{
		{"a password link is requested after the reset", func(t *testing.T, env *testEnv, u account.User) {
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			env.EmptyOutbox()
			stuck, err := env.requestPasswordLink(env.From, amelie)
			if err != nil || stuck != u.ID || len(env.Mails()) != 0 {
				t.Errorf("got %q, %v and %d mails, want a help request and no mail", stuck, err, len(env.Mails()))
			}
		}},
		{"the link came before the reset, the choice after", func(t *testing.T, env *testEnv, u account.User) {
			link := env.mailedPasswordLink()
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, link, mine)
			wantCode(t, err, errcode.InvalidLink, "choosing")
		}},
		{"the choice came before the reset, the ticket after", func(t *testing.T, env *testEnv, u account.User) {
			started, err := env.Authn.StartWithPasswordLink(t.Context(), env.From, env.mailedPasswordLink(), mine)
			must(t, err, "choosing")
			if started.Step != authn.StepVerify {
				t.Fatalf("got step %q", started.Step)
			}
			link, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, started.Secret, link)
			wantCode(t, err, errcode.Expired, "presenting the link")
			_, err = env.Authn.RedeemTicketCode(t.Context(), env.From, started.Secret, code.Reveal())
			wantCode(t, err, errcode.Expired, "presenting the code")
			if _, err = env.Authn.StartWithPassword(t.Context(), env.From, amelie, mine); errcode.Of(err) != errcode.SignInFailed {
				t.Errorf("the chosen password took effect: %v", err)
			}
		}},
		{"a ticket is not a transaction, session, invitation or password link", func(t *testing.T, env *testEnv, u account.User) {
			link, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err := env.Authn.Transaction(t.Context(), link)
			wantCode(t, err, errcode.Expired, "as a transaction")
			_, err = env.Sessions.Authenticate(t.Context(), link)
			wantCode(t, err, errcode.NoSession, "as a session")
			_, err = env.Authn.AcceptInvitation(t.Context(), env.From, link, mine)
			wantCode(t, err, errcode.InvalidLink, "as an invitation")
			_, err = env.Authn.StartWithPasswordLink(t.Context(), env.From, link, mine)
			wantCode(t, err, errcode.InvalidLink, "as a password link")
			_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, secret.Value{}, link)
			wantCode(t, err, errcode.Expired, "without a transaction")
			_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, env.otherTransaction(), link)
			wantCode(t, err, errcode.InvalidLink, "in the transaction of another user")
		}},
		{"the invitation is opened again", func(t *testing.T, env *testEnv, u account.User) {
			nadia := env.CreateUser("nadia@garage.example", nil)
			token := env.Invite(nadia.ID)
			_, issued := env.Accept(token, authntest.Password)
			_, err := env.Authn.AcceptInvitation(t.Context(), env.From, token, mine)
			wantCode(t, err, errcode.InvalidLink, "accepting twice")
			env.reset(nadia.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err = env.Authn.AcceptInvitation(t.Context(), env.From, token, mine)
			wantCode(t, err, errcode.InvalidLink, "accepting after a reset")
			if env.sessionValid(issued.Session) {
				t.Error("the session outlived the reset")
			}
		}},
		{"the password came by mail too", func(t *testing.T, env *testEnv, u account.User) {
			env.Change(u.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail })
			link, code := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			transaction := env.password(env.From, amelie).Secret
			_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, link)
			wantCode(t, err, errcode.SameProvenance, "the link")
			_, err = env.Authn.RedeemTicketCode(t.Context(), env.From, transaction, code.Reveal())
			wantCode(t, err, errcode.SameProvenance, "the code")
			env.EmptyOutbox()
			must(t, env.Authn.ResendTicket(t.Context(), env.From, transaction), "resending")
			_, err = env.Authn.RedeemTicketLink(t.Context(), env.From, transaction, tokenOf(mailed[notice.DevicesReset](env)[0].Link))
			wantCode(t, err, errcode.SameProvenance, "another ticket")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			u, phone, _ := env.Member(amelie, nil)
			test.attack(t, env, u)
			for _, d := range env.User(string(u.ID)).Devices {
				if d.ID != phone.Device {
					t.Error("a device was enrolled")
				}
			}
		})
	}
}

// requestPasswordLink asks for a new password and returns for which user a help request would be opened.
func (env *testEnv) requestPasswordLink(req account.RequestInfo, login string) (stuck account.UserID, err error) {
	env.t.Helper()
	err = env.Authn.RequestPasswordLink(env.t.Context(), req, login, func(_ *account.Tx, u *account.User) error {
		stuck = u.ID
		return nil
	})
	return stuck, err
}

// mailedPasswordLink requests a password link and returns it from the notification.
func (env *testEnv) mailedPasswordLink() secret.Value {
	env.t.Helper()
	env.EmptyOutbox()
	stuck, err := env.requestPasswordLink(env.From, amelie)
	mails := mailed[notice.PasswordLink](env)
	if err != nil || stuck != "" || len(mails) != 1 {
		env.t.Fatalf("requesting a password link: %v, stuck %q, %d mails", err, stuck, len(mails))
	}
	return tokenOf(mails[0].Link)
}

// otherTransaction returns a transaction of another user who waits for a ticket.
func (env *testEnv) otherTransaction() secret.Value {
	env.t.Helper()
	other, _, _ := env.Member("mallory@garage.example", nil)
	env.reset(other.ID, account.ProvenanceEmail, account.TicketTTL)
	return env.password(env.From, "mallory@garage.example").Secret
}

// TestEnrol_PasswordAloneIsNotEnough tries an attacker who knows the password and reads no mail, in every order.
func TestEnrol_PasswordAloneIsNotEnough(t *testing.T) {
	tests := []struct {
		name   string
		attack func(*testing.T, *testEnv, account.User) secret.Value // the transaction that the attacker holds
		step   authn.Step
	}{
		{"after the reset", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return env.password(env.From, amelie).Secret
		}, authn.StepTicket},
		{"before the reset", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			transaction := env.password(env.From, amelie).Secret
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return transaction
		}, authn.StepTicket},
		{"while another transaction holds the ticket", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			link, _ := env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			owner, thief := env.password(env.From, amelie).Secret, env.password(env.fromAddress("198.51.100.9"), amelie).Secret
			_, err := env.Authn.RedeemTicketLink(t.Context(), env.From, owner, link)
			must(t, err, "presenting")
			env.BeginPhone(enrol.Flow{Transaction: owner}, "Sien")
			return thief
		}, authn.StepTicket},
		{"asking for another ticket", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			transaction := env.password(env.From, amelie).Secret
			must(t, env.Authn.ResendTicket(t.Context(), env.From, transaction), "resending")
			return transaction
		}, authn.StepTicket},
		{"after the device was disabled", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			env.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
			return env.password(env.From, amelie).Secret
		}, authn.StepBlocked},
		{"after the device was taken away", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			env.Change(u.ID, func(u *account.User) { u.Devices = nil; u.Epoch++ })
			return env.password(env.From, amelie).Secret
		}, authn.StepBlocked},
		{"after the policy left its kind out", func(t *testing.T, env *testEnv, u account.User) secret.Value {
			env.Accounts.Factors = env.Accounts.Factors[1:]
			return env.password(env.From, amelie).Secret
		}, authn.StepBlocked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			u, _, _ := env.Member(amelie, nil)
			transaction := test.attack(t, env, u)
			if got := env.step(transaction); got != test.step {
				t.Errorf("got step %q, want %q", got, test.step)
			}
			before := len(env.User(string(u.ID)).Devices)
			for _, kind := range env.Accounts.Factors {
				_, err := env.Enrolment.BeginEnrol(t.Context(), env.From, enrol.Flow{Transaction: transaction}, enrol.Request{Kind: kind.Kind()})
				wantCode(t, err, errcode.Forbidden, "enrolling "+string(kind.Kind()))
			}
			_, err := env.Enrolment.FinishEnrol(t.Context(), env.From, enrol.Flow{Transaction: transaction}, "", []byte("123456"))
			wantCode(t, err, errcode.Forbidden, "confirming nothing")
			_, err = env.Enrolment.Pending(t.Context(), enrol.Flow{Transaction: transaction})
			wantCode(t, err, errcode.Forbidden, "looking at a pending secret")
			_, err = env.Authn.Verify(t.Context(), env.From, transaction, factors.InputCode, []byte("123456"))
			wantCode(t, err, errcode.WrongState, "verifying")
			if got := len(env.User(string(u.ID)).Devices); got != before {
				t.Errorf("got %d devices, had %d", got, before)
			}
		})
	}
}
