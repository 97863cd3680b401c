package admin_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

func TestAuthenticate_UntilTokenExpires(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	value, tok := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "import", Role: account.RoleUserAdmin, Groups: []account.GroupID{s.Lumiere}, Secrets: true, TTL: time.Hour})
	if v := value.Reveal(); !strings.HasPrefix(v, admin.TokenPrefix) || len(v) != len(admin.TokenPrefix)+43 {
		t.Errorf("got a token of %d characters", len(v))
	}
	p, err := s.Directory.Admin.Authenticate(ctx, value)
	if err != nil || p.ID != "token:"+tok.ID || p.Owner != authntest.AsOperator.Owner || p.Role != account.RoleUserAdmin || !p.CanSeeSecrets || p.CanSignInUsers || p.Operator ||
		fmt.Sprint(p.Groups) != fmt.Sprint([]account.GroupID{s.Lumiere}) {
		t.Errorf("got %+v, %v", p, err)
	}
	v := value.Reveal()
	flipped := v[:8] + strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 32
		case 'A' <= r && r <= 'Z':
			return r + 32
		}
		return r
	}, v[8:])
	for name, bad := range map[string]string{"empty": "", "cut": v[:len(v)-1], "longer": v + "A", "in another case": flipped, "its id": tok.ID,
		"its hash": value.Hash(), "without its prefix": strings.TrimPrefix(v, admin.TokenPrefix), "very long": strings.Repeat(v, 1000)} {
		_, err := s.Directory.Admin.Authenticate(ctx, secret.From(bad))
		authntest.WantCode(t, "a token "+name, err, errcode.NoSession)
	}
	s.Clock.Advance(time.Hour)
	_, err = s.Directory.Admin.Authenticate(ctx, value)
	authntest.WantCode(t, "after its end", err, errcode.NoSession)
}

func TestRevokeToken_TakesEffectImmediately(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	secret, tok := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "import", Role: account.RoleUserAdmin})
	authntest.WantCode(t, "by support", s.Directory.Admin.RevokeToken(ctx, authntest.AsHelpDesk, s.From, tok.ID), errcode.Forbidden)
	stranger := admin.Principal{ID: "token:x", Owner: "u9", Role: account.RoleUserAdmin}
	authntest.WantCode(t, "by another's", s.Directory.Admin.RevokeToken(ctx, stranger, s.From, tok.ID), errcode.NotFound)
	if list, _, err := s.Directory.Admin.Tokens(ctx, stranger, "", 0); err != nil || len(list) != 0 {
		t.Errorf("another's list: got %d, %v", len(list), err)
	}
	for _, id := range []string{"", tok.ID[:19], strings.Repeat("f", 20), secret.Hash(), "é"} {
		authntest.WantCode(t, "token "+id, s.Directory.Admin.RevokeToken(ctx, authntest.AsOperator, s.From, id), errcode.NotFound)
	}
	s.Clock.Advance(time.Second)
	if err := s.Directory.Admin.RevokeToken(ctx, authntest.AsSuperAdmin, s.From, tok.ID); err != nil {
		t.Fatal(err)
	}
	_, err := s.Directory.Admin.Authenticate(ctx, secret)
	authntest.WantCode(t, "after it", err, errcode.NoSession)
	events := s.Events(audit.TokenCreated, audit.TokenRevoked)
	if len(events) != 2 || events[1].Actor.ID != authntest.AsSuperAdmin.ID || events[1].Targets[0].ID != "token:"+tok.ID {
		t.Errorf("got events %+v", events)
	}
}

func TestCreateToken_Permissions(t *testing.T) {
	s := newEnv(t)
	administrator := admin.Principal{ID: "token:a", Owner: "operator:9", Role: account.RoleUserAdmin}
	for _, c := range []struct {
		name string
		op   admin.Principal
		n    admin.NewToken
		want errcode.Code
	}{
		{"the operator makes any", authntest.AsOperator, admin.NewToken{Role: account.RoleSuperAdmin, Secrets: true, Authn: true, TTL: 365 * 24 * time.Hour}, ""},
		{"none lives longer than a year", authntest.AsOperator, admin.NewToken{Role: account.RoleReadOnly, TTL: 365*24*time.Hour + 1}, errcode.Invalid},
		{"none is over before it begins", authntest.AsOperator, admin.NewToken{Role: account.RoleReadOnly, TTL: -1}, errcode.Invalid},
		{"support gets no secrets", authntest.AsOperator, admin.NewToken{Role: account.RoleHelpDesk, Secrets: true}, errcode.Invalid},
		{"none is without a role", authntest.AsOperator, admin.NewToken{}, errcode.Invalid},
		{"a role that is none", authntest.AsOperator, admin.NewToken{Role: "ROOT"}, errcode.Invalid},
		{"a garage that is none", authntest.AsOperator, admin.NewToken{Role: account.RoleHelpDesk, Groups: []account.GroupID{"g0"}}, errcode.Invalid},
		{"support makes none", authntest.AsHelpDesk, admin.NewToken{Role: account.RoleReadOnly}, errcode.Forbidden},
		{"a token makes one of its own role", administrator, admin.NewToken{Role: account.RoleUserAdmin}, ""},
		{"a token makes none above", administrator, admin.NewToken{Role: account.RoleSuperAdmin}, errcode.Forbidden},
		{"a token gives no secrets, even its own", authntest.WithSecrets(authntest.AsSuperAdmin), admin.NewToken{Role: account.RoleSuperAdmin, Secrets: true}, errcode.Forbidden},
		{"a token gives no sign-in for programs", authntest.AsSuperAdmin, admin.NewToken{Role: account.RoleSuperAdmin, Authn: true}, errcode.Forbidden},
		{"a limited token makes one of its garage", authntest.Limited(administrator, s.Lumiere), admin.NewToken{Role: account.RoleHelpDesk, Groups: []account.GroupID{s.Lumiere}}, ""},
		{"a limited token makes one for no user", authntest.Limited(administrator, s.Lumiere), admin.NewToken{Role: account.RoleHelpDesk, Groups: []account.GroupID{}}, ""},
		{"a limited token makes none of another", authntest.Limited(administrator, s.Lumiere), admin.NewToken{Role: account.RoleHelpDesk, Groups: []account.GroupID{s.Nord}}, errcode.Forbidden},
		{"a limited token makes none for everybody", authntest.Limited(administrator, s.Lumiere), admin.NewToken{Role: account.RoleHelpDesk}, errcode.Forbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.n.Name = "made in a test"
			secret, tok, err := s.Directory.Admin.CreateToken(t.Context(), c.op, s.From, c.n)
			authntest.WantCode(t, "making", err, c.want)
			if c.want != "" {
				return
			}
			p, err := s.Directory.Admin.Authenticate(t.Context(), secret)
			if err != nil || tok.Owner != c.op.Owner || p.Owner != c.op.Owner || (p.Groups == nil) != (c.n.Groups == nil) {
				t.Errorf("got %+v of %q, %v", p, tok.Owner, err)
			}
		})
	}
	_, _, err := s.Directory.Admin.CreateToken(t.Context(), authntest.AsOperator, s.From, admin.NewToken{Name: " ", Role: account.RoleReadOnly})
	authntest.WantCode(t, "without a name", err, errcode.Invalid)
}

func TestCreateToken_DoesNotOutliveCreator(t *testing.T) {
	s := newEnv(t)
	secret, _ := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "short", Role: account.RoleSuperAdmin, TTL: time.Hour})
	p, err := s.Directory.Admin.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(time.Minute)
	_, child := s.NewToken(t, p, admin.NewToken{Name: "child", Role: account.RoleReadOnly, TTL: 24 * time.Hour})
	if want := s.Clock.Now().Add(59 * time.Minute); !child.Expires.Equal(want) {
		t.Errorf("got %v, want %v", child.Expires, want)
	}
}

func TestTokens_PagesWithLastUse(t *testing.T) {
	s := newEnv(t)
	ctx := t.Context()
	secret, used := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "used", Role: account.RoleReadOnly})
	for range 4 {
		s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "idle", Role: account.RoleReadOnly})
	}
	s.Clock.Advance(time.Minute)
	if _, err := s.Directory.Admin.Authenticate(ctx, secret); err != nil {
		t.Fatal(err)
	}
	for _, stored := range []bool{false, true} {
		seen := map[string]time.Time{}
		after := ""
		for page := 0; page == 0 || after != ""; page++ {
			list, next, err := s.Directory.Admin.Tokens(ctx, authntest.AsOperator, after, 2)
			if err != nil || page > 3 {
				t.Fatalf("page %d: %v", page, err)
			}
			if len(list) > 2 {
				t.Errorf("page %d has %d tokens, want at most 2", page, len(list))
			}
			for _, tok := range list {
				if _, twice := seen[tok.ID]; twice {
					t.Errorf("page %d has token %s of an earlier page", page, tok.ID)
				}
				seen[tok.ID] = tok.LastUsed
			}
			after = next
		}
		if len(seen) != 5 || !seen[used.ID].Equal(s.Clock.Now()) {
			t.Errorf("stored %v: got %v, want five and one of them used now", stored, seen)
		}
		if err := s.Directory.Admin.FlushLastUsed(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

func TestToken_EveryVersionDecodes(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	storetest.Golden(t, store.Tokens, nil, admin.Token{ID: "0123456789abcdef0123", Name: "scripts", Owner: "operator:0", Role: account.RoleUserAdmin,
		Groups: []account.GroupID{"g1"}, Secrets: true, Authn: true, By: "operator:0", Created: at, Expires: at, LastUsed: at})
}

func TestRevokeToken_OfAnotherOwnerInTheScopeIsRefused(t *testing.T) {
	s := newEnv(t)
	scope := []account.GroupID{s.Lumiere}
	a, b := s.NewAdministrator(t, "a@garage.example", authntest.Assignment(account.RoleUserAdmin, s.Lumiere)),
		s.NewAdministrator(t, "b@garage.example", authntest.Assignment(account.RoleUserAdmin, s.Lumiere))
	_, mine := s.TokenPrincipal(t, admin.NewToken{Role: account.RoleUserAdmin, Groups: scope, Owner: string(a.ID)})
	_, other := s.NewToken(t, authntest.AsOperator, admin.NewToken{Name: "of b", Role: account.RoleUserAdmin, Groups: scope, Owner: string(b.ID)})
	authntest.WantCode(t, "the token of another owner", s.Directory.Admin.RevokeToken(t.Context(), mine, s.From, other.ID), errcode.NotFound)
}

// A principal with a group scope lists tokens among many of others. Each page costs the same, and its cursor names no token of others.
func TestTokens_OfAScopeReadOnlyAPartOfThoseOfOthers(t *testing.T) {
	s := newEnv(t)
	_, p := s.TokenPrincipal(t, admin.NewToken{Role: account.RoleUserAdmin, Groups: []account.GroupID{s.Lumiere}, Owner: string(s.NewAdministrator(t, "a@garage.example",
		authntest.Assignment(account.RoleUserAdmin, s.Lumiere)).ID)})
	_, q := s.TokenPrincipal(t, admin.NewToken{Role: account.RoleUserAdmin, Owner: string(s.NewAdministrator(t, "b@garage.example",
		authntest.Assignment(account.RoleUserAdmin)).ID)})
	tokens := store.NewTable[admin.Token](s.Ring, store.Tokens)
	if err := s.Store.Update(t.Context(), func(tx store.Tx) error {
		for i := range 80 { // spread over the ids
			id := fmt.Sprintf("%064x", i)
			id = id[62:] + id[:62]
			if err := tokens.Put(tx, id, admin.Token{ID: id[:20], Name: "of others", Owner: "ux", Role: account.RoleReadOnly}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const most = 10
	s.Directory.Admin.SetPageReads(most)
	counter := storetest.CountReads(s.Store, "")
	s.Accounts.Store = counter
	for name, p := range map[string]admin.Principal{"with a group scope": p, "of one owner": q} {
		var found []string
		after := ""
		for page := 0; page == 0 || after != ""; page++ {
			counter.Reset()
			list, next, err := s.Directory.Admin.Tokens(t.Context(), p, after, 0)
			if err != nil || page > 20 || counter.Records() > most+1 {
				t.Fatalf("%s, page %d: %v with %d reads, want %d", name, page, err, counter.Records(), most)
			}
			if next != "" && !strings.HasPrefix(next, "sealed-") {
				t.Errorf("%s, page %d: the cursor %q is the id of a token of others", name, page, next)
			}
			for _, tok := range list {
				found = append(found, "token:"+tok.ID)
			}
			after = next
		}
		if !slices.Equal(found, []string{p.ID}) {
			t.Errorf("%s: got %q, want %s", name, found, p.ID)
		}
	}
	other := p
	other.ID = "token:other"
	_, next, err := s.Directory.Admin.Tokens(t.Context(), p, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Directory.Admin.Tokens(t.Context(), other, next, 0); !errors.Is(err, audit.ErrID) {
		t.Errorf("the cursor of another principal: got %v, want ErrID", err)
	}
}
