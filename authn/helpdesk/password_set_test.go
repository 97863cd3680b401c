package helpdesk_test

import (
	"regexp"
	"testing"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
)

const given = "un pneu, une jante, deux roues"

// renews takes the second step with the phone and chooses a password that is asked for.
func (s *shop) renews(t *testing.T, present, next string) {
	t.Helper()
	v, err := s.Authn.Verify(t.Context(), s.From, s.signIn(t, present).Secret, factors.InputCode, s.phone.Next())
	if err != nil || v.Step != authn.StepChangePassword {
		t.Fatalf("got step %q, %v, want the choice of another password", v.Step, err)
	}
	if _, err := s.Authn.ReplacePassword(t.Context(), s.From, v.Secret, next); err != nil {
		t.Fatal(err)
	}
}

// sees is the state that an operator is told.
func (s *shop) sees(t *testing.T, want account.Status) {
	t.Helper()
	u, err := s.Directory.Admin.User(t.Context(), root, technician)
	if err != nil || u.DisplayStatus != want {
		t.Errorf("got state %q, %v, want %q", u.DisplayStatus, err, want)
	}
	people, _, err := s.Directory.Users(t.Context(), limited(support, s.garage), account.UserQuery{Filter: func(u account.User) bool { return u.DisplayStatus == want }})
	if err != nil || len(people) != 1 || people[0].ID != s.amelie.ID {
		t.Errorf("listing %q: got %d people, %v", want, len(people), err)
	}
}

func TestAnExpiredPasswordIsChangedAtTheNextSignIn(t *testing.T) {
	s := openShop(t)
	for range 2 { // a repeat changes nothing
		u, err := s.Directory.ExpirePassword(t.Context(), root, s.From, technician)
		if err != nil || u.DisplayStatus != account.StatusExpired || u.Password.Hash != "" {
			t.Fatalf("got %q, %v", u.DisplayStatus, err)
		}
	}
	s.sees(t, account.StatusExpired)
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil {
		t.Errorf("the session: %v, want it alive", err)
	}
	if events := s.Events(audit.PasswordExpired); len(events) != 2 || events[0].Actor.ID != root.ID {
		t.Errorf("got %+v", events)
	}
	s.renews(t, password, chosen)
	s.sees(t, account.StatusActive)
	s.dead(t, s.session)
}

func TestATemporaryPasswordIsToldToThePersonAndUsedOnce(t *testing.T) {
	s := openShop(t)
	op := withSecrets(root)
	secret, err := s.Directory.TemporaryPassword(t.Context(), op, s.From, technician)
	if err != nil || !regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$`).MatchString(secret.Reveal()) {
		t.Fatalf("got %q, %v, want four groups that are easy to say", secret.Reveal(), err)
	}
	other, err := s.Directory.TemporaryPassword(t.Context(), op, s.From, technician)
	if err != nil || other.Equal(secret) {
		t.Fatalf("twice the same, %v", err)
	}
	s.dead(t, s.session)
	s.sees(t, account.StatusExpired)
	sameStrings(t, "mails", s.letters(), []string{"password_given to " + technician, "password_given to " + second,
		"password_given to " + technician, "password_given to " + second})
	if m := s.Mails()[0].What.(notice.PasswordSetByAdmin); !m.Temporary || m.By != op.Name || m.Address != "" {
		t.Errorf("the mail: got %+v", m)
	}
	events := s.Events(audit.PasswordExpired)
	if len(events) != 2 || events[1].Detail["way"] != "temporary" || events[1].Detail["owner"] != op.Owner {
		t.Errorf("got events %+v", events)
	}
	for _, dead := range []string{password, secret.Reveal()} {
		_, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, dead, "")
		wantCode(t, "an earlier password", err, errcode.SignInFailed)
	}
	if got := s.User(technician).Password; got.Provenance != op.Owner || got.MustChange != account.ChangeTemporary {
		t.Errorf("got source %q, mark %q", got.Provenance, got.MustChange)
	}
	s.renews(t, other.Reveal(), chosen)
	if got := s.User(technician).Password; got.Provenance != account.ProvenanceUser || got.MustChange != "" {
		t.Errorf("afterwards: got source %q, mark %q", got.Provenance, got.MustChange)
	}
}

func TestAnOperatorSetsAPassword(t *testing.T) {
	s := openShop(t)
	op := withSecrets(root)
	u, err := s.Directory.UpdateUser(t.Context(), op, s.From, technician, directory.ProfileChange{Password: given})
	if err != nil || u.DisplayStatus != account.StatusActive {
		t.Fatalf("got %q, %v", u.DisplayStatus, err)
	}
	s.dead(t, s.session)
	sameStrings(t, "mails", s.letters(), []string{"password_given to " + technician, "password_given to " + second})
	if events := s.Events(audit.PasswordUpdated); len(events) != 1 || events[0].Detail["way"] != "set" || events[0].Actor.ID != op.ID {
		t.Errorf("got events %+v", events)
	}
	s.SignIn(technician, given, s.phone)
	if got := s.User(technician).Password.Provenance; got != op.Owner {
		t.Errorf("after the phone: got source %q: the operator knows it still", got)
	}
	for name, c := range map[string]directory.ProfileChange{"short": {Password: "abc"}, "about them": {Password: "amelie-durand"},
		"made of the name to come": {Password: "zoraide-lavigne", FirstName: text("Zoraïde"), LastName: text("Lavigne")}} {
		_, err := s.Directory.UpdateUser(t.Context(), op, s.From, technician, c)
		wantCode(t, name, err, errcode.Invalid)
	}
}

func TestAProgramChangesAPasswordThatItKnows(t *testing.T) {
	s := openShop(t)
	change := func(current, next string) error {
		_, err := s.Directory.ChangePassword(t.Context(), root, s.From, technician, current, next)
		return err
	}
	wantCode(t, "a bad new one", change(password, "abc"), errcode.Invalid)
	wantCode(t, "a wrong old one", change("pas le bon du tout", given), errcode.Invalid)
	if events := s.Events(audit.PasswordUpdated); len(events) != 1 || events[0].Outcome != audit.Failure || events[0].Actor.ID != root.ID {
		t.Errorf("got events %+v, want the wrong one", events)
	}
	if _, err := s.Sessions.Authenticate(t.Context(), s.session); err != nil || len(s.Mails()) != 0 {
		t.Errorf("a wrong one ended the session or mailed: %v, %v", err, s.letters())
	}
	epoch := s.User(technician).PasswordEpoch
	if err := change(password, given); err != nil {
		t.Fatal(err)
	}
	got := s.User(technician)
	if got.PasswordEpoch != epoch+1 || got.Password.Provenance != root.Owner || got.Password.MustChange != "" {
		t.Errorf("got epoch %d after %d, source %q", got.PasswordEpoch, epoch, got.Password.Provenance)
	}
	s.dead(t, s.session)
	sameStrings(t, "mails", s.letters(), []string{"password_given to " + technician, "password_given to " + second})
	s.SignIn(technician, given, s.phone)
}

func TestWhoMayGiveAPassword(t *testing.T) {
	s := openShop(t)
	userAdmin := withRole(root, account.RoleUserAdmin)
	const ok, no, hidden, state = errcode.Code(""), errcode.Forbidden, errcode.NotFound, errcode.WrongState
	for _, c := range []struct {
		name                 string
		op                   admin.Principal
		id                   account.UserID
		status               account.Status
		expire, change, give errcode.Code
	}{
		{"who reads only", withRole(root, account.RoleReadOnly), s.amelie.ID, account.StatusActive, no, no, no},
		{"support with secrets", withSecrets(support), s.amelie.ID, account.StatusActive, no, no, no},
		{"an administrator without secrets", userAdmin, s.amelie.ID, account.StatusActive, ok, ok, no},
		{"an administrator with secrets", withSecrets(userAdmin), s.amelie.ID, account.StatusActive, ok, ok, ok},
		{"the machine's owner", machine, s.amelie.ID, account.StatusActive, ok, ok, ok},
		{"of one garage", limited(withSecrets(userAdmin), s.garage), s.amelie.ID, account.StatusActive, ok, ok, ok},
		{"of another garage", limited(withSecrets(userAdmin), s.other), s.amelie.ID, account.StatusActive, hidden, hidden, hidden},
		{"an equal role", withSecrets(root), s.admin.ID, account.StatusActive, no, no, no},
		{"oneself", admin.Principal{ID: "token:x", Owner: string(s.amelie.ID), Role: account.RoleUserAdmin, CanSeeSecrets: true}, s.amelie.ID, account.StatusActive, no, no, no},
		{"somebody staged", machine, s.amelie.ID, account.StatusStaged, state, state, state},
		{"somebody invited", machine, s.amelie.ID, account.StatusProvisioned, state, state, state},
		{"somebody suspended", machine, s.amelie.ID, account.StatusSuspended, state, state, state},
		{"somebody deactivated", machine, s.amelie.ID, account.StatusDeactivated, state, state, state},
	} {
		s.Change(c.id, func(u *account.User) { u.Status = c.status })
		_, err := s.Directory.ExpirePassword(t.Context(), c.op, s.From, string(c.id))
		wantCode(t, c.name+": expire", err, c.expire)
		_, err = s.Directory.UpdateUser(t.Context(), c.op, s.From, string(c.id), directory.ProfileChange{Password: authntest.Password})
		wantCode(t, c.name+": set", err, c.give)
		if c.id == s.amelie.ID {
			_, err = s.Directory.ChangePassword(t.Context(), c.op, s.From, string(c.id), authntest.Password, authntest.Password)
			wantCode(t, c.name+": change", err, c.change)
		}
		_, err = s.Directory.TemporaryPassword(t.Context(), c.op, s.From, string(c.id))
		wantCode(t, c.name+": temporary", err, c.give)
		s.amelieHas(t, authntest.Password)
	}
}

// amelieHas puts a password back, whatever the rules say.
func (s *shop) amelieHas(t *testing.T, text string) {
	t.Helper()
	phc, err := s.Accounts.Hasher.Hash(t.Context(), false, text)
	if err != nil {
		t.Fatal(err)
	}
	s.Change(s.amelie.ID, func(u *account.User) { u.Password = account.Password{Hash: phc, Provenance: account.ProvenanceUser} })
}

func TestTheStatesOfSomebodyActiveFollowAndEndByThemselves(t *testing.T) {
	s := openShop(t)
	s.sees(t, account.StatusActive)
	if _, err := s.Directory.ExpirePassword(t.Context(), root, s.From, technician); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Directory.ResetPassword(t.Context(), root, s.From, technician, true); err != nil {
		t.Fatal(err)
	}
	s.sees(t, account.StatusRecovery)
	for range 5 {
		_, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, "pas le bon du tout", "")
		wantCode(t, "guessing", err, errcode.SignInFailed)
	}
	s.sees(t, account.StatusLocked)
	if err := s.Directory.Unlock(t.Context(), root, s.From, technician); err != nil {
		t.Fatal(err)
	}
	s.sees(t, account.StatusRecovery)
	s.Clock.Advance(account.PasswordLinkTTL)
	s.sees(t, account.StatusExpired)
	if _, err := s.Directory.ResetPassword(t.Context(), root, s.From, technician, true); err != nil {
		t.Fatal(err)
	}
	if err := s.Directory.EndSessions(t.Context(), root, s.From, technician, false); err != nil { // which ends the link
		t.Fatal(err)
	}
	s.sees(t, account.StatusExpired)
	if err := s.Directory.Suspend(t.Context(), root, s.From, technician); err != nil {
		t.Fatal(err)
	}
	s.sees(t, account.StatusSuspended)
}
