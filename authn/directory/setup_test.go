package directory_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/account/setup"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
)

var anne = directory.FirstAdministrator{Email: "anne@garage.example", FirstName: "Anne", LastName: "Roux", Password: password}

// setupToken makes a setup link and returns its token.
func setupToken(t *testing.T, e *authntest.Env) secret.Value {
	t.Helper()
	link, err := e.Directory.NewSetupLink(t.Context())
	token, ok := strings.CutPrefix(link.URL.Reveal(), "https://login.example/setup/")
	if err != nil || !ok || !link.Expires.Equal(e.Clock.Now().Add(setup.LinkTTL)) {
		t.Fatalf("got %q until %v, %v", link.URL.Reveal(), link.Expires, err)
	}
	return secret.From(token)
}

// wantNoSetup requires that a token is not valid, and that there is no other link.
func wantNoSetup(t *testing.T, e *authntest.Env, when string, token secret.Value) {
	t.Helper()
	authntest.WantCode(t, when+": the link", e.Directory.CheckSetupLink(t.Context(), token), errcode.InvalidLink)
	_, err := e.Directory.SetUp(t.Context(), e.From, token, directory.FirstAdministrator{Email: "eve@garage.example", FirstName: "Eve", LastName: "Noir", Password: password})
	authntest.WantCode(t, when+": a form of the link", err, errcode.InvalidLink)
	if link, err := e.Directory.NewSetupLink(t.Context()); err != nil || !link.URL.IsZero() {
		t.Errorf("%s: got another link, error %v", when, err)
	}
	if has, err := e.Directory.HasSetupLink(t.Context()); has || err != nil {
		t.Errorf("%s: got %v, %v, want no link", when, has, err)
	}
}

func TestSetUp_MakesTheFirstAdministratorWhoEnrolsAndSignsIn(t *testing.T) {
	e := authntest.New(t)
	token := setupToken(t, e)
	for _, wrong := range []secret.Value{{}, secret.From("x"), secret.From(token.Reveal() + "A")} {
		_, err := e.Directory.SetUp(t.Context(), e.From, wrong, anne)
		authntest.WantCode(t, "a wrong link", err, errcode.InvalidLink)
	}
	for field, f := range map[string]directory.FirstAdministrator{
		"email":     {Email: "anne", FirstName: "Anne", LastName: "Roux", Password: password},
		"firstName": {Email: anne.Email, FirstName: "A\u202enne", LastName: "Roux", Password: password},
		"password":  {Email: anne.Email, FirstName: "Anne", LastName: "Roux", Password: "anne@garage.example"},
	} {
		_, err := e.Directory.SetUp(t.Context(), e.From, token, f)
		if refused, ok := errors.AsType[*errcode.Error](err); !ok || refused.Code != errcode.Invalid || refused.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
	started, err := e.Directory.SetUp(t.Context(), e.From, token, anne)
	if err != nil || started.Step != authn.StepEnrol {
		t.Fatalf("got %+v, %v, want a transaction that enrols", started, err)
	}
	u := e.User(anne.Email)
	if u.Rank() != account.RoleSuperAdmin.Rank() || len(u.Roles[0].Groups) > 0 || u.Status != account.StatusActive || u.Password.Provenance != account.ProvenanceUser || len(u.Sessions) > 0 {
		t.Errorf("got %+v", u)
	}
	wantNoSetup(t, e, "after the first administrator", token)
	phone, done := e.Enrol(enrol.Flow{Transaction: started.Secret}, "Phone")
	if done.Credentials.Session.IsZero() || !e.User(anne.Email).EmailProvenance.Verified.IsZero() {
		t.Error("the device should open a session, and show nothing about the address")
	}
	e.Clock.Advance(time.Minute)
	e.SignIn(anne.Email, password, phone)
	created := e.Events(audit.UserCreated)
	if len(created) != 1 || created[0].Actor.Name != "setup link" || created[0].Actor.Type != audit.TypeOperator || created[0].Detail["role"] != "SUPER_ADMIN" {
		t.Errorf("got events %+v", created)
	}
}

// Each link that a start writes is an event: one that nobody expected shows in the log, before or after its use.
func TestSetupLink_IsAnEventWithoutTheLink(t *testing.T) {
	e := authntest.New(t)
	token := setupToken(t, e)
	setupToken(t, e)
	issued := e.Events(audit.SetupLinkIssued)
	if len(issued) != 2 || issued[0].Actor.Type != audit.TypeSystem || issued[0].Outcome != audit.Success || issued[0].Detail["expires"] == "" {
		t.Fatalf("got %+v, want an event of each link", issued)
	}
	if text := fmt.Sprintf("%+v", issued); strings.Contains(text, token.Reveal()) {
		t.Errorf("the event holds the link: %s", text)
	}
}

func TestSetupLink_AnotherStartOrAnHourEndsIt(t *testing.T) {
	e := authntest.New(t)
	first := setupToken(t, e)
	second := setupToken(t, e)
	authntest.WantCode(t, "the link of an earlier start", e.Directory.CheckSetupLink(t.Context(), first), errcode.InvalidLink)
	e.Clock.Advance(setup.LinkTTL - time.Second)
	authntest.WantCode(t, "before the hour", e.Directory.CheckSetupLink(t.Context(), second), "")
	e.Clock.Advance(time.Second)
	_, err := e.Directory.SetUp(t.Context(), e.From, second, anne)
	authntest.WantCode(t, "after an hour", err, errcode.InvalidLink)
	if has, err := e.Directory.HasSetupLink(t.Context()); has || err != nil {
		t.Errorf("got %v, %v, want no link", has, err)
	}
	if _, err := e.Directory.SetUp(t.Context(), e.From, setupToken(t, e), anne); err != nil {
		t.Errorf("a new link after that: %v", err)
	}
}

// An administrator made in any other flow ends the link, and so does one who was deleted since.
func TestSetupLink_AnyAdministratorEndsItForEver(t *testing.T) {
	user := directory.NewUser{Email: "zoe@garage.example", Role: account.RoleSuperAdmin}
	for name, create := range map[string]func(e *authntest.Env) error{
		"by the command line or the API": func(e *authntest.Env) error {
			_, _, err := e.Directory.CreateUser(t.Context(), authntest.AsOperator, e.From, user, true, true)
			return err
		},
		"by a role": func(e *authntest.Env) error {
			e.CreateUser("zoe@garage.example", nil)
			_, err := e.Directory.Admin.AssignRole(t.Context(), authntest.AsOperator, e.From, "zoe@garage.example", admin.NewRoleAssignment{Role: account.RoleSuperAdmin})
			return err
		},
		"by an import": func(e *authntest.Env) error {
			_, err := e.Directory.Import(t.Context(), authntest.AsOperator, e.From, []directory.ImportRow{{NewUser: user}}, true, false)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := authntest.New(t)
			token := setupToken(t, e)
			e.CreateUser("karim@garage.example", func(u *account.User) { u.Roles = []account.RoleAssignment{{ID: "r1", Role: account.RoleUserAdmin}} })
			authntest.WantCode(t, "with a lower administrator", e.Directory.CheckSetupLink(t.Context(), token), "")
			if err := create(e); err != nil {
				t.Fatal(err)
			}
			wantNoSetup(t, e, "with an administrator", token)
			for _, remove := range []func(context.Context, admin.Principal, account.RequestInfo, string) error{e.Directory.Deactivate, e.Directory.Delete} {
				if err := remove(t.Context(), authntest.AsOperator, e.From, "zoe@garage.example"); err != nil {
					t.Fatal(err)
				}
			}
			wantNoSetup(t, e, "after the administrator was deleted", token)
			wantNoSetup(t, e.Node(), "after a restart", token)
		})
	}
}

// crashing is a store whose Updates run and are not committed.
type crashing struct{ store.Store }

var errCrash = errors.New("crash")

func (s crashing) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.Store.Update(ctx, func(tx store.Tx) error { return errors.Join(fn(tx), errCrash) })
}

func TestSetUp_ACrashLeavesNothingOrEverything(t *testing.T) {
	e := authntest.New(t)
	token := setupToken(t, e)
	whole := e.Accounts.Store
	e.Accounts.Store = crashing{whole}
	if _, err := e.Directory.SetUp(t.Context(), e.From, token, anne); !errors.Is(err, errCrash) {
		t.Fatalf("got %v, want a crash", err)
	}
	node := e.Node()
	if err := node.Accounts.View(t.Context(), func(r account.Reader) error { _, err := r.Find(anne.Email); return err }); errcode.Of(err) != errcode.NotFound {
		t.Errorf("after a crash: got %v, want no user", err)
	}
	if _, err := node.Directory.SetUp(t.Context(), e.From, token, anne); err != nil {
		t.Errorf("the same link after the crash: %v", err)
	}
	// The answer of this one is lost: the user and the mark are stored together.
	wantNoSetup(t, node.Node(), "after a restart", token)
}

// rendezvous is a store whose Updates wait until all have begun.
type rendezvous struct {
	store.Store
	left *atomic.Int32
	all  *sync.WaitGroup
}

func (m rendezvous) Update(ctx context.Context, fn func(store.Tx) error) error {
	if m.left.Add(-1) >= 0 {
		m.all.Done()
		m.all.Wait()
	}
	return m.Store.Update(ctx, fn)
}

func TestSetUp_OfTwoAtOnceOneWins(t *testing.T) {
	e := authntest.New(t)
	token := setupToken(t, e)
	left, met := new(atomic.Int32), new(sync.WaitGroup)
	left.Store(8)
	met.Add(8)
	var won, lost atomic.Int32
	var all sync.WaitGroup
	for i, node := range []*authntest.Env{e, e.Node()} {
		node.Accounts.Store = rendezvous{node.Accounts.Store, left, met}
		for range 4 {
			f := anne
			f.Email = string(rune('a'+i)) + f.Email
			all.Go(func() {
				switch _, err := node.Directory.SetUp(t.Context(), e.From, token, f); {
				case err == nil:
					won.Add(1)
				case errcode.Of(err) == errcode.InvalidLink:
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	if won.Load() != 1 || lost.Load() != 7 {
		t.Errorf("%d won and %d lost, want 1 and 7", won.Load(), lost.Load())
	}
}

// A store from before the mark has an administrator, and gets no link.
func TestSetupLink_AStoreWithAnAdministratorGetsNone(t *testing.T) {
	s := newEnv(t)
	if err := s.Store.Update(t.Context(), func(tx store.Tx) error { return tx.Delete(store.Setup.Prefix + "first") }); err != nil {
		t.Fatal(err)
	}
	wantNoSetup(t, s.Env, "with an administrator", secret.From("x"))
}
