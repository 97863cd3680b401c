package authntest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

const (
	Technician  = "amelie@garage.example" // login of Garage.Amelie
	SecondEmail = "amelie@home.example"   // her second address
)

// Garage is an Env with two groups, the manager of one, an administrator and a technician who is signed in.
type Garage struct {
	*Env
	Lumiere                account.GroupID
	Nord                   account.GroupID
	Amelie                 account.User
	Phone                  *Phone
	Session                secret.Value
	Manager, Administrator account.User
}

// NewGarage returns a Garage with an empty outbox.
func NewGarage(t *testing.T) *Garage {
	t.Helper()
	return NewGarageWith(t, store.NewRootKeys())
}

// NewGarageWith is NewGarage with the keys of a key file.
func NewGarageWith(t *testing.T, keys store.RootKeys) *Garage {
	t.Helper()
	parallel(t)
	s := &Garage{Env: newIn(t, storetest.Dir(t), keys, Start)}
	s.Lumiere, s.Nord = s.CreateGroup("Garage Lumière"), s.CreateGroup("Garage du Nord")
	s.Manager = s.CreateUser("manager@garage.example", func(u *account.User) {
		u.Groups = []account.GroupID{s.Lumiere}
		u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleHelpDesk, Groups: []account.GroupID{s.Lumiere}}}
	})
	s.Administrator = s.CreateUser("admin@garage.example", func(u *account.User) {
		u.Roles = []account.RoleAssignment{{ID: "r2", Role: account.RoleSuperAdmin}}
	})
	for _, id := range []account.UserID{s.Manager.ID, s.Administrator.ID} {
		s.Change(id, func(u *account.User) { u.Status, u.EverHadDevice = account.StatusActive, true })
	}
	s.Manager, s.Administrator = s.User(string(s.Manager.ID)), s.User(string(s.Administrator.ID))
	s.Amelie, s.Phone, s.Session = s.Member(Technician, func(u *account.User) {
		u.FirstName, u.LastName, u.SecondEmail, u.Groups = "Amélie", "Durand", SecondEmail, []account.GroupID{s.Lumiere}
		u.MobilePhone = account.Phone{Number: "+33612345678", Since: s.Clock.Now().AddDate(0, -1, 0)}
	})
	s.EmptyOutbox()
	s.Clock.Advance(time.Second)
	return s
}

// The principals of most tests: the operator, and two API tokens.
var (
	AsOperator   = admin.Principal{ID: "operator:0", Name: "root", Owner: "operator:0", Operator: true}
	AsHelpDesk   = admin.Principal{ID: "token:t1", Name: "support desk", Owner: "usupport", Role: account.RoleHelpDesk}
	AsSuperAdmin = admin.Principal{ID: "token:t2", Name: "scripts", Owner: "uroot", Role: account.RoleSuperAdmin}
)

// WithSecrets returns p with CanSeeSecrets.
func WithSecrets(p admin.Principal) admin.Principal {
	p.CanSeeSecrets = true
	return p
}

// Limited returns p with a group scope.
func Limited(p admin.Principal, groups ...account.GroupID) admin.Principal {
	p.Groups = append([]account.GroupID{}, groups...)
	return p
}

// WantCode requires that err has the code, or is nil for an empty code.
func WantCode(t *testing.T, what string, err error, code errcode.Code) {
	t.Helper()
	if got := errcode.Of(err); got != code || (code == "") != (err == nil) {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

// SubmitPassword submits the password of the technician and returns the transaction.
func (s *Garage) SubmitPassword(t *testing.T, password string) authn.TransactionRef {
	t.Helper()
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, Technician, password)
	if err != nil {
		t.Fatalf("signing in: %v", err)
	}
	return started
}

// Reset resets the technician.
func (s *Garage) Reset(t *testing.T, p admin.Principal, r helpdesk.ResetRequest) helpdesk.ResetResult {
	t.Helper()
	result, err := s.Directory.HelpDesk.Reset(t.Context(), p, s.From, Technician, r)
	if err != nil {
		t.Fatalf("resetting: %v", err)
	}
	return result
}

// ResetAndEnrol resets a user as the operator and enrols a new phone with the mailed ticket, so that the cool-off ends in 24 hours.
func (s *Garage) ResetAndEnrol(t *testing.T, login string) *Phone {
	t.Helper()
	s.EmptyOutbox()
	if _, err := s.Directory.HelpDesk.Reset(t.Context(), AsOperator, s.From, login, helpdesk.ResetRequest{}); err != nil {
		t.Fatalf("resetting %s: %v", login, err)
	}
	started, err := s.Authn.StartWithPassword(t.Context(), s.From, login, Password)
	if err != nil {
		t.Fatalf("signing in as %s: %v", login, err)
	}
	u := s.User(login)
	if _, err := s.Authn.RedeemTicketCode(t.Context(), s.From, started.Secret, Mailed[notice.DevicesReset](t, s.Env, u.Email).Code); err != nil {
		t.Fatalf("presenting the ticket of %s: %v", login, err)
	}
	phone, _ := s.Enrol(enrol.Flow{Transaction: started.Secret}, "Nouveau téléphone")
	s.EmptyOutbox()
	return phone
}

// Mailed returns the only waiting email of a type to an address, or to any address if to is empty.
func Mailed[T notice.Notice](t *testing.T, s *Env, to string) T {
	t.Helper()
	var found []T
	for _, m := range s.Mails() {
		if what, ok := m.What.(T); ok && (to == "" || m.To == to) {
			found = append(found, what)
		}
	}
	var none T
	if len(found) != 1 {
		t.Fatalf("got %d emails %T to %q, want one; waiting: %v", len(found), none, to, s.MailList())
	}
	return found[0]
}

// MailList returns the waiting emails as "name to address", sorted.
func (h *Env) MailList() []string {
	var out []string
	for _, m := range h.Mails() {
		out = append(out, m.What.Name()+" to "+m.To)
	}
	slices.Sort(out)
	return out
}

// SameStrings requires the same strings in any order.
func SameStrings(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// WantSignedOut requires that a session is not valid.
func (s *Garage) WantSignedOut(t *testing.T, session secret.Value) {
	t.Helper()
	if _, err := s.Sessions.Authenticate(t.Context(), session); errcode.Of(err) != errcode.NoSession {
		t.Errorf("the session: got %v, want NoSession", err)
	}
}

// VerifyCode submits a code in a sign-in transaction.
func (s *Garage) VerifyCode(ctx context.Context, transaction secret.Value, code []byte) (authn.Result, error) {
	return s.Authn.Verify(ctx, s.From, transaction, factors.InputCode, code)
}

// LinkToken returns the token at the end of a link.
func LinkToken(link string) secret.Value {
	return secret.From(link[strings.LastIndexByte(link, '/')+1:])
}

// WithRole returns p with another role.
func WithRole(p admin.Principal, role account.Role) admin.Principal {
	p.Role = role
	return p
}

// FillSessions gives a user the maximum of sessions and browsers.
func (s *Garage) FillSessions(t *testing.T, id account.UserID) {
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

// NewAdministrator creates an active user with role assignments.
func (s *Garage) NewAdministrator(t *testing.T, address string, assignments ...account.RoleAssignment) account.User {
	t.Helper()
	u := s.CreateUser(address, func(u *account.User) { u.Roles = assignments })
	s.Change(u.ID, func(u *account.User) { u.Status, u.EverHadDevice = account.StatusActive, true })
	return s.User(string(u.ID))
}

// NewSuperAdmin creates a SUPER_ADMIN who can sign in.
func (s *Garage) NewSuperAdmin(address string) account.User {
	s.T.Helper()
	u, _, _ := s.Member(address, func(u *account.User) { u.Roles = []account.RoleAssignment{Assignment(account.RoleSuperAdmin)} })
	return u
}

// Assignment returns a role assignment, limited to the groups if there are any.
func Assignment(role account.Role, groups ...account.GroupID) account.RoleAssignment {
	return account.RoleAssignment{ID: "r" + string(role), Role: role, Groups: groups}
}

// TokenPrincipal creates a token for a user as the operator, and returns its principal.
func (s *Garage) TokenPrincipal(t *testing.T, n admin.NewToken) (secret.Value, admin.Principal) {
	t.Helper()
	if n.Name == "" {
		n.Name = "of " + n.Owner
	}
	secret, _ := s.NewToken(t, AsOperator, n)
	p, err := s.Directory.Admin.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatalf("checking a token of %s: %v", n.Owner, err)
	}
	return secret, p
}

// NewToken creates an API token as p.
func (s *Garage) NewToken(t *testing.T, p admin.Principal, n admin.NewToken) (secret.Value, admin.Token) {
	t.Helper()
	secret, tok, err := s.Directory.Admin.CreateToken(t.Context(), p, s.From, n)
	if err != nil {
		t.Fatalf("creating a token: %v", err)
	}
	return secret, tok
}

// Approved returns p with the consent of another administrator to one operation, of which the records keep p alone: p asked for it.
func Approved(p admin.Principal) admin.Principal {
	if p.Operator {
		return p
	}
	return p.WithConsent(&admin.Consent{Approval: "approved", By: p.ID, Owner: p.Owner, Spend: func(*account.Tx, *account.User) error { return nil }})
}

// AssignRole assigns a role as p, with the consent of another administrator.
func (s *Garage) AssignRole(t *testing.T, p admin.Principal, id string, n admin.NewRoleAssignment) account.RoleAssignment {
	t.Helper()
	g, err := s.Directory.Admin.AssignRole(t.Context(), Approved(p), s.From, id, n)
	if err != nil {
		t.Fatalf("assigning %s to %s: %v", n.Role, id, err)
	}
	return g.Assignment
}

// PrincipalOf creates a token of a user with a role as the operator, and returns its principal.
func (s *Garage) PrincipalOf(t *testing.T, login string, role account.Role) (secret.Value, admin.Principal) {
	t.Helper()
	return s.TokenPrincipal(t, admin.NewToken{Role: role, Owner: login})
}
