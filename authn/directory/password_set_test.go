package directory_test

import (
	"regexp"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/roster"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

const given = "un pneu, une jante, deux roues"

// renews verifies the phone and chooses the new password that the sign-in requires.
func (s *env) renews(t *testing.T, present, next string) {
	t.Helper()
	v, err := s.Authn.Verify(t.Context(), s.From, s.SubmitPassword(t, present).Secret, factors.InputCode, s.Phone.Next())
	if err != nil || v.Step != authn.StepChangePassword {
		t.Fatalf("got step %q, %v, want the choice of another password", v.Step, err)
	}
	if _, err := s.Authn.ReplacePassword(t.Context(), s.From, v.Secret, next); err != nil {
		t.Fatal(err)
	}
}

// sees requires the display status that administrators see.
func (s *env) sees(t *testing.T, want account.Status) {
	t.Helper()
	u, err := s.Directory.Admin.User(t.Context(), authntest.AsSuperAdmin, authntest.Technician)
	if err != nil || u.DisplayStatus != want {
		t.Errorf("got state %q, %v, want %q", u.DisplayStatus, err, want)
	}
	users, _, err := s.Directory.Users(t.Context(), authntest.Limited(authntest.AsHelpDesk, s.Lumiere), roster.UserQuery{Filter: func(u account.User) bool { return u.DisplayStatus == want }})
	if err != nil || len(users) != 1 || users[0].ID != s.Amelie.ID {
		t.Errorf("listing %q: got %d users, %v", want, len(users), err)
	}
}

func TestExpirePassword_RequiresChangeAtNextSignIn(t *testing.T) {
	s := newEnv(t)
	for range 2 { // a repeat changes nothing
		u, err := s.Directory.ExpirePassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician)
		if err != nil || u.DisplayStatus != account.StatusExpired || u.Password.Hash != "" {
			t.Fatalf("got %q, %v", u.DisplayStatus, err)
		}
	}
	s.sees(t, account.StatusExpired)
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("the session: %v, want it alive", err)
	}
	if events := s.Events(audit.PasswordExpired); len(events) != 2 || events[0].Actor.ID != authntest.AsSuperAdmin.ID {
		t.Errorf("got %+v", events)
	}
	s.renews(t, password, chosen)
	s.sees(t, account.StatusActive)
	s.WantSignedOut(t, s.Session)
}

func TestTemporaryPassword_NotifiesAndMustBeChanged(t *testing.T) {
	s := newEnv(t)
	p := authntest.WithSecrets(authntest.AsSuperAdmin)
	secret, err := s.Directory.TemporaryPassword(t.Context(), p, s.From, authntest.Technician)
	if err != nil || !regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$`).MatchString(secret.Reveal()) {
		t.Fatalf("got %q, %v, want four groups that are easy to say", secret.Reveal(), err)
	}
	other, err := s.Directory.TemporaryPassword(t.Context(), p, s.From, authntest.Technician)
	if err != nil || other.Equal(secret) {
		t.Fatalf("twice the same, %v", err)
	}
	s.WantSignedOut(t, s.Session)
	s.sees(t, account.StatusExpired)
	authntest.SameStrings(t, "mails", s.MailList(), []string{"password_set_by_admin to " + authntest.Technician, "password_set_by_admin to " + authntest.SecondEmail,
		"password_set_by_admin to " + authntest.Technician, "password_set_by_admin to " + authntest.SecondEmail})
	if m := s.Mails()[0].What.(notice.PasswordSetByAdmin); !m.Temporary || m.By != p.Name || m.Address != "" {
		t.Errorf("the mail: got %+v", m)
	}
	events := s.Events(audit.PasswordExpired)
	if len(events) != 2 || events[1].Detail["method"] != "temporary" || events[1].Detail["owner"] != p.Owner {
		t.Errorf("got events %+v", events)
	}
	for _, dead := range []string{password, secret.Reveal()} {
		_, err := s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, dead)
		authntest.WantCode(t, "an earlier password", err, errcode.SignInFailed)
	}
	if got := s.User(authntest.Technician).Password; got.Provenance != p.Owner || got.MustChange != account.ChangeTemporary {
		t.Errorf("got source %q, mark %q", got.Provenance, got.MustChange)
	}
	s.renews(t, other.Reveal(), chosen)
	if got := s.User(authntest.Technician).Password; got.Provenance != account.ProvenanceUser || got.MustChange != "" {
		t.Errorf("afterwards: got source %q, mark %q", got.Provenance, got.MustChange)
	}
}

func TestUpdateUser_SetsPassword(t *testing.T) {
	s := newEnv(t)
	p := authntest.WithSecrets(authntest.AsSuperAdmin)
	u, err := s.Directory.UpdateUser(t.Context(), p, s.From, authntest.Technician, directory.ProfileChange{Password: given})
	if err != nil || u.DisplayStatus != account.StatusActive {
		t.Fatalf("got %q, %v", u.DisplayStatus, err)
	}
	s.WantSignedOut(t, s.Session)
	authntest.SameStrings(t, "mails", s.MailList(), []string{"password_set_by_admin to " + authntest.Technician, "password_set_by_admin to " + authntest.SecondEmail})
	if events := s.Events(audit.PasswordUpdated); len(events) != 1 || events[0].Detail["method"] != "set" || events[0].Actor.ID != p.ID {
		t.Errorf("got events %+v", events)
	}
	s.SignIn(authntest.Technician, given, s.Phone)
	if got := s.User(authntest.Technician).Password.Provenance; got != p.Owner {
		t.Errorf("after the phone: got source %q: the operator knows it still", got)
	}
	for name, c := range map[string]directory.ProfileChange{"short": {Password: "abc"}, "about them": {Password: "amelie-durand"},
		"made of the name to come": {Password: "zoraide-lavigne", FirstName: text("Zoraïde"), LastName: text("Lavigne")}} {
		_, err := s.Directory.UpdateUser(t.Context(), p, s.From, authntest.Technician, c)
		authntest.WantCode(t, name, err, errcode.Invalid)
	}
}

func TestChangePassword_NeedsCurrentPassword(t *testing.T) {
	s := newEnv(t)
	change := func(current, next string) error {
		_, err := s.Directory.ChangePassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, current, next)
		return err
	}
	authntest.WantCode(t, "a bad new one", change(password, "abc"), errcode.Invalid)
	authntest.WantCode(t, "a wrong old one", change("pas le bon du tout", given), errcode.Invalid)
	if events := s.Events(audit.PasswordUpdated); len(events) != 1 || events[0].Outcome != audit.Failure || events[0].Actor.ID != authntest.AsSuperAdmin.ID {
		t.Errorf("got events %+v, want the wrong one", events)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil || len(s.Mails()) != 0 {
		t.Errorf("a wrong one ended the session or mailed: %v, %v", err, s.MailList())
	}
	epoch := s.User(authntest.Technician).PasswordEpoch
	if err := change(password, given); err != nil {
		t.Fatal(err)
	}
	got := s.User(authntest.Technician)
	if got.PasswordEpoch != epoch+1 || got.Password.Provenance != authntest.AsSuperAdmin.Owner || got.Password.MustChange != "" {
		t.Errorf("got epoch %d after %d, source %q", got.PasswordEpoch, epoch, got.Password.Provenance)
	}
	s.WantSignedOut(t, s.Session)
	authntest.SameStrings(t, "mails", s.MailList(), []string{"password_set_by_admin to " + authntest.Technician, "password_set_by_admin to " + authntest.SecondEmail})
	s.SignIn(authntest.Technician, given, s.Phone)
}

func TestPassword_Permissions(t *testing.T) {
	s := newEnv(t)
	userAdmin := authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin)
	const ok, no, hidden, state = errcode.Code(""), errcode.Forbidden, errcode.NotFound, errcode.WrongState
	for _, c := range []struct {
		name                 string
		op                   admin.Principal
		id                   account.UserID
		status               account.Status
		expire, change, give errcode.Code
	}{
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), s.Amelie.ID, account.StatusActive, no, no, no},
		{"support with secrets", authntest.WithSecrets(authntest.AsHelpDesk), s.Amelie.ID, account.StatusActive, no, no, no},
		{"an administrator without secrets", userAdmin, s.Amelie.ID, account.StatusActive, ok, ok, no},
		{"an administrator with secrets", authntest.WithSecrets(userAdmin), s.Amelie.ID, account.StatusActive, ok, ok, ok},
		{"the operator", authntest.AsOperator, s.Amelie.ID, account.StatusActive, ok, ok, ok},
		{"of one garage", authntest.Limited(authntest.WithSecrets(userAdmin), s.Lumiere), s.Amelie.ID, account.StatusActive, ok, ok, ok},
		{"of another garage", authntest.Limited(authntest.WithSecrets(userAdmin), s.Nord), s.Amelie.ID, account.StatusActive, hidden, hidden, hidden},
		{"an equal role", authntest.WithSecrets(authntest.AsSuperAdmin), s.Administrator.ID, account.StatusActive, no, no, no},
		{"oneself", admin.Principal{ID: "token:x", Owner: string(s.Amelie.ID), Role: account.RoleUserAdmin, CanSeeSecrets: true}, s.Amelie.ID, account.StatusActive, no, no, no},
		{"a staged user", authntest.AsOperator, s.Amelie.ID, account.StatusStaged, state, state, state},
		{"an invited user", authntest.AsOperator, s.Amelie.ID, account.StatusProvisioned, state, state, state},
		{"a suspended user", authntest.AsOperator, s.Amelie.ID, account.StatusSuspended, state, state, state},
		{"a deactivated user", authntest.AsOperator, s.Amelie.ID, account.StatusDeactivated, state, state, state},
	} {
		s.Clock.Advance(24 * time.Hour) // administrators may send a user five of these emails an hour
		s.Change(c.id, func(u *account.User) { u.Status = c.status })
		_, err := s.Directory.ExpirePassword(t.Context(), c.op, s.From, string(c.id))
		authntest.WantCode(t, c.name+": expire", err, c.expire)
		_, err = s.Directory.UpdateUser(t.Context(), c.op, s.From, string(c.id), directory.ProfileChange{Password: authntest.Password})
		authntest.WantCode(t, c.name+": set", err, c.give)
		if c.id == s.Amelie.ID {
			_, err = s.Directory.ChangePassword(t.Context(), c.op, s.From, string(c.id), authntest.Password, authntest.Password)
			authntest.WantCode(t, c.name+": change", err, c.change)
		}
		_, err = s.Directory.TemporaryPassword(t.Context(), c.op, s.From, string(c.id))
		authntest.WantCode(t, c.name+": temporary", err, c.give)
		s.amelieHas(t, authntest.Password)
	}
}

// amelieHas puts a password back, whatever the rules say.
func (s *env) amelieHas(t *testing.T, text string) {
	t.Helper()
	phc, err := s.Accounts.Hasher.Hash(t.Context(), false, text)
	if err != nil {
		t.Fatal(err)
	}
	s.Change(s.Amelie.ID, func(u *account.User) { u.Password = account.Password{Hash: phc, Provenance: account.ProvenanceUser} })
}

func TestDisplayStatus_FollowsPasswordAndLink(t *testing.T) {
	s := newEnv(t)
	s.sees(t, account.StatusActive)
	if _, err := s.Directory.ExpirePassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Directory.ResetPassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, true); err != nil {
		t.Fatal(err)
	}
	s.sees(t, account.StatusRecovery)
	for range 5 {
		_, err := s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, "pas le bon du tout")
		authntest.WantCode(t, "guessing", err, errcode.SignInFailed)
	}
	s.sees(t, account.StatusLocked)
	if err := s.Directory.Unlock(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	s.sees(t, account.StatusRecovery)
	s.Clock.Advance(account.PasswordLinkTTL)
	s.sees(t, account.StatusExpired)
	if _, err := s.Directory.ResetPassword(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Directory.RevokeSessions(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician, false); err != nil { // which ends the link
		t.Fatal(err)
	}
	s.sees(t, account.StatusExpired)
	if err := s.Directory.Suspend(t.Context(), authntest.AsSuperAdmin, s.From, authntest.Technician); err != nil {
		t.Fatal(err)
	}
	s.sees(t, account.StatusSuspended)
}
