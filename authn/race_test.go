package authn_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/errcode"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

// meeting is a store whose first Updates wait for one another: all have read the store before any of them writes.
type meeting struct {
	store.Store
	left *atomic.Int32
	all  *sync.WaitGroup
}

func (m meeting) Update(ctx context.Context, fn func(store.Tx) error) error {
	if m.left.Add(-1) >= 0 {
		m.all.Done()
		m.all.Wait()
	}
	return m.Store.Update(ctx, fn)
}

// atOnce calls try n times at once, in turn on this process and on another one, so that all limits are read before any
// attempt is counted. It returns how often try returned each result.
func (env *testEnv) atOnce(n int, try func(node *testEnv) string) map[string]int {
	env.t.Helper()
	left, met := new(atomic.Int32), new(sync.WaitGroup)
	left.Store(int32(n))
	met.Add(n)
	nodes := []*testEnv{env, {env.Node(), env.t}}
	for _, node := range nodes {
		node.Accounts.Store = meeting{node.Accounts.Store, left, met}
	}
	results := map[string]int{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			got := try(nodes[i%len(nodes)])
			mu.Lock()
			defer mu.Unlock()
			results[got]++
		})
	}
	all.Wait()
	return results
}

// noticeAt is the number of wrong codes in a row after which the user is notified.
const noticeAt = 3

const refusedByLimit = "refused by the limit"

// Three wrong codes come one after another, for the third saves the user's record, and ten more at once.
func TestVerify_WrongCodesAtOnceStopAtFive(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	wrong := wrongCode(p)
	for range noticeAt {
		env.verify(env.password(env.From, amelie).Secret, wrong)
	}
	started := make(chan secret.Value, 10)
	for range 10 {
		started <- env.password(env.From, amelie).Secret
	}
	got := env.atOnce(10, func(node *testEnv) string {
		v, err := node.Authn.Verify(t.Context(), node.From, <-started, factors.InputCode, wrong)
		switch {
		case err != nil:
			return err.Error()
		case v.Wait > 0:
			return refusedByLimit
		}
		return string(v.Rejected)
	})
	if got[string(factors.ReasonWrong)] != 2 || got[refusedByLimit] != 8 {
		t.Errorf("got %v, want 2 more verified and 8 refused", got)
	}
	if f := env.counters(u.ID); f.Streak != 5 {
		t.Errorf("counted %d, want 5", f.Streak)
	}
}

func TestStartWithPassword_TenWrongPasswordsAtOnceAreFive(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	got := env.atOnce(10, func(node *testEnv) string {
		_, err := node.Authn.StartWithPassword(t.Context(), node.From, amelie, "wrong in any case")
		return string(errcode.Of(err))
	})
	if got[string(errcode.SignInFailed)] != 5 || got[string(errcode.RateLimited)] != 5 {
		t.Errorf("got %v, want 5 verified and 5 refused", got)
	}
	if f := env.counters(u.ID); f.Unknown.Passwords.Streak != 5 {
		t.Errorf("counted %d, want 5", f.Unknown.Passwords.Streak)
	}
}

func TestChangePassword_TenWrongPasswordsAtOnceAreFive(t *testing.T) {
	env := newTestEnv(t)
	_, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	got := env.atOnce(10, func(node *testEnv) string {
		_, err := node.Authn.ChangePassword(t.Context(), node.From, session, "wrong in any case", another)
		return string(errcode.Of(err))
	})
	if got[string(errcode.Invalid)] != 5 || got[string(errcode.RateLimited)] != 5 {
		t.Errorf("got %v, want 5 verified and 5 refused", got)
	}
}

// between runs change between the two runs of the closure of the next Update.
func (env *testEnv) between(change func()) {
	rerun := env.Store.(*storetest.Rerun)
	rerun.Between = func() {
		rerun.Between = nil
		change()
	}
}

func TestVerifyByAdmin_RejectsCodeUsedWhileStoring(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	rivals, code := env.password(env.From, amelie).Secret, p.Next()
	env.between(func() {
		if v := env.verify(rivals, code); !v.Accepted() {
			t.Errorf("the other request: rejected %q", v.Rejected)
		}
	})
	if v, err := env.Authn.VerifyByAdmin(t.Context(), env.From, adminCall("uboss", "a", u.ID), p.Device, code); err != nil || v.Rejected != factors.ReasonReplayed {
		t.Errorf("got %q, %v, want %q", v.Rejected, err, factors.ReasonReplayed)
	}
}

func TestChangePassword_RejectsPasswordChangedMeanwhile(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	env.stepUp(session, p)
	hash, err := env.Accounts.Hasher.Hash(t.Context(), true, another)
	must(t, err, "hashing")
	env.between(func() { env.Change(u.ID, func(u *account.User) { u.Password.Hash = hash }) })
	_, err = env.Authn.ChangePassword(t.Context(), env.From, session, authntest.Password, "trois clefs sous le paillasson")
	wantCode(t, err, errcode.Invalid, "the password of a moment ago")
	if env.User(string(u.ID)).Password.Hash != hash {
		t.Error("the newer password was replaced")
	}
}

func TestStartWithPassword_RejectsUserSuspendedMeanwhile(t *testing.T) {
	env := newTestEnv(t)
	u, _, _ := env.Member(amelie, nil)
	env.between(func() { env.Change(u.ID, func(u *account.User) { u.Status = account.StatusSuspended }) })
	_, err := env.Authn.StartWithPassword(t.Context(), env.From, amelie, authntest.Password)
	wantCode(t, err, errcode.SignInFailed, "a user who was suspended a moment ago")
}
