package helpdesk_test

import (
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

const chosen = "a longer word than that, 42"

// takes chooses a password by a link, which counts once it is confirmed with the phone.
func (s *shop) takes(t *testing.T, link secret.Value) {
	t.Helper()
	if _, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, password, ""); err != nil {
		t.Errorf("the password of before: %v, want it good until the new one is confirmed", err)
	}
	started, err := s.Authn.StartWithPasswordLink(t.Context(), s.From, tokenOf(link.Reveal()), chosen)
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.Authn.Verify(t.Context(), s.From, started.Secret, factors.InputCode, s.phone.Next())
	if err != nil || out.Credentials.Session.IsZero() {
		t.Fatalf("confirming: got %+v, %v", out, err)
	}
	if s.signIn(t, chosen).Step != authn.StepVerify {
		t.Error("the new password does not count")
	}
	s.dead(t, s.session)
}

func TestSupportStartsAPasswordMailAndNoMore(t *testing.T) {
	s := openShop(t)
	link, err := s.Directory.ResetPassword(t.Context(), support, s.From, technician, true)
	if err != nil || !link.IsZero() {
		t.Fatalf("got %q, %v, want it mailed only", link.Reveal(), err)
	}
	sameStrings(t, "mails", s.letters(), []string{"password_link to " + technician})
	m := mailed[notice.PasswordLink](t, s, technician)
	if m.Address != "" || m.Browser != "" {
		t.Errorf("the mail tells of the operator's own browser: %+v", m.Context)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil {
		t.Errorf("the mail alone ended the session: %v", err)
	}
	events := s.Events(audit.PasswordReset)
	if len(events) != 1 || events[0].Actor.ID != support.ID || events[0].Detail["way"] != "mail" {
		t.Errorf("got events %+v, want one", events)
	}
	s.takes(t, secret.From(m.Link))
}

func TestAPasswordLinkInTheAnswerIsToldToThePerson(t *testing.T) {
	s := openShop(t)
	link, err := s.Directory.ResetPassword(t.Context(), withSecrets(root), s.From, technician, false)
	if err != nil || link.IsZero() {
		t.Fatalf("got %v", err)
	}
	sameStrings(t, "mails", s.letters(), []string{"password_link_given to " + technician, "password_link_given to " + second})
	if events := s.Events(audit.PasswordReset); len(events) != 1 || events[0].Detail["way"] != "answer" {
		t.Errorf("got events %+v, want one", events)
	}
	s.takes(t, link)
}

func TestForWhomThereIsAPasswordLink(t *testing.T) {
	s := openShop(t)
	userAdmin := withRole(root, account.RoleUserAdmin)
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
		{"who reads only", withRole(root, account.RoleReadOnly), s.amelie.ID, account.StatusActive, no, no},
		{"support with secrets", withSecrets(support), s.amelie.ID, account.StatusActive, ok, no},
		{"an administrator without secrets", userAdmin, s.amelie.ID, account.StatusActive, ok, no},
		{"an administrator with secrets", withSecrets(userAdmin), s.amelie.ID, account.StatusActive, ok, ok},
		{"the machine's owner", machine, s.amelie.ID, account.StatusActive, ok, ok},
		{"a manager", limited(support, s.garage), s.amelie.ID, account.StatusActive, ok, no},
		{"a manager of another garage", limited(support, s.other), s.amelie.ID, account.StatusActive, hidden, hidden},
		{"an equal role", root, s.admin.ID, account.StatusActive, no, no},
		{"somebody staged", machine, s.amelie.ID, account.StatusStaged, state, state},
		{"somebody invited", machine, s.amelie.ID, account.StatusProvisioned, state, state},
		{"somebody suspended", machine, s.amelie.ID, account.StatusSuspended, state, state},
		{"somebody deactivated", machine, s.amelie.ID, account.StatusDeactivated, state, state},
		{"somebody without a device", machine, never.ID, account.StatusActive, state, state}, // PROTOCOL 8
	} {
		s.Change(c.id, func(u *account.User) { u.Status = c.status })
		_, err := s.Directory.ResetPassword(t.Context(), c.op, s.From, string(c.id), true)
		wantCode(t, c.name+": mail", err, c.mail)
		_, err = s.Directory.ResetPassword(t.Context(), c.op, s.From, string(c.id), false)
		wantCode(t, c.name+": answer", err, c.answer)
	}
}
