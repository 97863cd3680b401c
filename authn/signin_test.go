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

func TestEveryFailedSignInHasOneAnswer(t *testing.T) {
	h := newHouse(t)
	h.Member(amelie, nil)
	suspended, _, _ := h.Member("serge@garage.example", nil)
	h.Change(suspended.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	h.CreateUser("staged@garage.example", nil)
	h.Member("kim@garage.example", nil)
	tests := []struct{ name, identifier, password string }{
		{"nobody of that name", "nobody@garage.example", authntest.Password},
		{"a wrong password", amelie, "not this one at all"},
		{"no password", amelie, ""},
		{"a suspended person", "serge@garage.example", authntest.Password},
		{"somebody who has no password yet", "staged@garage.example", ""},
		{"no name", "", authntest.Password},
		{"a dotless i for an i", "kım@garage.example", authntest.Password},
		{"a Kelvin sign for a k", "\u212aim@garage.example", authntest.Password},
		{"a long s for an s", "ſerge@garage.example", authntest.Password},
		{"a full-width at", "kim＠garage.example", authntest.Password},
		{"a blank of no width", "kim\u200b@garage.example", authntest.Password},
		{"NUL", "kim\x00@garage.example", authntest.Password},
		{"a slash on the way to another key", "../user/x", authntest.Password},
		{"a name too long for a key", strings.Repeat("%", 254), authntest.Password},
		{"64 KiB", strings.Repeat("é", 32<<10), authntest.Password},
	}
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req := h.at("203.0.113.1")
			if i > 9 {
				req = h.at("203.0.113.200")
			}
			started, err := h.Authn.StartWithPassword(t.Context(), req, test.identifier, test.password, "")
			refused(t, err, errcode.SignInFailed, "signing in")
			if !started.Secret.IsZero() {
				t.Error("a login was begun")
			}
		})
	}
	for _, identifier := range []string{amelie, "  " + strings.ToUpper(amelie) + "\r\n"} {
		if _, err := h.Authn.StartWithPassword(t.Context(), h.From, identifier, authntest.Password, ""); err != nil {
			t.Errorf("%q: %v", identifier, err)
		}
	}
}

// A ghost waits as long as a person: a lock-out tells nothing.
func TestAGhostIsStoppedAsAPersonIs(t *testing.T) {
	h := newHouse(t)
	h.Member(amelie, nil)
	type answer struct {
		code  errcode.Code
		retry time.Duration
	}
	try := func(name string, i int) answer {
		if i%2 == 1 {
			name = " " + strings.ToUpper(name) // no fresh counter for another spelling
		}
		_, err := h.Authn.StartWithPassword(t.Context(), h.at("203.0.113.5"), name, "wrong in any case", "")
		return answer{errcode.Of(err), retry(err)}
	}
	stopped := 0
	for i := range 14 {
		person, ghost := try(amelie, i), try("nobody@garage.example", i)
		if person != ghost {
			t.Errorf("try %d: a person gets %+v, a ghost %+v", i, person, ghost)
		}
		if person.code == errcode.RateLimited {
			stopped++
		}
		h.Clock.Advance(20 * time.Second)
	}
	if stopped < 4 {
		t.Errorf("stopped %d times of 14", stopped)
	}
	h.Clock.Advance(15 * time.Minute)
	h.password(h.From, amelie)
}

// counting is a store that counts what it is asked for.
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

func TestKnownAndUnknownNamesCostTheSameWork(t *testing.T) {
	h := newHouse(t)
	h.Member(amelie, nil)
	c := &counting{Store: h.Store}
	h.Accounts.Store = c
	for _, name := range []string{amelie, "nobody@garage.example", "no name at all", strings.Repeat("x", 4000)} {
		c.views, c.updates = 0, 0
		_, err := h.Authn.StartWithPassword(t.Context(), h.From, name, "wrong in any case", "")
		refused(t, err, errcode.SignInFailed, "signing in")
		if c.views != 1 || c.updates != 1 {
			t.Errorf("%.20q: %d views and %d updates, want one of each", name, c.views, c.updates)
		}
	}
}

// Two sign-ins that both find a hash of another cost: neither is taken for a wrong password.
func TestAPasswordHashedAnewAtTheSameMomentIsNotAWrongOne(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	dearer, err := password.NewHasher(h.Keys.Pepper, password.Policy{Cost: password.Cost{Memory: 8192, Time: 2, Threads: 1}})
	do(t, err, "setting up passwords")
	phc, err := dearer.Hash(t.Context(), true, authntest.Password)
	do(t, err, "hashing")
	h.Change(u.ID, func(u *account.User) { u.Password.Hash = phc })
	rerun := h.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		h.password(h.From, amelie)
	}
	if got := h.password(h.From, amelie); got.Step != authn.StepVerify {
		t.Errorf("got step %q", got.Step)
	}
	if f := h.counters(u.ID); len(f.Unknown.Passwords.Times) != 0 {
		t.Errorf("counted as wrong: %+v", f)
	}
	if h.User(string(u.ID)).Password.Hash == phc {
		t.Error("the hash of another cost is still there")
	}
}

func TestAPasswordChangedBetweenJudgingAndStoringOpensNothing(t *testing.T) {
	h := newHouse(t)
	u, _, _ := h.Member(amelie, nil)
	phc, err := h.Accounts.Hasher.Hash(t.Context(), true, another)
	do(t, err, "hashing")
	rerun := h.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		h.Change(u.ID, func(u *account.User) { u.Password.Hash, u.PasswordEpoch, u.Epoch = phc, u.PasswordEpoch+1, u.Epoch+1 })
	}
	_, err = h.Authn.StartWithPassword(t.Context(), h.From, amelie, authntest.Password, "")
	refused(t, err, errcode.SignInFailed, "the password of a moment ago")
}

func TestThirtyPeopleBehindOneAddressSignInWhileFailuresFromItAreLimited(t *testing.T) {
	h := newHouse(t)
	names := []string{"a", "b", "c", "d", "e", "f"}
	phones, browsers := map[string]*authntest.Phone{}, map[string]secret.Value{}
	for _, n := range names {
		name := n + "@garage.example"
		_, phones[n], _ = h.Member(name, nil)
		issued := h.SignIn(name, authntest.Password, phones[n])
		browsers[n] = issued.Browser
	}
	h.Clock.Advance(time.Hour)
	for i := range 30 { // thirty sign-ins within one second
		h.password(h.From, names[i%len(names)]+"@garage.example")
	}
	judged := 0
	for i := range 40 {
		_, err := h.Authn.StartWithPassword(t.Context(), h.From, "ghost"+strings.Repeat("x", i)+"@garage.example", "wrong in any case", "")
		if errcode.Of(err) == errcode.SignInFailed {
			judged++
		}
	}
	if judged != 20 {
		t.Errorf("%d wrong names were judged from one address, want 20", judged)
	}
	_, err := h.Authn.StartWithPassword(t.Context(), h.From, amelie, authntest.Password, "")
	refused(t, err, errcode.RateLimited, "a stranger's browser at that address")
	for _, n := range names {
		req := h.From
		req.Browser = browsers[n]
		h.password(req, n+"@garage.example")
	}
	h.password(h.at("192.0.2.11"), "a@garage.example")
	h.Clock.Advance(time.Minute)
	h.password(h.From, "a@garage.example")
}

func TestALoginLivesTenMinutes(t *testing.T) {
	h := newHouse(t)
	_, p, _ := h.Member(amelie, nil)
	login := h.password(h.From, amelie).Secret
	h.Clock.Advance(account.TransactionTTL)
	if got := h.step(login); got != authn.StepExpired {
		t.Errorf("got step %q", got)
	}
	_, err := h.Authn.Verify(t.Context(), h.From, login, factors.InputCode, p.Code())
	refused(t, err, errcode.Expired, "verifying in it")
	if _, err := h.Sessions.Authenticate(t.Context(), h.password(h.From, amelie).Secret); errcode.Of(err) != errcode.NoSession {
		t.Errorf("a login under way is taken for a session: %v", err)
	}
}
