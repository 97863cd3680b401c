package directory_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

// unverified makes the address of the technician one that nobody has shown to read.
func (s *env) unverified() {
	s.Change(s.Amelie.ID, func(u *account.User) { u.EmailProvenance = account.EmailProvenance{} })
	s.EmptyOutbox()
}

// wantVerified checks that an address is verified, or not.
func (s *env) wantVerified(t *testing.T, when, login string, want bool) {
	t.Helper()
	u := s.User(login)
	if got := u.EmailVerified(); got != want {
		t.Errorf("%s: got verified %t, want %t", when, got, want)
	}
}

func TestEmailVerified_ByInvitation(t *testing.T) {
	for _, mailed := range []bool{true, false} {
		s := newEnv(t)
		u, inv, err := s.Directory.CreateUser(t.Context(), authntest.AsOperator, s.From, directory.NewUser{Email: "nadia@garage.example"}, true, mailed)
		if err != nil {
			t.Fatal(err)
		}
		link := inv.Link.Reveal()
		if mailed {
			link = authntest.Mailed[notice.Invitation](t, s.Env, u.Email).Link
		}
		started, err := s.Authn.AcceptInvitation(t.Context(), s.From, authntest.LinkToken(link), password)
		if err != nil {
			t.Fatal(err)
		}
		s.wantVerified(t, "before the device", u.Login, false)
		s.Enrol(enrol.Flow{Transaction: started.Secret}, "Téléphone")
		s.wantVerified(t, "after the sign-in", u.Login, mailed)
	}
}

// TestAttack_InvitationMailedAfterUse accepts an invitation from a response, and has another mailed before the sign-in
// is complete. No one read the mailbox.
func TestAttack_InvitationMailedAfterUse(t *testing.T) {
	s := newEnv(t)
	u, inv, err := s.Directory.CreateUser(t.Context(), attacker, s.From, directory.NewUser{Email: "nadia@garage.example"}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	started, err := s.Authn.AcceptInvitation(t.Context(), s.From, authntest.LinkToken(inv.Link.Reveal()), password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Directory.Activate(t.Context(), attacker, s.From, string(u.ID), true); err != nil {
		t.Fatal(err)
	}
	s.Enrol(enrol.Flow{Transaction: started.Secret}, "Téléphone")
	s.wantVerified(t, "by the link of a response", u.Login, false)
	if got := s.User(u.Login).EmailProvenance.By; got != attacker.Owner {
		t.Errorf("the address: got provenance %q, want that of its author", got)
	}
}

func TestEmailVerified_ByTicket(t *testing.T) {
	no := false
	for _, c := range []struct {
		name    string
		request helpdesk.ResetRequest
		mailed  bool
		code    bool
	}{
		{"the mailed link", helpdesk.ResetRequest{}, true, false},
		{"the mailed code", helpdesk.ResetRequest{}, true, true},
		{"the link of a response", helpdesk.ResetRequest{SendEmail: &no}, false, false},
		{"the code of a response", helpdesk.ResetRequest{SendEmail: &no}, false, true},
		{"the code of a screen", helpdesk.ResetRequest{ShowCode: true}, false, true},
	} {
		s := newEnv(t)
		s.unverified()
		got := s.Reset(t, authntest.AsOperator, c.request)
		link, code := got.Link, got.Code
		if c.mailed {
			m := authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician)
			link, code = secret.From(m.Link), secret.From(m.Code)
		}
		started := s.SubmitPassword(t, password)
		var err error
		if c.code {
			_, err = s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, code.Reveal())
		} else {
			_, err = s.Authn.RedeemTicketLink(t.Context(), s.From, started.Secret, authntest.LinkToken(link.Reveal()))
		}
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		s.wantVerified(t, c.name+", before the device", authntest.Technician, false)
		s.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau")
		s.wantVerified(t, c.name, authntest.Technician, c.mailed)
	}
}

func TestEmailVerified_ByPasswordLinkUntilTheAddressChanges(t *testing.T) {
	s := newEnv(t)
	s.unverified()
	link, err := s.Directory.ResetPassword(t.Context(), authntest.WithSecrets(authntest.AsSuperAdmin), s.From, authntest.Technician, false)
	if err != nil {
		t.Fatal(err)
	}
	s.takes(t, link)
	s.wantVerified(t, "by the link of a response", authntest.Technician, false)
	s.EmptyOutbox()
	if _, err := s.Directory.ResetPassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, true); err != nil {
		t.Fatal(err)
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, authntest.LinkToken(authntest.Mailed[notice.PasswordLink](t, s.Env, "").Link), "a word of the user, 77")
	if err != nil {
		t.Fatal(err)
	}
	s.wantVerified(t, "before the device", authntest.Technician, false)
	if out, err := s.VerifyCode(t.Context(), started.Secret, s.Phone.Next()); err != nil || out.Credentials.Session.IsZero() {
		t.Fatalf("got %+v, %v", out, err)
	}
	s.wantVerified(t, "by the mailed link", authntest.Technician, true)
	name, next := "Zoë", "other@garage.example"
	for _, c := range []struct {
		change directory.ProfileChange
		login  string
		want   bool
	}{
		{directory.ProfileChange{FirstName: &name}, authntest.Technician, true},
		{directory.ProfileChange{Email: &next}, authntest.Technician, false},
	} {
		if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, c.change); err != nil {
			t.Fatal(err)
		}
		s.wantVerified(t, "after a change of the profile", c.login, c.want)
	}
	if _, _, err := s.Directory.CreateUser(t.Context(), authntest.AsOperator, s.From, directory.NewUser{Email: next}, false, false); err == nil {
		t.Error("a second account has the address")
	}
}

func TestEmailVerified_OnlyWithTheSessionIfThePasswordMustChange(t *testing.T) {
	s := newEnv(t)
	s.unverified()
	if _, err := s.Directory.ExpirePassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	s.Reset(t, authntest.AsOperator, helpdesk.ResetRequest{})
	started := s.SubmitPassword(t, password)
	ticket := authntest.LinkToken(authntest.Mailed[notice.DevicesReset](t, s.Env, authntest.Technician).Link)
	if _, err := s.Authn.RedeemTicketLink(t.Context(), s.From, started.Secret, ticket); err != nil {
		t.Fatal(err)
	}
	_, done := s.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau")
	s.wantVerified(t, "before the new password", authntest.Technician, false)
	if _, err := s.Authn.ReplacePassword(t.Context(), s.From, done.Secret, "a word of the user, 77"); err != nil {
		t.Fatal(err)
	}
	s.wantVerified(t, "after it", authntest.Technician, true)
}

func TestEmailVerified_ByTheLinkOfAnImport(t *testing.T) {
	s := newEnv(t)
	if _, err := s.importUser(t.Context(), authntest.AsOperator, directory.NewUser{Login: "luc@garage.example", OTPAuthURI: foreignKey(foreignSecret)}, true, false); err != nil {
		t.Fatal(err)
	}
	link := authntest.LinkToken(authntest.Mailed[notice.Welcome](t, s.Env, "luc@garage.example").Link)
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, link, password)
	if err != nil {
		t.Fatal(err)
	}
	s.wantVerified(t, "before the device", "luc@garage.example", false)
	if out, err := s.VerifyCode(t.Context(), started.Secret, (&authntest.Phone{Env: s.Env, Secret: foreignSecret}).Next()); err != nil || out.Credentials.Session.IsZero() {
		t.Fatalf("got %+v, %v", out, err)
	}
	s.wantVerified(t, "after the sign-in", "luc@garage.example", true)
}
