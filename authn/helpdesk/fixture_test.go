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

// shop is a house with a desk, a garage, its manager, an administrator and a technician who is signed in.
type shop struct {
	*authntest.Env
	garage         account.GroupID
	other          account.GroupID
	amelie         account.User
	phone          *authntest.Phone
	session        secret.Value
	manager, admin account.User
	people         int // made so far by somebody
}

func openShop(t *testing.T) *shop {
	t.Helper()
	s := &shop{Env: authntest.New(t)}
	s.garage, s.other = s.CreateGroup("Garage Lumière"), s.CreateGroup("Garage du Nord")
	s.manager = s.CreateUser("manager@garage.example", func(u *account.User) {
		u.Groups = []account.GroupID{s.garage}
		u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{s.garage}}}
	})
	s.admin = s.CreateUser("admin@garage.example", func(u *account.User) {
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
	machine = admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}
	support = admin.Principal{ID: "token:t1", Name: "support desk", Owner: "usupport", Role: account.RoleHelpDesk}
	root    = admin.Principal{ID: "token:t2", Name: "scripts", Owner: "uroot", Role: account.RoleSuperAdmin}
)

// calledBack is a check of the identity that needs no name.
var calledBack = &helpdesk.IdentityCheck{Method: helpdesk.IdentityCalledBack}

func withSecrets(op admin.Principal) admin.Principal {
	op.CanSeeSecrets = true
	return op
}

func limited(op admin.Principal, groups ...account.GroupID) admin.Principal {
	op.Groups = append([]account.GroupID{}, groups...)
	return op
}

func wantCode(t *testing.T, what string, err error, code errcode.Code) {
	t.Helper()
	if got := errcode.Of(err); got != code || (code == "") != (err == nil) {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

// signIn proves the password and says what comes next.
func (s *shop) signIn(t *testing.T, password string) authn.TransactionRef {
	t.Helper()
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, technician, password, "")
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	return started
}

func (s *shop) reset(t *testing.T, op admin.Principal, r helpdesk.ResetRequest) helpdesk.ResetResult {
	t.Helper()
	rec, err := s.Directory.HelpDesk.Reset(t.Context(), op, s.From, technician, r)
	if err != nil {
		t.Fatalf("resetting: %v", err)
	}
	return rec
}

// mailed is the one mail of a kind that waits, to that address ("": any).
func mailed[T notice.Notice](t *testing.T, s *shop, to string) T {
	t.Helper()
	var found []T
	for _, m := range s.Mails() {
		if what, ok := m.What.(T); ok && (to == "" || m.To == to) {
			found = append(found, what)
		}
	}
	var none T
	if len(found) != 1 {
		t.Fatalf("got %d mails %T to %q, want one; waiting: %v", len(found), none, to, s.letters())
	}
	return found[0]
}

// letters are the mails that wait, as "kind to address", sorted.
func (s *shop) letters() []string {
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

// dead tells that a session is no longer good.
func (s *shop) dead(t *testing.T, session secret.Value) {
	t.Helper()
	if _, err := s.Sessions.Authenticate(t.Context(), session); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session: got %v, want it dead", err)
	}
}

// verifies tells what a code of a phone is worth in a login.
func verifies(ctx context.Context, s *shop, login secret.Value, code []byte) (authn.Result, error) {
	return s.Authn.Verify(ctx, s.From, login, factors.InputCode, code)
}

func tokenOf(link string) secret.Value {
	return secret.From(link[strings.LastIndexByte(link, '/')+1:])
}

func withRole(op admin.Principal, role account.Role) admin.Principal {
	op.Role = role
	return op
}

// crowd lists as many sessions and browsers of the person as there may be.
func (s *shop) crowd(t *testing.T, id account.UserID) {
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
