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

// TestTheMailboxAloneEnrolsNothing: whoever reads all mail and knows nothing else, in every order.
func TestTheMailboxAloneEnrolsNothing(t *testing.T) {
	const mine = "sept chevaux dans un garage"
	tests := []struct {
		name   string
		attack func(*testing.T, *house, account.User)
	}{
		{"a password is forgotten after the reset", func(t *testing.T, h *house, u account.User) {
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			h.EmptyOutbox()
			stuck, err := h.forgets(h.From, amelie)
			if err != nil || stuck != u.ID || len(h.Mails()) != 0 {
				t.Errorf("got %q, %v and %d mails, want a help request and no mail", stuck, err, len(h.Mails()))
			}
		}},
		{"the link came before the reset, the choice after", func(t *testing.T, h *house, u account.User) {
			link := h.forgot()
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, link, mine)
			refused(t, err, errcode.InvalidLink, "choosing")
		}},
		{"the choice came before the reset, the ticket after", func(t *testing.T, h *house, u account.User) {
			started, err := h.Authn.StartWithPasswordLink(t.Context(), h.From, h.forgot(), mine)
			do(t, err, "choosing")
			if started.Step != authn.StepVerify {
				t.Fatalf("got step %q", started.Step)
			}
			link, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, started.Secret, link)
			refused(t, err, errcode.Expired, "presenting the link")
			_, err = h.Authn.RedeemTicketCode(t.Context(), h.From, started.Secret, code.Reveal())
			refused(t, err, errcode.Expired, "presenting the code")
			if _, err = h.Authn.StartWithPassword(t.Context(), h.From, amelie, mine, ""); errcode.Of(err) != errcode.SignInFailed {
				t.Errorf("the chosen password took effect: %v", err)
			}
		}},
		{"a ticket is no login, session, invitation or password link", func(t *testing.T, h *house, u account.User) {
			link, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err := h.Authn.Transaction(t.Context(), link)
			refused(t, err, errcode.Expired, "as a login")
			_, err = h.Sessions.Authenticate(t.Context(), link)
			refused(t, err, errcode.NoSession, "as a session")
			_, err = h.Authn.AcceptInvitation(t.Context(), h.From, link, mine)
			refused(t, err, errcode.InvalidLink, "as an invitation")
			_, err = h.Authn.StartWithPasswordLink(t.Context(), h.From, link, mine)
			refused(t, err, errcode.InvalidLink, "as a password link")
			_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, secret.Value{}, link)
			refused(t, err, errcode.Expired, "without a login")
			_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, h.foreignLogin(), link)
			refused(t, err, errcode.InvalidLink, "in the login of another person")
		}},
		{"the invitation is opened again", func(t *testing.T, h *house, u account.User) {
			nadia := h.CreateUser("nadia@garage.example", nil)
			token := h.Invite(nadia.ID)
			_, issued := h.Accept(token, authntest.Password)
			_, err := h.Authn.AcceptInvitation(t.Context(), h.From, token, mine)
			refused(t, err, errcode.InvalidLink, "accepting twice")
			h.reset(nadia.ID, account.ProvenanceEmail, account.TicketTTL)
			_, err = h.Authn.AcceptInvitation(t.Context(), h.From, token, mine)
			refused(t, err, errcode.InvalidLink, "accepting after a reset")
			if h.alive(issued.Session) {
				t.Error("the session outlived the reset")
			}
		}},
		{"the password came by mail too", func(t *testing.T, h *house, u account.User) {
			h.Change(u.ID, func(u *account.User) { u.Password.Provenance = account.ProvenanceEmail })
			link, code := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			login := h.password(h.From, amelie).Secret
			_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, login, link)
			refused(t, err, errcode.SameProvenance, "the link")
			_, err = h.Authn.RedeemTicketCode(t.Context(), h.From, login, code.Reveal())
			refused(t, err, errcode.SameProvenance, "the code")
			h.EmptyOutbox()
			do(t, h.Authn.ResendTicket(t.Context(), h.From, login), "renewing")
			_, err = h.Authn.RedeemTicketLink(t.Context(), h.From, login, tokenOf(mailed[notice.DevicesReset](h)[0].Link))
			refused(t, err, errcode.SameProvenance, "a renewed ticket")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			u, phone, _ := h.Member(amelie, nil)
			test.attack(t, h, u)
			for _, d := range h.User(string(u.ID)).Devices {
				if d.ID != phone.Device {
					t.Error("a device was enrolled")
				}
			}
		})
	}
}

// forgets asks for a new password and tells for whom a help request would be opened.
func (h *house) forgets(req account.RequestInfo, who string) (stuck account.UserID, err error) {
	h.t.Helper()
	err = h.Authn.RequestPasswordLink(h.t.Context(), req, who, func(_ *account.Tx, u *account.User) error {
		stuck = u.ID
		return nil
	})
	return stuck, err
}

// forgot asks for a password link and reads it from the mailbox.
func (h *house) forgot() secret.Value {
	h.t.Helper()
	h.EmptyOutbox()
	stuck, err := h.forgets(h.From, amelie)
	mails := mailed[notice.PasswordLink](h)
	if err != nil || stuck != "" || len(mails) != 1 {
		h.t.Fatalf("forgetting a password: %v, stuck %q, %d mails", err, stuck, len(mails))
	}
	return tokenOf(mails[0].Link)
}

// foreignLogin is a login of somebody else who waits for a ticket, proven by their own password.
func (h *house) foreignLogin() secret.Value {
	h.t.Helper()
	other, _, _ := h.Member("mallory@garage.example", nil)
	h.reset(other.ID, account.ProvenanceEmail, account.TicketTTL)
	return h.password(h.From, "mallory@garage.example").Secret
}

// TestThePasswordAloneEnrolsNothing: whoever knows the password and reads no mail, in every order.
func TestThePasswordAloneEnrolsNothing(t *testing.T) {
	tests := []struct {
		name   string
		attack func(*testing.T, *house, account.User) secret.Value // the login that the attacker holds
		step   authn.Step
	}{
		{"after the reset", func(t *testing.T, h *house, u account.User) secret.Value {
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return h.password(h.From, amelie).Secret
		}, authn.StepTicket},
		{"before the reset", func(t *testing.T, h *house, u account.User) secret.Value {
			login := h.password(h.From, amelie).Secret
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			return login
		}, authn.StepTicket},
		{"while the ticket waits elsewhere", func(t *testing.T, h *house, u account.User) secret.Value {
			link, _ := h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			owner, thief := h.password(h.From, amelie).Secret, h.password(h.at("198.51.100.9"), amelie).Secret
			_, err := h.Authn.RedeemTicketLink(t.Context(), h.From, owner, link)
			do(t, err, "presenting")
			h.BeginPhone(enrol.Flow{Transaction: owner}, "Sien")
			return thief
		}, authn.StepTicket},
		{"asking for another ticket", func(t *testing.T, h *house, u account.User) secret.Value {
			h.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
			login := h.password(h.From, amelie).Secret
			do(t, h.Authn.ResendTicket(t.Context(), h.From, login), "renewing")
			return login
		}, authn.StepTicket},
		{"after the device was disabled", func(t *testing.T, h *house, u account.User) secret.Value {
			h.Change(u.ID, func(u *account.User) { u.Devices[0].Disabled = "clone" })
			return h.password(h.From, amelie).Secret
		}, authn.StepBlocked},
		{"after the device was taken away", func(t *testing.T, h *house, u account.User) secret.Value {
			h.Change(u.ID, func(u *account.User) { u.Devices = nil; u.Epoch++ })
			return h.password(h.From, amelie).Secret
		}, authn.StepBlocked},
		{"after the policy left its kind out", func(t *testing.T, h *house, u account.User) secret.Value {
			h.Accounts.Factors = h.Accounts.Factors[1:]
			return h.password(h.From, amelie).Secret
		}, authn.StepBlocked},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			u, _, _ := h.Member(amelie, nil)
			login := test.attack(t, h, u)
			if got := h.step(login); got != test.step {
				t.Errorf("got step %q, want %q", got, test.step)
			}
			before := len(h.User(string(u.ID)).Devices)
			for _, kind := range h.Accounts.Factors {
				_, err := h.Enrolment.BeginEnrol(t.Context(), h.From, enrol.Flow{Transaction: login}, enrol.Request{Kind: kind.Kind()})
				refused(t, err, errcode.Forbidden, "enrolling "+string(kind.Kind()))
			}
			_, err := h.Enrolment.FinishEnrol(t.Context(), h.From, enrol.Flow{Transaction: login}, "", []byte("123456"))
			refused(t, err, errcode.Forbidden, "confirming nothing")
			_, err = h.Enrolment.Pending(t.Context(), enrol.Flow{Transaction: login})
			refused(t, err, errcode.Forbidden, "looking at a pending secret")
			_, err = h.Authn.Verify(t.Context(), h.From, login, factors.InputCode, []byte("123456"))
			refused(t, err, errcode.WrongState, "verifying")
			if got := len(h.User(string(u.ID)).Devices); got != before {
				t.Errorf("got %d devices, had %d", got, before)
			}
		})
	}
}
