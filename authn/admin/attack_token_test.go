package admin_test

import (
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/errcode"
)

// TestAttack_ScopedTokenRevokesUnscopedTokens: the operator owns tokens of several scopes, so the owner alone does not
// decide which tokens a principal may list and revoke.
func TestAttack_ScopedTokenRevokesUnscopedTokens(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	one := []account.GroupID{s.Lumiere}
	principalFor := func(n admin.NewToken) admin.Principal {
		secret, _ := s.NewToken(t, authntest.AsOperator, n)
		p, err := s.Directory.Admin.Authenticate(ctx, secret)
		if err != nil {
			t.Fatalf("checking a token: %v", err)
		}
		return p
	}
	attacker := principalFor(admin.NewToken{Name: "one garage", Role: account.RoleUserAdmin, Groups: one})
	tests := []struct {
		name  string
		by    admin.Principal
		token admin.NewToken
		may   bool
	}{
		{"one of everybody's", attacker, admin.NewToken{Name: "x", Role: account.RoleUserAdmin}, false},
		{"a higher one of the same garage", attacker, admin.NewToken{Name: "x", Role: account.RoleSuperAdmin, Groups: one}, false},
		{"one of none", attacker, admin.NewToken{Name: "x", Role: account.RoleUserAdmin, Groups: []account.GroupID{}}, true},
		{"one like it", attacker, admin.NewToken{Name: "x", Role: account.RoleHelpDesk, Groups: one}, true},
		{"a higher one, by one that is not limited", principalFor(admin.NewToken{Name: "y", Role: account.RoleUserAdmin}),
			admin.NewToken{Name: "x", Role: account.RoleSuperAdmin}, false},
		{"any, by the highest", principalFor(admin.NewToken{Name: "z", Role: account.RoleSuperAdmin}),
			admin.NewToken{Name: "x", Role: account.RoleSuperAdmin}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			secret, tok := s.NewToken(t, authntest.AsOperator, test.token)
			listed, _, err := s.Directory.Admin.Tokens(ctx, test.by, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			sees := false
			for _, x := range listed {
				sees = sees || x.ID == tok.ID
			}
			if sees != test.may {
				t.Errorf("got listed %v, want %v", sees, test.may)
			}
			wantRevoke, wantCheck := errcode.NotFound, errcode.Code("")
			if test.may {
				wantRevoke, wantCheck = "", errcode.NoSession
			}
			authntest.WantCode(t, "revoking", s.Directory.Admin.RevokeToken(ctx, test.by, s.From, tok.ID), wantRevoke)
			_, err = s.Directory.Admin.Authenticate(ctx, secret)
			authntest.WantCode(t, "the token afterwards", err, wantCheck)
		})
	}
}
