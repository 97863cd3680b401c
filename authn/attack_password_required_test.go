package authn_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// TestReplacePassword_RequiresVerifiedDevice calls ReplacePassword with an expired password alone at every step, and with a
// transaction that was void meanwhile.
func TestReplacePassword_RequiresVerifiedDevice(t *testing.T) {
	tests := []struct {
		name string
		hold func(*testing.T, *testEnv, account.User, *authntest.Phone, secret.Value) secret.Value
		want errcode.Code
	}{
		{"before the second step", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			return env.password(env.From, amelie).Secret
		}, errcode.WrongState},
		{"after a wrong code", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			transaction := env.password(env.From, amelie).Secret
			env.verify(transaction, wrongCode(p))
			return transaction
		}, errcode.WrongState},
		{"waiting for a ticket", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return env.password(env.From, amelie).Secret
		}, errcode.WrongState},
		{"blocked", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			env.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
			return env.password(env.From, amelie).Secret
		}, errcode.WrongState},
		{"with a session in its place", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			return session
		}, errcode.Expired},
		{"after a reset", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			transaction := env.changeRequired(p)
			env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return transaction
		}, errcode.WrongState}, // at StepTicket
		{"after signing out everywhere", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			transaction := env.changeRequired(p)
			_, err := env.Sessions.RevokeOthers(t.Context(), env.From, session)
			must(t, err, "ending the others")
			return transaction
		}, errcode.Expired},
		{"after the password changed", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			transaction := env.changeRequired(p)
			env.stepUp(session, p)
			_, err := env.Authn.ChangePassword(t.Context(), env.From, session, authntest.Password, "dix clefs et un tournevis")
			must(t, err, "changing the password")
			return transaction
		}, errcode.Expired},
		{"after ten minutes", func(t *testing.T, env *testEnv, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			transaction := env.changeRequired(p)
			env.Clock.Advance(account.TransactionTTL)
			return transaction
		}, errcode.Expired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			u, p, session := env.Member(amelie, nil)
			env.expirePassword(u.ID)
			transaction := test.hold(t, env, u, p, session)
			before := env.User(string(u.ID)).Password.Hash
			_, err := env.Authn.ReplacePassword(t.Context(), env.From, transaction, another)
			wantCode(t, err, test.want, "choosing")
			if env.User(string(u.ID)).Password.Hash != before {
				t.Error("the password changed")
			}
		})
	}
}
