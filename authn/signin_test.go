package authn_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/password"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

func TestStartWithPassword_SameAnswerForEveryFailure(t *testing.T) {
	env := newTestEnv(t)
	env.Member(amelie, nil)
	suspended, _, _ := env.Member("serge@garage.example", nil)
	env.Change(suspended.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	env.CreateUser("staged@garage.example", nil)
	env.Member("kim@garage.example", nil)
	tests := []struct{ name, identifier, password string }{
		{"an unknown login", "nobody@garage.example", authntest.Password},
		{"a wrong password", amelie, "not this one at all"},
		{"no password", amelie, ""},
		{"a suspended user", "serge@garage.example", authntest.Password},
		{"a user without a password", "staged@garage.example", ""},
		{"no name", "", authntest.Password},
		{"a dotless i for an i", "kım@garage.example", authntest.Password},
		{"a Kelvin sign for a k", "\u212aim@garage.example", authntest.Password},
		{"a long s for an s", "ſerge@garage.example", authntest.Password},
		{"a full-width at", "kim＠garage.example", authntest.Password},
		{"NUL", "kim\x00@garage.example", authntest.Password},
		{"a slash, towards another key", "../user/x", authntest.Password},
		{"a name too long for a key", strings.Repeat("%", 254), authntest.Password},
		{"64 KiB", strings.Repeat("é", 32<<10), authntest.Password},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := env.fromAddress("203.0.113.1")
			if i > 9 {
				req = env.fromAddress("203.0.113.200")
			}
			started, err := env.Authn.StartWithPassword(t.Context(), req, test.identifier, test.password)
			wantCode(t, err, errcode.SignInFailed, "signing in")
			if !started.Secret.IsZero() {
				t.Error("a transaction was begun")
			}
		})
	}
	for _, identifier := range []string{amelie, "  " + strings.ToUpper(amelie) + "\r\n", amelie + "\u00a0", "\u200b" + amelie + "\ufeff"} {
		if _, err := env.Authn.StartWithPassword(t.Context(), env.From, identifier, authntest.Password); err != nil {
			t.Errorf("%q: %v", identifier, err)
		}
	}
}

// An unknown login waits as long as a user, so a limit reveals nothing.
func TestStartWithPassword_LimitsUnknownLoginLikeUser(t *testing.T) {
	env := newTestEnv(t)
	env.Member(amelie, nil)
	type answer struct {
		code  errcode.Code
		retry time.Duration
	}
	try := func(name string, i int) answer {
		if i%2 == 1 {
			name = " " + strings.ToUpper(name) // no fresh counter for another spelling
		}
		_, err := env.Authn.StartWithPassword(t.Context(), env.fromAddress("203.0.113.5"), name, "wrong in any case")
		return answer{errcode.Of(err), retry(err)}
	}
	stopped := 0
	for i := range 14 {
		person, ghost := try(amelie, i), try("nobody@garage.example", i)
		if person != ghost {
			t.Errorf("try %d: a user gets %+v, an unknown login %+v", i, person, ghost)
		}
		if person.code == errcode.RateLimited {
			stopped++
		}
		env.Clock.Advance(20 * time.Second)
	}
	if stopped < 4 {
		t.Errorf("stopped %d times of 14", stopped)
	}
	env.Clock.Advance(15 * time.Minute)
	env.password(env.From, amelie)
}

// counting is a store that counts its transactions.
type counting struct {
	store.Store
	views, updates int
}

func (c *counting) View(ctx context.Context, fn func(store.Snapshot) error) error {
	c.views++
	return c.Store.View(ctx, fn)
}

func (c *counting) Update(ctx context.Context, fn func(store.Tx) error) error {
	c.updates++
	return c.Store.Update(ctx, fn)
}

func TestStartWithPassword_SameWorkForUnknownLogin(t *testing.T) {
	env := newTestEnv(t)
	env.Member(amelie, nil)
	c := &counting{Store: env.Store}
	env.Accounts.Store = c
	for _, name := range []string{amelie, "nobody@garage.example", "no name at all", strings.Repeat("x", 4000)} {
		c.views, c.updates = 0, 0
		_, err := env.Authn.StartWithPassword(t.Context(), env.From, name, "wrong in any case")
		wantCode(t, err, errcode.SignInFailed, "signing in")
		if c.views != 1 || c.updates != 1 {
			t.Errorf("%.20q: %d views and %d updates, want one of each", name, c.views, c.updates)
		}
	}
}

// Two concurrent sign-ins renew the hash: neither counts as a wrong password.
func TestStartWithPassword_ConcurrentRehashIsNotCounted(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	hash := env.hashOfLess(u.ID)
	rerun := env.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		env.password(env.From, amelie)
	}
	if got := env.password(env.From, amelie); got.Step != authn.StepVerify {
		t.Errorf("got step %q", got.Step)
	}
	if f := env.counters(u.ID); len(f.Unknown.Passwords.Times) != 0 {
		t.Errorf("counted as wrong: %+v", f)
	}
	if env.User(string(u.ID)).Password.Hash == hash {
		t.Error("the hash of a lower cost is still there")
	}
}

// hashOfLess gives a user a hash of less work than the policy says, as before it was raised.
func (env *testEnv) hashOfLess(id account.UserID) string {
	env.T.Helper()
	h := env.Accounts.Hasher
	cheaper, err := password.NewHasher(env.Keys.Pepper, h.Policy)
	must(env.T, err, "setting up passwords")
	hash, err := cheaper.Hash(env.T.Context(), true, authntest.Password)
	must(env.T, err, "hashing")
	env.Change(id, func(u *account.User) { u.Password.Hash = hash })
	h.Policy.Cost.Time++
	return hash
}

// The new hash of a sign-in never replaces a password that was chosen meanwhile.
func TestStartWithPassword_RehashLosesToAPasswordChange(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	env.hashOfLess(u.ID)
	chosen, err := env.Accounts.Hasher.Hash(t.Context(), true, another)
	must(t, err, "hashing")
	rerun := env.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		env.Change(u.ID, func(u *account.User) {
			u.Password.Hash, u.PasswordEpoch, u.Epoch = chosen, u.PasswordEpoch+1, u.Epoch+1
		})
	}
	_, err = env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
	wantCode(t, err, errcode.SignInFailed, "the password of a moment ago")
	if env.User(string(u.ID)).Password.Hash != chosen {
		t.Error("the chosen password was replaced")
	}
}

// A wrong password, and a policy that was lowered, leave the hash as it is.
func TestStartWithPassword_RehashesUpwardsOnly(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	hash := env.hashOfLess(u.ID)
	_, err := env.Authn.StartWithPassword(t.Context(), env.From, amelie, another)
	wantCode(t, err, errcode.SignInFailed, "a wrong password")
	if env.User(string(u.ID)).Password.Hash != hash {
		t.Error("a wrong password renewed the hash")
	}
	env.password(env.From, amelie)
	raised := env.User(string(u.ID)).Password.Hash
	if raised == hash {
		t.Error("the hash of a lower cost is still there")
	}
	env.Accounts.Hasher.Policy.Cost.Time--
	env.password(env.From, amelie)
	if env.User(string(u.ID)).Password.Hash != raised {
		t.Error("the hash was lowered")
	}
}

func TestStartWithPassword_RejectsPasswordChangedMeanwhile(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	hash, err := env.Accounts.Hasher.Hash(t.Context(), true, another)
	must(t, err, "hashing")
	rerun := env.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		env.Change(u.ID, func(u *account.User) { u.Password.Hash, u.PasswordEpoch, u.Epoch = hash, u.PasswordEpoch+1, u.Epoch+1 })
	}
	_, err = env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
	wantCode(t, err, errcode.SignInFailed, "the password of a moment ago")
}

func TestStartWithPassword_SharedAddress(t *testing.T) {
	env := newTestEnv(t)
	names := []string{"a", "b", "c", "d", "e", "f"}
	phones, browsers := map[string]*authntest.Phone{}, map[string]secret.Value{}
	for _, n := range names {
		name := n + "@garage.example"
		_, phones[n], _ = env.Member(name, nil)
		issued := env.SignIn(name, authntest.Password, phones[n])
		browsers[n] = issued.Browser
	}
	env.Clock.Advance(time.Hour)
	for i := range 30 { // thirty sign-ins within one second
		env.password(env.From, names[i%len(names)]+"@garage.example")
	}
	verified := 0
	for i := range 40 {
		_, err := env.Authn.StartWithPassword(t.Context(), env.From, "ghost"+strings.Repeat("x", i)+"@garage.example", "wrong in any case")
		if errcode.Of(err) == errcode.SignInFailed {
			verified++
		}
	}
	if verified != 20 {
		t.Errorf("%d wrong names were verified from one address, want 20", verified)
	}
	_, err := env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
	wantCode(t, err, errcode.RateLimited, "an unknown browser at that address")
	for _, n := range names {
		req := env.From
		req.Browser = browsers[n]
		env.password(req, n+"@garage.example")
	}
	env.password(env.fromAddress("192.0.2.11"), "a@garage.example")
	env.Clock.Advance(time.Minute)
	env.password(env.From, "a@garage.example")
}

func TestTransaction_LastsTenMinutes(t *testing.T) {
	env := newTestEnv(t)
	_, p, _ := env.Member(amelie, nil)
	transaction := env.password(env.From, amelie).Secret
	env.Clock.Advance(account.TransactionTTL)
	if got := env.step(transaction); got != authn.StepExpired {
		t.Errorf("got step %q", got)
	}
	_, err := env.Authn.Verify(t.Context(), env.From, transaction, factors.InputCode, p.Code())
	wantCode(t, err, errcode.Expired, "verifying in it")
	if _, err := env.Sessions.Authenticate(t.Context(), env.password(env.From, amelie).Secret); errcode.Of(err) != errcode.NoSession {
		t.Errorf("a transaction is accepted as a session: %v", err)
	}
}
