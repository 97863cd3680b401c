package directory_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

const theirs = "mallory@elsewhere.example" // a mailbox of the administrator

// An administrator with every permission has two tokens.
var (
	attacker = authntest.WithSecrets(admin.Principal{ID: "token:m1", Name: "mallory", Owner: "umallory", Role: account.RoleSuperAdmin})
	again    = authntest.WithSecrets(admin.Principal{ID: "token:m2", Name: "mallory's scripts", Owner: "umallory", Role: account.RoleSuperAdmin})
)

// half is the part of an account that someone obtained.
type half struct {
	password string
	link     secret.Value // of a ticket
	code     secret.Value
}

func (s *env) sets(t *testing.T, p admin.Principal) string {
	t.Helper()
	if _, err := s.Directory.UpdateUser(t.Context(), p, s.From, string(s.Amelie.ID), directory.ProfileChange{Password: given}); err != nil {
		t.Fatal(err)
	}
	return given
}

func (s *env) makes(t *testing.T, p admin.Principal) string {
	t.Helper()
	secret, err := s.Directory.TemporaryPassword(t.Context(), p, s.From, string(s.Amelie.ID))
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

func (s *env) moves(t *testing.T, p admin.Principal, to string) {
	t.Helper()
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(p), s.From, string(s.Amelie.ID), directory.ProfileChange{Email: &to}); err != nil {
		t.Fatal(err)
	}
}

func (s *env) answers(t *testing.T, p admin.Principal, password string) half {
	t.Helper()
	result := s.resets(t, p, helpdesk.ResetRequest{SendEmail: new(false)})
	return half{password, authntest.LinkToken(result.Link.Reveal()), result.Code}
}

// mails resets by mail and reads the mailbox at an address.
func (s *env) mails(t *testing.T, p admin.Principal, to, password string) half {
	t.Helper()
	s.EmptyOutbox()
	s.resets(t, p, helpdesk.ResetRequest{SendEmail: new(true)})
	m := authntest.Mailed[notice.DevicesReset](t, s.Env, to)
	return half{password, authntest.LinkToken(m.Link), secret.From(m.Code)}
}

func (s *env) resets(t *testing.T, p admin.Principal, r helpdesk.ResetRequest) helpdesk.ResetResult {
	t.Helper()
	result, err := s.Directory.HelpDesk.Reset(t.Context(), p, s.From, string(s.Amelie.ID), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// TestAttack_OneAdministratorObtainsPasswordAndTicket: one administrator with every permission obtains the password of
// a user with a device, and a ticket, by every method and in both orders.
func TestAttack_OneAdministratorObtainsPasswordAndTicket(t *testing.T) {
	type road struct {
		name string
		walk func(*testing.T, *env) half
	}
	const rest = account.AddressCooldown + time.Second
	for _, road := range []road{
		{"sets a password, has the ticket in the answer", func(t *testing.T, s *env) half { return s.answers(t, attacker, s.sets(t, attacker)) }},
		{"has the ticket in the answer, sets a password", func(t *testing.T, s *env) half {
			h := s.answers(t, attacker, "")
			h.password = s.sets(t, attacker)
			return h
		}},
		{"by two tokens of theirs", func(t *testing.T, s *env) half { return s.answers(t, again, s.sets(t, attacker)) }},
		{"makes a temporary password", func(t *testing.T, s *env) half { return s.answers(t, attacker, s.makes(t, attacker)) }},
		{"waits until the user has signed in with the password", func(t *testing.T, s *env) half {
			password := s.sets(t, attacker)
			s.SignIn(authntest.Technician, password, s.Phone)
			return s.answers(t, attacker, password)
		}},
		{"waits until the user has closed the page that asks for another", func(t *testing.T, s *env) half {
			password := s.makes(t, attacker)
			if v, err := s.Authn.Verify(t.Context(), s.From, s.SubmitPassword(t, password).Secret, factors.InputCode, s.Phone.Next()); err != nil || v.Step != authn.StepChangePassword {
				t.Fatalf("got %q, %v", v.Step, err)
			}
			return s.answers(t, attacker, password)
		}},
		{"changes one that they saw typed", func(t *testing.T, s *env) half {
			if _, err := s.Directory.ChangePassword(t.Context(), attacker, s.From, authntest.Technician, password, given); err != nil {
				t.Fatal(err)
			}
			return s.answers(t, attacker, given)
		}},
		{"washes a temporary password by changing it", func(t *testing.T, s *env) half {
			if _, err := s.Directory.ChangePassword(t.Context(), again, s.From, authntest.Technician, s.makes(t, attacker), given); err != nil {
				t.Fatal(err)
			}
			return s.answers(t, attacker, given)
		}},
		{"chooses by a link in the answer, which the user confirms", func(t *testing.T, s *env) half {
			link, err := s.Directory.ResetPassword(t.Context(), attacker, s.From, authntest.Technician, false)
			if err != nil {
				t.Fatal(err)
			}
			s.takes(t, link)
			return s.answers(t, attacker, chosen)
		}},
		{"moves the address, waits, sets a password, has another operator mail the ticket", func(t *testing.T, s *env) half {
			s.moves(t, attacker, theirs)
			s.Clock.Advance(rest)
			return s.mails(t, authntest.AsHelpDesk, theirs, s.sets(t, attacker))
		}},
		{"has another operator mail the ticket to the moved address, sets a password afterwards", func(t *testing.T, s *env) half {
			s.moves(t, attacker, theirs)
			s.Clock.Advance(rest)
			h := s.mails(t, authntest.AsHelpDesk, theirs, "")
			h.password = s.sets(t, attacker)
			return h
		}},
		{"has another operator mail the ticket to the moved address", func(t *testing.T, s *env) half {
			s.moves(t, attacker, theirs)
			s.Clock.Advance(rest)
			return s.mails(t, authntest.AsHelpDesk, theirs, s.makes(t, attacker))
		}},
		{"moves the address in the call that sets the password", func(t *testing.T, s *env) half {
			to := theirs
			if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(attacker), s.From, authntest.Technician, directory.ProfileChange{Email: &to, Password: given}); err != nil {
				t.Fatal(err)
			}
			s.Clock.Advance(rest)
			return s.mails(t, authntest.AsHelpDesk, theirs, given)
		}},
		{"makes the user's link go to the moved address", func(t *testing.T, s *env) half {
			s.moves(t, attacker, theirs)
			s.EmptyOutbox()
			if err := s.Directory.HelpDesk.RequestPasswordLink(t.Context(), s.From, theirs); err != nil {
				t.Fatal(err)
			}
			s.takesAt(t, authntest.Mailed[notice.PasswordLink](t, s.Env, theirs).Link)
			s.Clock.Advance(rest)
			return s.mails(t, attacker, theirs, s.sets(t, attacker))
		}},
		{"shows a code on screen", func(t *testing.T, s *env) half {
			at := authntest.AsOperator
			result := s.resets(t, at, helpdesk.ResetRequest{ShowCode: true})
			return half{s.sets(t, at), secret.Value{}, result.Code}
		}},
	} {
		t.Run(road.name, func(t *testing.T) {
			s := newEnv(t)
			h := road.walk(t, s)
			started := s.started(t, h.password)
			if started.Step != authn.StepTicket {
				t.Fatalf("got step %q: the road is not walked to its end", started.Step)
			}
			if !h.link.IsZero() {
				_, err := s.Authn.RedeemTicketLink(t.Context(), s.From, started.Secret, h.link)
				authntest.WantCode(t, "the link", err, errcode.SameProvenance)
			}
			_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, h.code.Reveal())
			authntest.WantCode(t, "the code", err, errcode.SameProvenance)
			if got := s.User(string(s.Amelie.ID)); len(got.Devices)+len(got.Sessions) != 0 {
				t.Errorf("got %d devices and %d sessions", len(got.Devices), len(got.Sessions))
			}
		})
	}
}

// started proves a password of the technician's, whatever their address is now.
func (s *env) started(t *testing.T, password string) authn.TransactionRef {
	t.Helper()
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, s.User(string(s.Amelie.ID)).Login, password)
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// takesAt chooses a password by a mailed link and confirms it with the phone.
func (s *env) takesAt(t *testing.T, link string) {
	t.Helper()
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, authntest.LinkToken(link), chosen)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.Authn.Verify(t.Context(), s.From, started.Secret, factors.InputCode, s.Phone.Next()); err != nil || v.Step != authn.StepDone {
		t.Fatalf("got %q, %v", v.Step, err)
	}
}

// TestSignIn_AcceptsTwoProvenances: password and ticket of two provenances sign the user in.
func TestSignIn_AcceptsTwoProvenances(t *testing.T) {
	for _, c := range []struct {
		name string
		walk func(*testing.T, *env) half
	}{
		{"a temporary password, and the mailbox that was theirs before", func(t *testing.T, s *env) half {
			return s.mails(t, attacker, authntest.Technician, s.makes(t, attacker))
		}},
		{"a temporary password from one operator, the ticket from another", func(t *testing.T, s *env) half {
			return s.answers(t, authntest.WithSecrets(authntest.AsSuperAdmin), s.makes(t, attacker))
		}},
		{"their own password, and an address that an operator corrected", func(t *testing.T, s *env) half {
			s.moves(t, attacker, "amelie@new.example")
			s.Clock.Advance(account.AddressCooldown)
			return s.mails(t, authntest.AsHelpDesk, "amelie@new.example", password)
		}},
		{"a password chosen by a link to the corrected address", func(t *testing.T, s *env) half {
			s.moves(t, attacker, "amelie@new.example")
			s.EmptyOutbox()
			if err := s.Directory.HelpDesk.RequestPasswordLink(t.Context(), s.From, "amelie@new.example"); err != nil {
				t.Fatal(err)
			}
			s.takesAt(t, authntest.Mailed[notice.PasswordLink](t, s.Env, "amelie@new.example").Link)
			return s.answers(t, attacker, chosen)
		}},
		{"the operator for a user whose address the operator set", func(t *testing.T, s *env) half {
			s.moves(t, authntest.AsOperator, "amelie@new.example")
			s.Clock.Advance(account.AddressCooldown)
			return s.mails(t, authntest.AsOperator, "amelie@new.example", s.makes(t, authntest.AsOperator))
		}},
		{"a temporary password that the user has changed", func(t *testing.T, s *env) half {
			s.renews(t, s.makes(t, attacker), chosen)
			return s.answers(t, attacker, chosen)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newEnv(t)
			h := c.walk(t, s)
			if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, s.started(t, h.password).Secret, h.code.Reveal()); err != nil || step != authn.StepEnrol {
				t.Errorf("got %q, %v", step, err)
			}
		})
	}
}

// TestAttack_TicketToChangedAddress: an administrator who knows the password of a user changes their address and sends
// the ticket there. It is refused for 72 hours, and the old address is notified.
func TestAttack_TicketToChangedAddress(t *testing.T) {
	s := newEnv(t)
	s.moves(t, attacker, theirs)
	notified := authntest.Mailed[notice.AddressChanged](t, s.Env, authntest.Technician)
	if notified.By != attacker.Name {
		t.Errorf("the address of before was notified of %q", notified.By)
	}
	for _, r := range []helpdesk.ResetRequest{{}, {SendEmail: new(true)}} {
		for _, p := range []admin.Principal{attacker, authntest.AsHelpDesk, authntest.AsOperator} {
			_, err := s.Directory.HelpDesk.Reset(t.Context(), p, s.From, string(s.Amelie.ID), r)
			authntest.WantCode(t, p.ID, err, errcode.WrongState)
		}
	}
	if got := s.User(string(s.Amelie.ID)); len(got.Devices) != 1 {
		t.Fatal("a refused reset took the phone")
	}
	s.answers(t, support2, password) // which is no mail
	login := s.started(t, password).Secret
	if st, err := s.Authn.Transaction(t.Context(), login); err != nil || st.CanResendTicket {
		t.Errorf("another ticket by mail is offered: %v, %v", st.CanResendTicket, err)
	}
	authntest.WantCode(t, "asking for another ticket", s.Authn.ResendTicket(t.Context(), s.From, login), errcode.WrongState)
	s.Clock.Advance(account.AddressCooldown)
	if st, err := s.Authn.Transaction(t.Context(), s.started(t, password).Secret); err != nil || st.CanResendTicket {
		t.Errorf("after 72 hours, to an address that is not yet the user's own: %v, %v", st.CanResendTicket, err)
	}
}

var support2 = authntest.WithSecrets(admin.Principal{ID: "token:s2", Name: "the other desk", Owner: "uother", Role: account.RoleUserAdmin})

// TestInvitation_ConfirmsInitialAddress: the provenance of an initial address is its author, until the user accepts an
// invitation that was sent there.
func TestInvitation_ConfirmsInitialAddress(t *testing.T) {
	for _, mailedTo := range []bool{true, false} {
		s := newEnv(t)
		u, inv, err := s.Directory.CreateUser(t.Context(), attacker, s.From, directory.NewUser{Email: "nadia@garage.example"}, true, mailedTo)
		if err != nil || s.User(string(u.ID)).EmailProvenance.By != attacker.Owner {
			t.Fatalf("got %+v, %v", s.User(string(u.ID)).EmailProvenance, err)
		}
		link := inv.Link.Reveal()
		if mailedTo {
			link = authntest.Mailed[notice.Invitation](t, s.Env, "nadia@garage.example").Link
		}
		s.Accept(authntest.LinkToken(link), password)
		if got := s.User(string(u.ID)).EmailProvenance.By; (got == "") != mailedTo {
			t.Errorf("invited by mail: %v, and afterwards the address has provenance %q", mailedTo, got)
		}
	}
}

// TestAttack_ChangePasswordAvoidsSignInLimits: a caller with a token guesses passwords by change_password, where a
// sign-in would have to wait.
func TestAttack_ChangePasswordAvoidsSignInLimits(t *testing.T) {
	s := newEnv(t)
	guess := func(text string) error {
		_, err := s.Directory.ChangePassword(t.Context(), attacker, s.From, authntest.Technician, text, given)
		return err
	}
	for range 3 {
		authntest.WantCode(t, "by the program", guess("pas le bon du tout"), errcode.Invalid)
	}
	for range 2 {
		_, err := s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, "pas le bon du tout")
		authntest.WantCode(t, "by the page", err, errcode.SignInFailed)
	}
	authntest.WantCode(t, "the sixth, and right", guess(password), errcode.RateLimited)
	_, err := s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, password)
	authntest.WantCode(t, "on the page", err, errcode.RateLimited)
	s.Clock.Advance(30 * time.Second)
	if err := guess(password); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	for range 20 { // and the limit of where it comes from
		_ = guess("encore un autre mot faux")
		if err := s.Directory.Unlock(t.Context(), authntest.AsOperator, s.From, authntest.Technician); err != nil {
			t.Fatal(err)
		}
	}
	authntest.WantCode(t, "twenty failures a minute from one address", guess(given), errcode.RateLimited)
}
