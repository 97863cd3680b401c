package helpdesk_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
)

const (
	password   = authntest.Password
	technician = "amelie@garage.example"
	second     = "amelie@home.example"
)

// env is a service with a group, its manager, an administrator and a technician who is signed in.
type env struct {
	*authntest.Env
	garage         account.GroupID
	other          account.GroupID
	amelie         account.User
	phone          *authntest.Phone
	session        secret.Value
	manager, admin account.User
	users          int // made so far by somebody
}

func newEnv(t *testing.T) *env {
	t.Helper()
	s := &env{Env: authntest.New(t)}
	s.garage, s.other = s.Group("Garage Lumière"), s.Group("Garage du Nord")
	s.manager = s.Person("manager@garage.example", func(u *account.User) {
		u.Groups = []account.GroupID{s.garage}
		u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{s.garage}}}
	})
	s.admin = s.Person("admin@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{{ID: "r2", Role: account.RoleSuperAdmin}}
	})
	for _, id := range []account.UserID{s.manager.ID, s.admin.ID} {
		s.Change(id, func(u *account.User) { u.Status, u.EverHadDevice = account.StatusActive, true })
	}
	s.manager, s.admin = s.User(string(s.manager.ID)), s.User(string(s.admin.ID))
	s.amelie, s.phone, s.session = s.Member(technician, func(u *account.User) {
		u.FirstName, u.LastName, u.SecondEmail, u.Groups = "Amélie", "Durand", second, []account.GroupID{s.garage}
	})
	s.EmptyOutbox()
	s.Clock.Advance(time.Second)
	return s
}

// The operators.
var (
	operator = admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}
	support  = admin.Principal{ID: "token:t1", Name: "support desk", Owner: "usupport", Role: account.RoleHelpDesk}
	root     = admin.Principal{ID: "token:t2", Name: "scripts", Owner: "uroot", Role: account.RoleSuperAdmin}
)

// calledBack is an identity check that needs no name.
var calledBack = &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack}

func withSecrets(p admin.Principal) admin.Principal {
	p.CanSeeSecrets = true
	return p
}

func limited(p admin.Principal, groups ...account.GroupID) admin.Principal {
	p.Groups = append([]account.GroupID{}, groups...)
	return p
}

func wantCode(t *testing.T, what string, err error, code errcode.Code) {
	t.Helper()
	if got := errcode.Of(err); got != code || (code == "") != (err == nil) {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

// signIn submits the password of the technician and returns the transaction.
func (s *env) signIn(t *testing.T, password string) authn.TransactionRef {
	t.Helper()
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, password, "")
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	return started
}

func (s *env) reset(t *testing.T, p admin.Principal, r helpdesk.ResetRequest) helpdesk.ResetResult {
	t.Helper()
	result, err := s.Directory.HelpDesk.Reset(t.Context(), p, s.From, technician, r)
	if err != nil {
		t.Fatalf("resetting: %v", err)
	}
	return result
}

// mailed returns the only waiting email of a type to an address, or to any address if to is empty.
func mailed[T notice.Notice](t *testing.T, s *env, to string) T {
	t.Helper()
	var found []T
	for _, m := range s.Mails() {
		if what, ok := m.What.(T); ok && (to == "" || m.To == to) {
			found = append(found, what)
		}
	}
	var none T
	if len(found) != 1 {
		t.Fatalf("got %d mails %T to %q, want one; waiting: %v", len(found), none, to, s.mailList())
	}
	return found[0]
}

// mailList returns the waiting emails as "name to address", sorted.
func (s *env) mailList() []string {
	var out []string
	for _, m := range s.Mails() {
		out = append(out, m.What.Name()+" to "+m.To)
	}
	slices.Sort(out)
	return out
}

func sameStrings(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// wantSignedOut requires that a session is not valid.
func (s *env) wantSignedOut(t *testing.T, session secret.Value) {
	t.Helper()
	if _, err := s.Sessions.Authenticate(t.Context(), session); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session: got %v, want it dead", err)
	}
}

// verifyCode submits a code in a sign-in transaction.
func verifyCode(ctx context.Context, s *env, login secret.Value, code []byte) (authn.Result, error) {
	return s.Authn.Verify(ctx, s.From, login, factors.InputCode, code)
}

func tokenOf(link string) secret.Value {
	return secret.From(link[strings.LastIndexByte(link, '/')+1:])
}

func withRole(p admin.Principal, role account.Role) admin.Principal {
	p.Role = role
	return p
}

// fillSessions gives a user the maximum of sessions and browsers.
func (s *env) fillSessions(t *testing.T, id account.UserID) {
	t.Helper()
	s.Change(id, func(u *account.User) {
		u.Sessions, u.Browsers = nil, nil
		for i := range 32 {
			hash := strings.Repeat("0", 60) + string(rune('a'+i/8)) + string(rune('a'+i%8))
			u.Sessions = append(u.Sessions, account.SessionRef{Hash: hash, Since: s.Clock.Now()})
			u.Browsers = append(u.Browsers, account.BrowserRef{Hash: hash, Since: s.Clock.Now(), Seen: s.Clock.Now()})
		}
	})
}
