package authn_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// TestAPasswordIsChosenWithoutADevice: whoever knows a marked password alone goes to the page that asks for another,
// at every step that a login can stand at, and keeps one that came so far while something moves.
func TestAPasswordIsChosenWithoutADevice(t *testing.T) {
	tests := []struct {
		name string
		hold func(*testing.T, *house, account.User, *authntest.Phone, secret.Value) secret.Value
		want errcode.Code
	}{
		{"before the second step", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			return h.password(h.From, amelie).Secret
		}, errcode.WrongState},
		{"after a wrong code", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			login := h.password(h.From, amelie).Secret
			h.verify(login, wrong(p))
			return login
		}, errcode.WrongState},
		{"waiting for a ticket", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return h.password(h.From, amelie).Secret
		}, errcode.WrongState},
		{"blocked", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			h.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
			return h.password(h.From, amelie).Secret
		}, errcode.WrongState},
		{"with a session in its place", func(t *testing.T, h *house, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			return session
		}, errcode.Expired},
		{"after a reset", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			login := h.due(p)
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return login
		}, errcode.WrongState}, // the field for the ticket
		{"after signing out everywhere", func(t *testing.T, h *house, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			login := h.due(p)
			_, err := h.Sessions.RevokeOthers(t.Context(), h.From, session)
			do(t, err, "ending the others")
			return login
		}, errcode.Expired},
		{"after the password changed", func(t *testing.T, h *house, u account.User, p *authntest.Phone, session secret.Value) secret.Value {
			login := h.due(p)
			h.prove(session, p)
			_, err := h.Authn.ChangePassword(t.Context(), h.From, session, authntest.Password, "dix clefs et un tournevis")
			do(t, err, "changing the password")
			return login
		}, errcode.Expired},
		{"after ten minutes", func(t *testing.T, h *house, u account.User, p *authntest.Phone, _ secret.Value) secret.Value {
			login := h.due(p)
			h.Clock.Advance(account.TransactionTTL)
			return login
		}, errcode.Expired},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			u, p, session := h.Member(amelie, nil)
			h.expire(u.ID)
			login := test.hold(t, h, u, p, session)
			before := h.User(string(u.ID)).Password.Hash
			_, err := h.Authn.ReplacePassword(t.Context(), h.From, login, another)
			refused(t, err, test.want, "choosing")
			if h.User(string(u.ID)).Password.Hash != before {
				t.Error("the password changed")
			}
		})
	}
}
