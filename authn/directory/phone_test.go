package directory_test

import (
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/helpdesk"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

// TestAttack_NumberOfANewUserIsYoung: a colleague who was invented a minute ago, or imported, is not called back.
func TestAttack_NumberOfANewUserIsYoung(t *testing.T) {
	s := newEnv(t)
	n := directory.NewUser{Login: "new@garage.example", MobilePhone: "+44 20 7946 0958", Groups: []account.GroupID{s.Lumiere}}
	if _, _, err := s.Directory.CreateUser(t.Context(), authntest.AsHelpDesk, s.From, n, true, true); err != nil {
		t.Fatal(err)
	}
	n.Login = "imported@garage.example"
	got, err := s.Directory.Import(t.Context(), authntest.AsOperator, s.From, []directory.ImportRow{{NewUser: n}}, true, false)
	if err != nil || len(got[0].Faults) > 0 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for login, by := range map[string]string{"new@garage.example": authntest.AsHelpDesk.Owner, "imported@garage.example": ""} {
		u := s.User(login)
		if p := u.MobilePhone; p.Number != "+442079460958" || p.By != by || !p.Young(s.Clock.Now()) || p.Young(s.Clock.Now().Add(account.AddressCooldown)) {
			t.Errorf("%s: got %+v", login, p)
		}
	}
}

// TestAttack_ImportSetsANumber: an import that names an existing user writes no number.
func TestAttack_ImportSetsANumber(t *testing.T) {
	s := newEnv(t)
	rows := []directory.ImportRow{{NewUser: directory.NewUser{Login: authntest.Technician, MobilePhone: "+44 20 7946 0958"}}}
	got, err := s.Directory.Import(t.Context(), authntest.AsOperator, s.From, rows, true, false)
	if err != nil || !got[0].Exists {
		t.Fatalf("got %+v, %v", got, err)
	}
	if u := s.User(authntest.Technician); u.MobilePhone != s.Amelie.MobilePhone {
		t.Errorf("got %+v, want the number on file", u.MobilePhone)
	}
}

// TestAttack_NumberChangedInCoolOff: the number of a reset user changes by the operator only.
func TestAttack_NumberChangedInCoolOff(t *testing.T) {
	s := newEnv(t)
	s.ResetAndEnrol(t, authntest.Technician)
	for name, number := range map[string]string{"another": "+442079460958", "none": ""} {
		_, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{MobilePhone: &number})
		authntest.WantCode(t, name, err, errcode.WrongState)
		if !errcode.HasReason(err, errcode.ReasonUserCoolOff) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	_, err := s.Directory.UpdateUser(t.Context(), authntest.AsOperator, s.From, authntest.Technician, directory.ProfileChange{MobilePhone: text("+442079460958")})
	authntest.WantCode(t, "by the operator", err, "")
}

// TestAttack_AddressAndNumberChangedTogether: the mail to the former address names both.
func TestAttack_AddressAndNumberChangedTogether(t *testing.T) {
	s := newEnv(t)
	_, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician,
		directory.ProfileChange{Email: text("x@garage.example"), MobilePhone: text("+442079460958")})
	if err != nil {
		t.Fatal(err)
	}
	if m := authntest.Mailed[notice.AddressChanged](t, s.Env, authntest.Technician); !m.Numbers {
		t.Errorf("got %+v, want the number named", m)
	}
	if e := s.Events(audit.AddressUpdated); len(e) != 1 || e[0].Detail["changed"] != "email mobilePhone" || e[0].Detail["mobilePhone"] != "…0958" {
		t.Errorf("got %+v", e)
	}
	u := s.User(authntest.Technician)
	if !u.MobilePhone.Young(s.Clock.Now()) {
		t.Error("the number is not young")
	}
}

// TestUpdateUser_NumberIsMailedAndYoung: a manager of the garage may write a number. Another spelling of the same number changes nothing.
func TestUpdateUser_NumberIsMailedAndYoung(t *testing.T) {
	s := newEnv(t)
	manager := authntest.Limited(authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin), s.Lumiere)
	for _, same := range []string{"+33 6 12 34 56 78", "+33.6.12.34.56.78"} {
		if _, err := s.Directory.UpdateUser(t.Context(), manager, s.From, authntest.Technician, directory.ProfileChange{MobilePhone: &same}); err != nil {
			t.Fatal(err)
		}
	}
	if u := s.User(authntest.Technician); u.MobilePhone != s.Amelie.MobilePhone || len(s.Mails()) != 0 || len(s.Events(audit.PhoneUpdated)) != 0 {
		t.Errorf("got %+v and %v, want nothing changed", u.MobilePhone, s.MailList())
	}
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(manager), s.From, authntest.Technician, directory.ProfileChange{PrimaryPhone: text("+33 1 40 50 60 70")}); err != nil {
		t.Fatal(err)
	}
	if m := authntest.Mailed[notice.PhoneChanged](t, s.Env, authntest.SecondEmail); m.By != manager.Name || m.Freeze == "" {
		t.Errorf("got %+v", m)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("the session: %v", err)
	}
	u := s.User(authntest.Technician)
	changes := u.RecentSecurityChanges(s.Clock.Now())
	if len(changes) == 0 || changes[len(changes)-1].What != audit.PhoneUpdated {
		t.Errorf("the recent changes are %+v", changes)
	}
	if all := helpdesk.Numbers(&u, s.Clock.Now()); len(all) != 2 || all[0].Young || !all[1].Young || all[1].Number != "+33140506070" {
		t.Errorf("got %+v", all)
	}
	s.Clock.Advance(account.AddressCooldown - time.Second)
	if !u.PrimaryPhone.Young(s.Clock.Now()) || u.PrimaryPhone.Young(s.Clock.Now().Add(time.Second)) {
		t.Error("the number is not young for 72 hours")
	}
}

func TestUsers_RejectNumbersThatAreNotInternational(t *testing.T) {
	s := newEnv(t)
	for _, number := range []string{"06 12 34 56 78", "0033612345678", "+33 (0)6 12 34 56 78", "none"} {
		for _, field := range []string{"primaryPhone", "mobilePhone"} {
			c, n := directory.ProfileChange{PrimaryPhone: &number}, directory.NewUser{Login: "new@garage.example", PrimaryPhone: number}
			if field == "mobilePhone" {
				c, n = directory.ProfileChange{MobilePhone: &number}, directory.NewUser{Login: "new@garage.example", MobilePhone: number}
			}
			_, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, c)
			authntest.WantCode(t, number+" for a user", err, errcode.Invalid)
			_, _, err = s.Directory.CreateUser(t.Context(), authntest.AsSuperAdmin, s.From, n, true, true)
			authntest.WantCode(t, number+" for a new user", err, errcode.Invalid)
			got, err := s.Directory.Import(t.Context(), authntest.AsSuperAdmin, s.From, []directory.ImportRow{{NewUser: n}}, true, true)
			if err != nil || len(got[0].Faults) != 1 || got[0].Faults[0].Field != field || got[0].Faults[0].Reason != "phone" {
				t.Errorf("importing %s: got %+v, %v", number, got, err)
			}
		}
	}
	_, err := s.Directory.UpdateUser(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, directory.ProfileChange{MobilePhone: text("+442079460958")})
	authntest.WantCode(t, "by the help desk", err, errcode.Forbidden)
	if _, err := s.Directory.UpdateUser(t.Context(), authntest.Approved(authntest.AsSuperAdmin), s.From, authntest.Technician, directory.ProfileChange{Replace: true, Login: text(authntest.Technician), Email: text(authntest.Technician)}); err != nil {
		t.Fatal(err)
	}
	if u := s.User(authntest.Technician); u.MobilePhone != (account.Phone{}) {
		t.Errorf("after a replacement: got %+v", u.MobilePhone)
	}
}
