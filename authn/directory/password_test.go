package directory_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

const chosen = "a longer word than that, 42"

// takes chooses a password by a link, which counts once it is confirmed with the phone.
func (s *env) takes(t *testing.T, link secret.Value) {
	t.Helper()
	if _, err := s.Authn.StartWithPassword(t.Context(), s.From, authntest.Technician, password); err != nil {
		t.Errorf("the password of before: %v, want it good until the new one is confirmed", err)
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, authntest.LinkToken(link.Reveal()), chosen)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Authn.Verify(t.Context(), s.From, started.Secret, factors.InputCode, s.Phone.Next())
	if err != nil || out.Credentials.Session.IsZero() {
		t.Fatalf("confirming: got %+v, %v", out, err)
	}
	if s.SubmitPassword(t, chosen).Step != authn.StepVerify {
		t.Error("the new password does not count")
	}
	s.WantSignedOut(t, s.Session)
}

func TestResetPassword_SendsEmail(t *testing.T) {
	s := newEnv(t)
	link, err := s.Directory.ResetPassword(t.Context(), authntest.AsHelpDesk, s.From, authntest.Technician, true)
	if err != nil || !link.IsZero() {
		t.Fatalf("got %q, %v, want it mailed only", link.Reveal(), err)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"password_link to " + authntest.Technician})
	m := authntest.Mailed[notice.PasswordLink](t, s.Env, authntest.Technician)
	if m.Address != "" || m.Browser != "" {
		t.Errorf("the mail tells of the operator's own browser: %+v", m.Context)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.Session); err != nil {
		t.Errorf("the mail alone ended the session: %v", err)
	}
	events := s.Events(audit.PasswordReset)
	if len(events) != 1 || events[0].Actor.ID != authntest.AsHelpDesk.ID || events[0].Detail["method"] != "email" {
		t.Errorf("got events %+v, want one", events)
	}
	s.takes(t, secret.From(m.Link))
}

func TestResetPassword_ReturnsLinkAndNotifies(t *testing.T) {
	s := newEnv(t)
	link, err := s.Directory.ResetPassword(t.Context(), authntest.WithSecrets(authntest.AsSuperAdmin), s.From, authntest.Technician, false)
	if err != nil || link.IsZero() {
		t.Fatalf("got %v", err)
	}
	authntest.SameStrings(t, "mails", s.MailList(), []string{"password_link_shown to " + authntest.Technician, "password_link_shown to " + authntest.SecondEmail})
	if events := s.Events(audit.PasswordReset); len(events) != 1 || events[0].Detail["method"] != "response" {
		t.Errorf("got events %+v, want one", events)
	}
	s.takes(t, link)
}

func TestResetPassword_Permissions(t *testing.T) {
	s := newEnv(t)
	userAdmin := authntest.WithRole(authntest.AsSuperAdmin, account.RoleUserAdmin)
	never := s.CreateUser("never@garage.example", nil)
	s.Change(never.ID, func(u *account.User) { u.Status = account.StatusActive })
	const ok, no, hidden, state = errcode.Code(""), errcode.Forbidden, errcode.NotFound, errcode.WrongState
	for _, c := range []struct {
		name         string
		op           admin.Principal
		id           account.UserID
		status       account.Status
		mail, answer errcode.Code
	}{
		{"a reader", authntest.WithRole(authntest.AsSuperAdmin, account.RoleReadOnly), s.Amelie.ID, account.StatusActive, no, no},
		{"support with secrets", authntest.WithSecrets(authntest.AsHelpDesk), s.Amelie.ID, account.StatusActive, ok, no},
		{"an administrator without secrets", userAdmin, s.Amelie.ID, account.StatusActive, ok, no},
		{"an administrator with secrets", authntest.WithSecrets(userAdmin), s.Amelie.ID, account.StatusActive, ok, ok},
		{"the operator", authntest.AsOperator, s.Amelie.ID, account.StatusActive, ok, ok},
		{"a manager", authntest.Limited(authntest.AsHelpDesk, s.Lumiere), s.Amelie.ID, account.StatusActive, ok, no},
		{"a manager of another garage", authntest.Limited(authntest.AsHelpDesk, s.Nord), s.Amelie.ID, account.StatusActive, hidden, hidden},
		{"an equal role", authntest.AsSuperAdmin, s.Administrator.ID, account.StatusActive, no, no},
		{"a staged user", authntest.AsOperator, s.Amelie.ID, account.StatusStaged, state, state},
		{"an invited user", authntest.AsOperator, s.Amelie.ID, account.StatusProvisioned, state, state},
		{"a suspended user", authntest.AsOperator, s.Amelie.ID, account.StatusSuspended, state, state},
		{"a deactivated user", authntest.AsOperator, s.Amelie.ID, account.StatusDeactivated, state, state},
		{"a user without a device", authntest.AsOperator, never.ID, account.StatusActive, state, state}, // protocol rule 8
	} {
		s.Change(c.id, func(u *account.User) { u.Status = c.status })
		_, err := s.Directory.ResetPassword(t.Context(), c.op, s.From, string(c.id), true)
		authntest.WantCode(t, c.name+": mail", err, c.mail)
		_, err = s.Directory.ResetPassword(t.Context(), c.op, s.From, string(c.id), false)
		authntest.WantCode(t, c.name+": answer", err, c.answer)
	}
}
