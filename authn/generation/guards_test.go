package generation_test

import (
	"context"
	"errors"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/authn/generation"
	"barillet/authn/helpdesk"
	"barillet/authn/roster"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/internal/errcode"
	"barillet/store"
)

func TestAcceptLost_RolesRestUntilTheOperatorConfirmsThem(t *testing.T) {
	s := authntest.NewGarage(t)
	boss := s.NewSuperAdmin("boss@garage.example")
	past := s.Copy()
	report := restore(t, s.Env, past, false)
	if report.Roles != 3 || report.Passwords != 2 {
		t.Errorf("the report is %+v, want 3 roles and 2 passwords", report)
	}
	ctx, desk := t.Context(), past.Directory.Admin
	if _, err := principalOf(t, past, boss.ID); errcode.Of(err) != errcode.Forbidden {
		t.Errorf("a session of a resting SUPER_ADMIN: got %v, want Forbidden", err)
	}
	if _, _, err := desk.CreateToken(ctx, authntest.AsOperator, past.From, admin.NewToken{Name: "x", Role: account.RoleReadOnly, Owner: "boss@garage.example"}); err == nil {
		t.Error("a resting SUPER_ADMIN got a token")
	}
	must(t, past.Accounts.View(ctx, func(r account.Reader) error {
		_, err := desk.ServicePrincipal(r.Raw, admin.ServiceClient{ID: "c1", Owner: string(boss.ID), Role: account.RoleReadOnly, Expires: past.Clock.Now().AddDate(0, 0, 1)})
		if errcode.Of(err) != errcode.NoSession {
			t.Errorf("a service client of a resting SUPER_ADMIN: got %v, want NoSession", err)
		}
		return nil
	}))
	holders, err := roster.Holders(ctx, past.Accounts, roster.HolderQuery{Everywhere: true})
	if err != nil || len(holders) != 0 {
		t.Errorf("approvers and recipients: got %d, %v, want none", len(holders), err)
	}
	if other, err := admin.OtherSuperAdmin(ctx, past.Accounts, s.Amelie.ID); err != nil || other != "" {
		t.Errorf("another SUPER_ADMIN who can sign in: got %q, %v, want none", other, err)
	}
	if _, err := past.Directory.HelpDesk.Reset(ctx, authntest.AsHelpDesk, past.From, "boss@garage.example", helpdesk.ResetRequest{}); errcode.Of(err) != errcode.Forbidden {
		t.Errorf("a reset of a resting SUPER_ADMIN by a HELP_DESK_ADMIN: got %v, want Forbidden", err)
	}
	role := admin.NewRoleAssignment{Role: account.RoleSuperAdmin}
	if _, err := desk.AssignRole(ctx, authntest.Approved(authntest.AsSuperAdmin), past.From, string(boss.ID), role); errcode.Of(err) != errcode.WrongState {
		t.Errorf("a confirmation by another than the operator: got %v, want WrongState", err)
	}
	_, err = desk.AssignRole(ctx, authntest.AsOperator, past.From, string(boss.ID), role)
	must(t, err)
	if p, err := principalOf(t, past, boss.ID); err != nil || p.Role != account.RoleSuperAdmin {
		t.Errorf("after the confirmation: %s, %v", p.Role, err)
	}
}

func TestRun_LetsUsersSignInByALaterCode(t *testing.T) {
	s := authntest.NewGarage(t)
	past := s.Copy()
	restore(t, s.Env, past, true)
	s.Phone.Env = past
	past.SignIn(authntest.Technician, authntest.Password, s.Phone)
}

func TestRun_RefusesALogWithoutEventsThatEndedSomething(t *testing.T) {
	s := authntest.NewGarage(t)
	past := s.Copy()
	_, err := renewal(past).Run(t.Context(), generation.Source{Log: &tree.Imported{Removed: map[audit.Lane]int64{audit.LaneSecurity: 1}}})
	if !errors.Is(err, generation.ErrIncomplete) {
		t.Errorf("got %v, want ErrIncomplete", err)
	}
}

func TestImport_RefusesTheHeadOfAnotherService(t *testing.T) {
	s, other := authntest.NewGarage(t), authntest.NewGarage(t)
	past := s.Copy()
	lines, _ := export(t, s.Env)
	_, head := export(t, other.Env)
	if _, err := importLog(t, past, lines, head); !errors.Is(err, tree.ErrHead) {
		t.Errorf("got %v, want ErrHead", err)
	}
}

func TestImport_RefusesTheLogOfAStoreThatTookAnotherWay(t *testing.T) {
	s := authntest.NewGarage(t)
	_, _ = export(t, s.Env) // the backup has numbered entries
	past, branch := s.Copy(), s.Copy()
	must(t, branch.Directory.Suspend(t.Context(), authntest.AsOperator, branch.From, authntest.Technician))
	must(t, past.Directory.Suspend(t.Context(), authntest.AsOperator, past.From, authntest.Technician))
	_, _ = export(t, past)
	lines, head := export(t, branch)
	if _, err := importLog(t, past, lines, head); !errors.Is(err, tree.ErrNotContinuation) {
		t.Errorf("got %v, want ErrNotContinuation", err)
	}
}

// failing is a store whose Update fails from the nth on.
type failing struct {
	store.Store
	left int
}

var errFailed = errors.New("failed")

func (f *failing) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.left--; f.left < 0 {
		return errFailed
	}
	return f.Store.Update(ctx, fn)
}

func TestRun_FailsWithEachUpdateAndEndsWithItsEvent(t *testing.T) {
	s := authntest.NewGarage(t)
	for n := 0; ; n++ {
		past := s.Copy()
		past.Accounts.Store = &failing{past.Accounts.Store, n}
		_, err := renewal(past).Run(t.Context(), generation.Source{})
		if events := past.Events(audit.StoreRestored); (err == nil) != (len(events) == 1) {
			t.Fatalf("with %d Updates: %v, and %d events of a restore", n, err, len(events))
		}
		if err == nil {
			if n < 3 {
				t.Errorf("a restore needs %d Updates, want more", n)
			}
			return
		}
		if !errors.Is(err, errFailed) {
			t.Fatalf("with %d Updates: %v", n, err)
		}
	}
}
