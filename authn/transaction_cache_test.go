package authn_test

import (
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
)

// Between the check of the page and that of the code, in one request, another request changes what both read.
func TestVerify_SeesChangeDuringItsRequest(t *testing.T) {
	type place struct {
		*testEnv
		user  account.UserID
		login secret.Value
		code  []byte
	}
	for name, test := range map[string]struct {
		change func(in place)
		want   string // "": accepted
	}{
		"none":                      {func(place) {}, ""},
		"a change of the name":      {func(in place) { in.Change(in.user, func(u *account.User) { u.FirstName = "Zoé" }) }, ""},
		"the code used elsewhere":   {func(in place) { in.verify(in.password(in.From, amelie).Secret, in.code) }, string(factors.ReasonReplayed)},
		"the transaction completed": {func(in place) { in.verify(in.login, in.code) }, string(errcode.Expired)},
		"a reset":                   {func(in place) { in.reset(in.user, account.ProvenanceEmail, time.Hour) }, string(errcode.WrongState)},
		"a suspension":              {func(in place) { in.Change(in.user, func(u *account.User) { u.Status = account.StatusSuspended }) }, string(errcode.Expired)},
		"another epoch":             {func(in place) { in.Change(in.user, func(u *account.User) { u.Epoch++ }) }, string(errcode.Expired)},
	} {
		t.Run(name, func(t *testing.T) {
			env := newTestEnv(t)
			u, p, _ := env.Member(amelie, nil)
			in := place{env, u.ID, env.password(env.From, amelie).Secret, p.Next()}
			ctx := authn.WithRequest(t.Context())
			who, err := env.Authn.TransactionUser(ctx, in.login)
			must(t, err, "reading the user")
			if want := (authn.TransactionUser{Step: authn.StepVerify, ID: u.ID, Name: u.DisplayName()}); who != want {
				t.Fatalf("the user of the transaction is %+v, want %+v", who, want)
			}
			test.change(in)
			v, err := env.Authn.Verify(ctx, env.From, in.login, factors.InputCode, in.code)
			if got := string(errcode.Of(err)) + string(v.Rejected); got != test.want {
				t.Errorf("the code: %q, want %q (%v)", got, test.want, err)
			}
			if _, err := env.Authn.Verify(ctx, env.From, in.login, factors.InputCode, in.code); err == nil && test.want != string(factors.ReasonReplayed) {
				t.Error("the same request verified a code again")
			}
			if name == "a change of the name" && env.User(amelie).FirstName != "Zoé" {
				t.Error("the sign-in stored the user as they were before")
			}
		})
	}
}

// An API token continues no transaction of a browser, also in a context that has read one (protocol rule 25).
func TestVerify_ByTokenInContextOfBrowser(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	login, ctx := env.password(env.From, amelie).Secret, authn.WithRequest(t.Context())
	_, err := env.Authn.TransactionUser(ctx, login)
	must(t, err, "reading the user")
	byToken := account.RequestInfo{Address: env.From.Address, APIToken: "token:1"}
	if _, err := env.Authn.Verify(ctx, byToken, login, factors.InputCode, p.Next()); errcode.Of(err) != errcode.Expired {
		t.Errorf("an API token: %v, want %v", err, errcode.Expired)
	}
}
