package helpdesk_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

const theirs = "mallory@elsewhere.example" // a mailbox of the operator's

// thief is one operator with every allowance, by two of their tokens.
var (
	thief = withSecrets(admin.Principal{ID: "token:m1", Name: "mallory", Owner: "umallory", Role: account.RoleSuperAdmin})
	again = withSecrets(admin.Principal{ID: "token:m2", Name: "mallory's scripts", Owner: "umallory", Role: account.RoleSuperAdmin})
)

// half is what somebody holds of an account.
type half struct {
	password string
	link     secret.Value // of a ticket
	code     secret.Value
}

func (s *shop) sets(t *testing.T, op admin.Principal) string {
	t.Helper()
	if _, err := s.Directory.UpdateUser(t.Context(), op, s.From, string(s.amelie.ID), directory.ProfileChange{Password: given}); err != nil {
		t.Fatal(err)
	}
	return given
}

func (s *shop) makes(t *testing.T, op admin.Principal) string {
	t.Helper()
	secret, err := s.Directory.TemporaryPassword(t.Context(), op, s.From, string(s.amelie.ID))
	if err != nil {
		t.Fatal(err)
	}
	return secret.Reveal()
}

func (s *shop) moves(t *testing.T, op admin.Principal, to string) {
	t.Helper()
	if _, err := s.Directory.UpdateUser(t.Context(), op, s.From, string(s.amelie.ID), directory.ProfileChange{Email: &to}); err != nil {
		t.Fatal(err)
	}
}

func (s *shop) answers(t *testing.T, op admin.Principal, password string) half {
	t.Helper()
	rec := s.resets(t, op, helpdesk.ResetRequest{SendEmail: new(false)})
	return half{password, tokenOf(rec.Link.Reveal()), rec.Code}
}

// mails resets by mail and reads the mailbox at an address.
func (s *shop) mails(t *testing.T, op admin.Principal, to, password string) half {
	t.Helper()
	s.EmptyOutbox()
	s.resets(t, op, helpdesk.ResetRequest{SendEmail: new(true)})
	m := mailed[notice.DevicesReset](t, s, to)
	return half{password, tokenOf(m.Link), secret.From(m.Code)}
}

func (s *shop) resets(t *testing.T, op admin.Principal, r helpdesk.ResetRequest) helpdesk.ResetResult {
	t.Helper()
	rec, err := s.Directory.HelpDesk.Reset(t.Context(), op, s.From, string(s.amelie.ID), r)
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestOneOperatorObtainsBothHalves: an operator with every allowance gets at the password of somebody who has one and a
// device, and at a ticket, by every road that there is and in either order.
func TestOneOperatorObtainsBothHalves(t *testing.T) {
	type road struct {
		name string
		walk func(*testing.T, *shop) half
	}
	const rest = account.AddressCooldown + time.Second
	for _, road := range []road{
		{"sets a password, has the ticket in the answer", func(t *testing.T, s *shop) half { return s.answers(t, thief, s.sets(t, thief)) }},
		{"has the ticket in the answer, sets a password", func(t *testing.T, s *shop) half {
			h := s.answers(t, thief, "")
			h.password = s.sets(t, thief)
			return h
		}},
		{"by two tokens of theirs", func(t *testing.T, s *shop) half { return s.answers(t, again, s.sets(t, thief)) }},
		{"makes a temporary password", func(t *testing.T, s *shop) half { return s.answers(t, thief, s.makes(t, thief)) }},
		{"waits until the person has signed in with the password", func(t *testing.T, s *shop) half {
			password := s.sets(t, thief)
			s.SignIn(technician, password, s.phone)
			return s.answers(t, thief, password)
		}},
		{"waits until the person has closed the page that asks for another", func(t *testing.T, s *shop) half {
			password := s.makes(t, thief)
			if v, err := s.Authn.Verify(t.Context(), s.From, s.signIn(t, password).Secret, factors.InputCode, s.phone.Next()); err != nil || v.Step != authn.StepChangePassword {
				t.Fatalf("got %q, %v", v.Step, err)
			}
			return s.answers(t, thief, password)
		}},
		{"changes one that they saw typed", func(t *testing.T, s *shop) half {
			if _, err := s.Directory.ChangePassword(t.Context(), thief, s.From, technician, password, given); err != nil {
				t.Fatal(err)
			}
			return s.answers(t, thief, given)
		}},
		{"washes a temporary password by changing it", func(t *testing.T, s *shop) half {
			if _, err := s.Directory.ChangePassword(t.Context(), again, s.From, technician, s.makes(t, thief), given); err != nil {
				t.Fatal(err)
			}
			return s.answers(t, thief, given)
		}},
		{"chooses by a link in the answer, which the person confirms", func(t *testing.T, s *shop) half {
			link, err := s.Directory.ResetPassword(t.Context(), thief, s.From, technician, false)
			if err != nil {
				t.Fatal(err)
			}
			s.takes(t, link)
			return s.answers(t, thief, chosen)
		}},
		{"moves the address, waits, sets a password, mails the ticket", func(t *testing.T, s *shop) half {
			s.moves(t, thief, theirs)
			s.Clock.Advance(rest)
			return s.mails(t, thief, theirs, s.sets(t, thief))
		}},
		{"mails the ticket to the moved address, sets a password afterwards", func(t *testing.T, s *shop) half {
			s.moves(t, thief, theirs)
			s.Clock.Advance(rest)
			h := s.mails(t, thief, theirs, "")
			h.password = s.sets(t, thief)
			return h
		}},
		{"has another operator mail the ticket to the moved address", func(t *testing.T, s *shop) half {
			s.moves(t, thief, theirs)
			s.Clock.Advance(rest)
			return s.mails(t, support, theirs, s.makes(t, thief))
		}},
		{"moves the address in the call that sets the password", func(t *testing.T, s *shop) half {
			to := theirs
			if _, err := s.Directory.UpdateUser(t.Context(), thief, s.From, technician, directory.ProfileChange{Email: &to, Password: given}); err != nil {
				t.Fatal(err)
			}
			s.Clock.Advance(rest)
			return s.mails(t, thief, theirs, given)
		}},
		{"makes the person's link go to the moved address", func(t *testing.T, s *shop) half {
			s.moves(t, thief, theirs)
			s.EmptyOutbox()
			if err := s.Directory.HelpDesk.Forgot(t.Context(), s.From, theirs); err != nil {
				t.Fatal(err)
			}
			s.takesAt(t, mailed[notice.PasswordLink](t, s, theirs).Link)
			s.Clock.Advance(rest)
			return s.mails(t, thief, theirs, s.sets(t, thief))
		}},
		{"hands a code over at the machine", func(t *testing.T, s *shop) half {
			at := machine
			rec := s.resets(t, at, helpdesk.ResetRequest{ShowCode: true})
			return half{s.sets(t, at), secret.Value{}, rec.Code}
		}},
		{"has a ticket renewed by mail", func(t *testing.T, s *shop) half {
			s.moves(t, thief, theirs)
			s.Clock.Advance(rest)
			password := s.sets(t, thief)
			s.mails(t, thief, theirs, password)
			s.EmptyOutbox()
			if err := s.Authn.ResendTicket(t.Context(), s.From, s.started(t, password).Secret); err != nil {
				t.Fatal(err)
			}
			m := mailed[notice.DevicesReset](t, s, theirs)
			return half{password, tokenOf(m.Link), secret.From(m.Code)}
		}},
	} {
		t.Run(road.name, func(t *testing.T) {
			s := openShop(t)
			h := road.walk(t, s)
			started := s.started(t, h.password)
			if started.Step != authn.StepTicket {
				t.Fatalf("got step %q: the road is not walked to its end", started.Step)
			}
			if !h.link.IsZero() {
				_, err := s.Authn.RedeemTicketLink(t.Context(), s.From, started.Secret, h.link)
				wantCode(t, "the link", err, errcode.SameProvenance)
			}
			_, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, h.code.Reveal())
			wantCode(t, "the code", err, errcode.SameProvenance)
			if got := s.User(string(s.amelie.ID)); len(got.Devices)+len(got.Sessions) != 0 {
				t.Errorf("got %d devices and %d sessions", len(got.Devices), len(got.Sessions))
			}
		})
	}
}

// started proves a password of the technician's, whatever their address is now.
func (s *shop) started(t *testing.T, password string) authn.TransactionRef {
	t.Helper()
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, s.User(string(s.amelie.ID)).Login, password, "")
	if err != nil {
		t.Fatal(err)
	}
	return started
}

// takesAt chooses a password by a mailed link and confirms it with the phone.
func (s *shop) takesAt(t *testing.T, link string) {
	t.Helper()
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, tokenOf(link), chosen)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := s.Authn.Verify(t.Context(), s.From, started.Secret, factors.InputCode, s.phone.Next()); err != nil || v.Step != authn.StepDone {
		t.Fatalf("got %q, %v", v.Step, err)
	}
}

// What two hands bring lets the person in: the rule keeps nobody out who has somebody to ask.
func TestTwoHandsLetThePersonIn(t *testing.T) {
	for _, c := range []struct {
		name string
		walk func(*testing.T, *shop) half
	}{
		{"a temporary password, and the mailbox that was theirs before", func(t *testing.T, s *shop) half {
			return s.mails(t, thief, technician, s.makes(t, thief))
		}},
		{"a temporary password from one operator, the ticket from another", func(t *testing.T, s *shop) half {
			return s.answers(t, withSecrets(root), s.makes(t, thief))
		}},
		{"their own password, and an address that an operator corrected", func(t *testing.T, s *shop) half {
			s.moves(t, thief, "amelie@new.example")
			s.Clock.Advance(account.AddressCooldown)
			return s.mails(t, thief, "amelie@new.example", password)
		}},
		{"a password chosen by a link to the corrected address", func(t *testing.T, s *shop) half {
			s.moves(t, thief, "amelie@new.example")
			s.EmptyOutbox()
			if err := s.Directory.HelpDesk.Forgot(t.Context(), s.From, "amelie@new.example"); err != nil {
				t.Fatal(err)
			}
			s.takesAt(t, mailed[notice.PasswordLink](t, s, "amelie@new.example").Link)
			return s.answers(t, thief, chosen)
		}},
		{"the machine's owner for somebody whose address they wrote, who has the mailbox", func(t *testing.T, s *shop) half {
			s.moves(t, machine, "amelie@new.example")
			s.Clock.Advance(account.AddressCooldown)
			return s.mails(t, machine, "amelie@new.example", s.makes(t, machine))
		}},
		{"a temporary password that the person has changed", func(t *testing.T, s *shop) half {
			s.renews(t, s.makes(t, thief), chosen)
			return s.answers(t, thief, chosen)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openShop(t)
			h := c.walk(t, s)
			if step, err := s.Authn.RedeemTicketCode(t.Context(), s.From, s.started(t, h.password).Secret, h.code.Reveal()); err != nil || step != authn.StepEnrol {
				t.Errorf("got %q, %v", step, err)
			}
		})
	}
}

// TestATicketIsMailedToAnAddressJustMoved: an operator who saw somebody's own password typed moves their address and
// has the ticket mailed there. For 72 hours that is refused, while the address of before is told.
func TestATicketIsMailedToAnAddressJustMoved(t *testing.T) {
	s := openShop(t)
	s.moves(t, thief, theirs)
	told := mailed[notice.AddressChanged](t, s, technician)
	if told.By != thief.Name {
		t.Errorf("the address of before was told of %q", told.By)
	}
	for _, r := range []helpdesk.ResetRequest{{}, {SendEmail: new(true)}} {
		for _, op := range []admin.Principal{thief, support, machine} {
			_, err := s.Directory.HelpDesk.Reset(t.Context(), op, s.From, string(s.amelie.ID), r)
			wantCode(t, op.ID, err, errcode.WrongState)
		}
	}
	if got := s.User(string(s.amelie.ID)); len(got.Devices) != 1 {
		t.Fatal("a refused reset took the phone")
	}
	s.answers(t, support2, password) // which is no mail
	login := s.started(t, password).Secret
	if st, err := s.Authn.Transaction(t.Context(), login); err != nil || st.CanResendTicket {
		t.Errorf("another ticket by mail is offered: %v, %v", st.CanResendTicket, err)
	}
	wantCode(t, "asking for another ticket", s.Authn.ResendTicket(t.Context(), s.From, login), errcode.WrongState)
	s.Clock.Advance(account.AddressCooldown)
	if st, err := s.Authn.Transaction(t.Context(), s.started(t, password).Secret); err != nil || !st.CanResendTicket {
		t.Errorf("after 72 hours: %v, %v", st.CanResendTicket, err)
	}
}

var support2 = withSecrets(admin.Principal{ID: "token:s2", Name: "the other desk", Owner: "uother", Role: account.RoleUserAdmin})

// An address counts as the hand of whoever wrote it from the beginning, until somebody was reached there.
func TestTheAddressOfTheBeginningIsProvenByTheMailedInvitation(t *testing.T) {
	for _, mailedTo := range []bool{true, false} {
		s := openShop(t)
		u, inv, err := s.Directory.CreateUser(t.Context(), thief, s.From, directory.NewUser{Email: "nadia@garage.example"}, true, mailedTo)
		if err != nil || s.User(string(u.ID)).EmailProvenance.By != thief.Owner {
			t.Fatalf("got %+v, %v", s.User(string(u.ID)).EmailProvenance, err)
		}
		link := inv.Link.Reveal()
		if mailedTo {
			link = mailed[notice.Invitation](t, s, "nadia@garage.example").Link
		}
		s.Accept(tokenOf(link), password)
		if got := s.User(string(u.ID)).EmailProvenance.By; (got == "") != mailedTo {
			t.Errorf("invited by mail: %v, and afterwards the address is the hand of %q", mailedTo, got)
		}
	}
}

// TestAProgramGuessesAPasswordBesideTheSignIn: whoever has a token and no password tries some by change_password, where
// a sign-in would have to wait.
func TestAProgramGuessesAPasswordBesideTheSignIn(t *testing.T) {
	s := openShop(t)
	guess := func(text string) error {
		_, err := s.Directory.ChangePassword(t.Context(), thief, s.From, technician, text, given)
		return err
	}
	for range 3 {
		wantCode(t, "by the program", guess("pas le bon du tout"), errcode.Invalid)
	}
	for range 2 {
		_, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, "pas le bon du tout", "")
		wantCode(t, "by the page", err, errcode.SignInFailed)
	}
	wantCode(t, "the sixth, and right", guess(password), errcode.RateLimited)
	_, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, password, "")
	wantCode(t, "on the page", err, errcode.RateLimited)
	s.Clock.Advance(30 * time.Second)
	if err := guess(password); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	for range 20 { // and the limit of where it comes from
		_ = guess("encore un autre mot faux")
		if err := s.Directory.Unlock(t.Context(), machine, s.From, technician); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, "twenty failures a minute from one address", guess(given), errcode.RateLimited)
}
