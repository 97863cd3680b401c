package admin_test

import (
	"encoding/json"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/enrol"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// signedIn is an administrator with a phone and a session.
type signedIn struct {
	*env
	user    account.User
	phone   *authntest.Phone
	session secret.Value
}

// newSignedIn returns an administrator with these roles, whose sign-in is a while ago.
func newSignedIn(t *testing.T, roles ...account.RoleAssignment) *signedIn {
	t.Helper()
	a := &signedIn{env: newEnv(t)}
	a.user, a.phone, _ = a.Member("ines@garage.example", func(u *account.User) { u.FirstName, u.LastName, u.Roles = "Inès", "Petit", roles })
	a.session = a.SignIn(a.user.Login, password, a.phone).Session
	a.Clock.Advance(time.Minute)
	return a
}

// info returns the session as a request finds it.
func (a *signedIn) info(t *testing.T) session.Info {
	t.Helper()
	info, err := a.Sessions.Authenticate(t.Context(), a.session)
	if err != nil {
		t.Fatalf("the session: %v", err)
	}
	return info
}

// principal returns the principal of the session.
func (a *signedIn) principal(t *testing.T) admin.Principal {
	t.Helper()
	p, err := a.Directory.Admin.SessionPrincipal(t.Context(), a.info(t))
	if err != nil {
		t.Fatalf("the principal: %v", err)
	}
	return p
}

// proves gives a second factor in the session.
func (a *signedIn) proves(t *testing.T, input factors.Input, answer []byte) {
	t.Helper()
	if v, err := a.Authn.StepUp(t.Context(), a.From, a.session, input, answer); err != nil || !v.Accepted() {
		t.Fatalf("proving: %v, rejected %q", err, v.Rejected)
	}
}

func TestSessionPrincipal_HasTheHighestRoleAndItsGroups(t *testing.T) {
	s := newEnv(t)
	const desk, people, reads = account.RoleHelpDesk, account.RoleUserAdmin, account.RoleReadOnly
	user, _, cookie := s.Member("ines@garage.example", nil)
	info, err := s.Sessions.Authenticate(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		roles  []account.RoleAssignment
		want   account.Role
		groups []account.GroupID // nil: all users
	}{
		{"one role for all", []account.RoleAssignment{authntest.Assignment(people)}, people, nil},
		{"one role for a garage", []account.RoleAssignment{authntest.Assignment(desk, s.Nord)}, desk, []account.GroupID{s.Nord}},
		{"a low role for all and a higher one for a garage", []account.RoleAssignment{authntest.Assignment(reads), authntest.Assignment(desk, s.Nord)}, desk, []account.GroupID{s.Nord}},
		{"a high role for a garage and a lower one for another", []account.RoleAssignment{authntest.Assignment(desk, s.Lumiere), authntest.Assignment(people, s.Nord)}, people, []account.GroupID{s.Nord}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.Change(user.ID, func(u *account.User) { u.Roles = c.roles })
			p, err := s.Directory.Admin.SessionPrincipal(t.Context(), info)
			if err != nil || p.Role != c.want || (p.Groups == nil) != (c.groups == nil) || len(p.Groups) != len(c.groups) || len(c.groups) > 0 && p.Groups[0] != c.groups[0] {
				t.Errorf("got %s of %v, %v, want %s of %v", p.Role, p.Groups, err, c.want, c.groups)
			}
			if p.ID != "user:"+string(user.ID) || p.Owner != string(user.ID) || p.Operator || p.CanSeeSecrets || p.CanSignInUsers {
				t.Errorf("got %+v", p)
			}
			authntest.WantCode(t, "signing users in", p.RequireSignIn(), errcode.Forbidden)
			if p.CanReadSecrets() {
				t.Error("the principal may read secrets")
			}
		})
	}
}

func TestSessionPrincipal_EndsWithTheUserAndTheSession(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func(a *signedIn)
		want errcode.Code
	}{
		{"suspended", func(a *signedIn) { a.Change(a.user.ID, func(u *account.User) { u.Status = account.StatusSuspended }) }, errcode.NoSession},
		{"deleted", func(a *signedIn) {
			authntest.WantCode(a.T.(*testing.T), "deleting", a.Directory.Delete(a.T.Context(), authntest.AsOperator, a.From, a.user.Login), "")
		}, errcode.NoSession},
		{"without a role", func(a *signedIn) { a.Change(a.user.ID, func(u *account.User) { u.Roles = nil }) }, errcode.Forbidden},
		{"signed out everywhere after the request found the session", func(a *signedIn) {
			authntest.WantCode(a.T.(*testing.T), "ending", a.Directory.RevokeSessions(a.T.Context(), authntest.AsOperator, a.From, a.user.Login, true), "")
		}, errcode.NoSession},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newSignedIn(t, authntest.Assignment(account.RoleHelpDesk))
			info := a.info(t)
			c.end(a)
			p, err := a.Directory.Admin.SessionPrincipal(t.Context(), info)
			authntest.WantCode(t, c.name, err, c.want)
			if p.Owner != "" || p.Proven() && p.FromSession() {
				t.Errorf("got %+v with the error", p)
			}
		})
	}
}

// What counts as a proof for operations on others: a device, in this session, for five minutes.
func TestSessionPrincipal_IsProvenByADeviceOnly(t *testing.T) {
	a := newSignedIn(t, authntest.Assignment(account.RoleSuperAdmin))
	known := a.SignIn(a.user.Login, password, a.phone) // a second one, in a browser that is known now
	a.session = known.Session
	if a.principal(t).Proven() {
		t.Error("the sign-in counts")
	}
	a.proves(t, factors.InputCode, a.phone.Next())
	if p := a.principal(t); !p.Proven() || p.Require(admin.PermManage) != nil {
		t.Error("a code does not count")
	}
	a.Clock.Advance(account.StepUpTTL - time.Nanosecond)
	if !a.principal(t).Proven() {
		t.Error("the step-up ends before five minutes")
	}
	a.Clock.Advance(time.Nanosecond)
	if a.principal(t).Proven() {
		t.Error("the step-up lasts longer than five minutes")
	}
	a.proves(t, factors.InputCode, a.phone.Next())
	a.Clock.Advance(-2 * time.Minute) // a step-up in the future counts as of now
	a.info(t)
	a.Clock.Advance(account.StepUpTTL + 2*time.Minute)
	if a.principal(t).Proven() {
		t.Error("a clock that was set back makes a step-up last")
	}
}

func TestSessionPrincipal_RecoveryCodeAndNewDeviceAreNoProof(t *testing.T) {
	a := newSignedIn(t, authntest.Assignment(account.RoleSuperAdmin))
	a.proves(t, factors.InputCode, a.phone.Next())
	codes := a.recoveryCodes(t)
	a.Clock.Advance(time.Minute)
	started, err := a.Authn.StartWithPassword(t.Context(), a.From, a.user.Login, password)
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.Authn.Verify(t.Context(), a.From, started.Secret, factors.InputBackup, []byte(codes[0]))
	if err != nil || !v.Accepted() {
		t.Fatalf("signing in by a recovery code: %v %q", err, v.Rejected)
	}
	a.session = v.Credentials.Session
	if a.principal(t).Proven() {
		t.Error("a sign-in by a recovery code counts")
	}
	if v, err := a.Authn.StepUp(t.Context(), a.From, a.session, factors.InputBackup, []byte(codes[1])); err == nil && v.Accepted() {
		t.Error("a recovery code is accepted as a step-up")
	}
	a.Enrol(enrol.Flow{Session: a.session}, "Autre téléphone")
	if a.principal(t).Proven() {
		t.Error("the enrolment of a device counts")
	}
}

// TestNeedsProof_EveryPermission is the table of the permissions that need a proof in a session. A token needs none.
func TestNeedsProof_EveryPermission(t *testing.T) {
	a := newSignedIn(t, authntest.Assignment(account.RoleSuperAdmin))
	p := a.principal(t)
	token := p
	token.ID = "token:t"
	for perm, proof := range map[admin.Permission]bool{
		admin.PermRead: false, admin.PermInvite: false, admin.PermAssist: false, admin.PermListTokens: false, admin.PermReadConfiguration: false,
		admin.PermReset: true, admin.PermManage: true, admin.PermApprove: true, admin.PermAssignRoles: true, admin.PermConfigure: true,
	} {
		want := errcode.Code("")
		if proof {
			want = errcode.StepUpRequired
		}
		authntest.WantCode(t, "a session without a proof", p.Require(perm), want)
		authntest.WantCode(t, "a token", token.Require(perm), "")
		if perm.NeedsProof() != proof || !p.Allows(perm) {
			t.Errorf("permission %d: needs a proof %v, allowed %v", perm, perm.NeedsProof(), p.Allows(perm))
		}
	}
}

func TestNewToken_OfASessionHasNoAllowance(t *testing.T) {
	a := newSignedIn(t, authntest.Assignment(account.RoleUserAdmin, "g1"))
	a.Change(a.user.ID, func(u *account.User) {
		u.Roles = []account.RoleAssignment{authntest.Assignment(account.RoleUserAdmin, a.Nord)}
	})
	n := admin.NewToken{Name: "planning", Role: account.RoleUserAdmin, Groups: []account.GroupID{a.Nord}}
	_, _, err := a.Directory.Admin.CreateToken(t.Context(), a.principal(t), a.From, n)
	authntest.WantCode(t, "without a proof", err, errcode.StepUpRequired)
	a.proves(t, factors.InputCode, a.phone.Next())
	p := a.principal(t)
	for name, change := range map[string]func(*admin.NewToken){
		"secrets":        func(n *admin.NewToken) { n.Secrets = true },
		"authn":          func(n *admin.NewToken) { n.Authn = true },
		"another owner":  func(n *admin.NewToken) { n.Owner = authntest.Technician },
		"a higher role":  func(n *admin.NewToken) { n.Role = account.RoleSuperAdmin },
		"all garages":    func(n *admin.NewToken) { n.Groups = nil },
		"another garage": func(n *admin.NewToken) { n.Groups = []account.GroupID{a.Lumiere} },
	} {
		m := n
		change(&m)
		_, _, err := a.Directory.Admin.CreateToken(t.Context(), p, a.From, m)
		authntest.WantCode(t, name, err, errcode.Forbidden)
	}
	value, token := a.NewToken(t, p, n)
	if token.Owner != string(a.user.ID) || token.By != "user:"+string(a.user.ID) {
		t.Errorf("got owner %s by %s", token.Owner, token.By)
	}
	if got, err := a.Directory.Admin.Authenticate(t.Context(), value); err != nil || got.Owner != p.Owner || got.OwnerName != "Inès Petit" {
		t.Errorf("got %+v, %v", got, err)
	}
}

// recoveryCodes makes a list of recovery codes in the session.
func (a *signedIn) recoveryCodes(t *testing.T) []string {
	t.Helper()
	flow := enrol.Flow{Session: a.session}
	prompt, err := a.Enrolment.BeginEnrol(t.Context(), a.From, flow, enrol.Request{Kind: recovery.Kind, Name: "Feuille"})
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Codes []string `json:"codes"`
	}
	if err := json.Unmarshal(prompt.View, &shown); err != nil || len(shown.Codes) == 0 {
		t.Fatalf("got %s, %v", prompt.View, err)
	}
	return shown.Codes
}
