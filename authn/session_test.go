package authn_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/internal/audit"
	"barillet/internal/errcode"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

func TestSession_Lifetime(t *testing.T) {
	tests := []struct {
		name string
		live func(*testEnv, secret.Value)
		want bool
	}{
		{"just signed in", func(*testEnv, secret.Value) {}, true},
		{"a second short of an idle hour", func(env *testEnv, _ secret.Value) { env.Clock.Advance(time.Hour - time.Second) }, true},
		{"an idle hour", func(env *testEnv, _ secret.Value) { env.Clock.Advance(time.Hour) }, false},
		{"used every half hour for a day", func(env *testEnv, s secret.Value) { env.use(s, 47) }, true},
		{"used every half hour for a day and more", func(env *testEnv, s secret.Value) { env.use(s, 48) }, false},
		{"the clock was set back by a minute", func(env *testEnv, _ secret.Value) { env.Clock.Advance(-time.Minute) }, true},
		{"the clock was set back by a day", func(env *testEnv, _ secret.Value) { env.Clock.Advance(-24 * time.Hour) }, false},
		{"suspended", func(env *testEnv, _ secret.Value) {
			env.Change(env.User(amelie).ID, func(u *account.User) { u.Status = account.StatusSuspended })
		}, false},
		{"the epoch rose", func(env *testEnv, _ secret.Value) {
			env.Change(env.User(amelie).ID, func(u *account.User) { u.Epoch++ })
		}, false},
		{"the name changed", func(env *testEnv, _ secret.Value) {
			env.Change(env.User(amelie).ID, func(u *account.User) { u.FirstName = "Amélie" })
		}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			env := newTestEnv(t)
			_, _, session := env.Member(amelie, nil)
			test.live(env, session)
			if got := env.sessionValid(session); got != test.want {
				t.Errorf("valid: got %v, want %v", got, test.want)
			}
			err := env.Authn.SetLocale(t.Context(), env.From, session, "en")
			if (err == nil) != test.want {
				t.Errorf("an act in it: %v", err)
			}
		})
	}
}

// use checks a session every half hour, times times, and stores each use.
func (env *testEnv) use(session secret.Value, times int) {
	env.t.Helper()
	for range times {
		env.Clock.Advance(30 * time.Minute)
		env.sessionValid(session)
		must(env.t, env.Sessions.FlushLastSeen(env.t.Context()), "storing uses")
	}
}

// full is a store whose Update fails as on a full disk while full is set.
type full struct {
	store.Store
	set bool
}

func (f *full) Update(ctx context.Context, fn func(store.Tx) error) error {
	if f.set {
		return store.ErrUnavailable
	}
	return f.Store.Update(ctx, fn)
}

func TestSession_SurvivesFullDisk(t *testing.T) {
	env := newTestEnv(t)
	_, _, session := env.Member(amelie, nil)
	f := &full{Store: env.Store, set: true}
	env.Accounts.Store = f
	for range 4 {
		env.Clock.Advance(30 * time.Minute)
		if !env.sessionValid(session) {
			t.Fatal("a session in use ended while nothing could be written")
		}
		if err := env.Sessions.FlushLastSeen(t.Context()); !errors.Is(err, store.ErrUnavailable) {
			t.Fatalf("got %v", err)
		}
	}
	f.set = false
	must(t, env.Sessions.FlushLastSeen(t.Context()), "storing uses")
	env.Clock.Advance(59 * time.Minute)
	account, err := env.Authn.Account(t.Context(), session)
	if err != nil || !account.Sessions[0].LastSeen.Equal(env.Clock.Now().Add(-59*time.Minute)) {
		t.Errorf("when it was used was lost: %v, %+v", err, account.Sessions)
	}
}

func TestSession_SignOutEndsItOnServer(t *testing.T) {
	env := newTestEnv(t)
	u, p, session := env.Member(amelie, nil)
	other := env.SignIn(amelie, authntest.Password, p).Session
	must(t, env.Sessions.SignOut(t.Context(), env.From, session), "signing out")
	if env.sessionValid(session) || !env.sessionValid(other) {
		t.Errorf("valid: this one %v, the other %v", env.sessionValid(session), env.sessionValid(other))
	}
	must(t, env.Sessions.SignOut(t.Context(), env.From, session), "signing out twice")
	must(t, env.Sessions.SignOut(t.Context(), env.From, secret.Value{}), "signing out of nothing")
	if got := len(env.User(string(u.ID)).Sessions); got != 1 {
		t.Errorf("got %d sessions listed, want 1", got)
	}
	_, err := env.Authn.Account(t.Context(), session)
	wantCode(t, err, errcode.NoSession, "the account page")
	_, err = env.Authn.StepUp(t.Context(), env.From, session, factors.InputCode, p.Next())
	wantCode(t, err, errcode.NoSession, "proving")
}

func TestSession_ListsAndRevokesOthers(t *testing.T) {
	env := newTestEnv(t)
	_, p, mine := env.Member(amelie, nil)
	one, two := env.SignIn(amelie, authntest.Password, p).Session, env.SignIn(amelie, authntest.Password, p).Session
	_, _, pauls := env.Member("paul@garage.example", nil)
	account, err := env.Authn.Account(t.Context(), mine)
	if err != nil || len(account.Sessions) != 3 || !account.Sessions[0].Current {
		t.Fatalf("got %+v, %v", account.Sessions, err)
	}
	info, err := env.Sessions.Authenticate(t.Context(), one)
	must(t, err, "checking")
	must(t, env.Sessions.RevokeSession(t.Context(), env.From, pauls, info.ID), "ending another user's: no error, no effect")
	if !env.sessionValid(one) {
		t.Error("a session was ended by another user")
	}
	must(t, env.Sessions.RevokeSession(t.Context(), env.From, mine, info.ID), "ending one")
	if env.sessionValid(one) || !env.sessionValid(two) || !env.sessionValid(mine) {
		t.Error("not the one that was named")
	}
	halfway := env.password(env.From, amelie).Secret
	issued, err := env.Sessions.RevokeOthers(t.Context(), env.From, mine)
	must(t, err, "ending the others")
	if env.sessionValid(mine) {
		t.Error("the session that ended the others kept its secret")
	}
	mine = issued.Session
	if env.sessionValid(two) || !env.sessionValid(mine) || !env.sessionValid(pauls) {
		t.Errorf("valid: other %v, this %v, another user's %v", env.sessionValid(two), env.sessionValid(mine), env.sessionValid(pauls))
	}
	if got := env.step(halfway); got != authn.StepExpired {
		t.Errorf("a transaction outlived signing out everywhere: %q", got)
	}
}

// Signing out everywhere else is never refused, so a thief of a session can repeat it without a limit.
func TestAttack_RepeatedSignOutsOfOthersFillNoLog(t *testing.T) {
	env := newTestEnv(t)
	_, _, session := env.Member(amelie, nil)
	for range 50 {
		env.Clock.Advance(time.Second)
		issued, err := env.Sessions.RevokeOthers(t.Context(), env.From, session)
		must(t, err, "ending the others")
		session = issued.Session
	}
	if n := len(env.Events(audit.SessionsCleared)); n > 5 {
		t.Errorf("50 sign-outs without another session wrote %d events", n)
	}
}

func TestSession_LimitsSessionsPerUser(t *testing.T) {
	env := newTestEnv(t)
	u, p, first := env.Member(amelie, nil)
	env.Accounts.Policy.SessionIdle = 24 * time.Hour
	agent := "<\"&\\\x00é" + strings.Repeat("<", 9000)
	var last secret.Value
	for range 32 {
		env.From.Agent = agent
		last = env.SignIn(amelie, authntest.Password, p).Session
	}
	if got := len(env.User(string(u.ID)).Sessions); got != 32 || env.sessionValid(first) || !env.sessionValid(last) {
		t.Errorf("%d sessions, the first valid %v, the last %v", got, env.sessionValid(first), env.sessionValid(last))
	}
	env.stepUp(last, p)
	_, err := env.Authn.ChangePassword(t.Context(), env.From, last, authntest.Password, "sept chevaux dans un garage")
	must(t, err, "ending 32 sessions in one Update")
}

func TestKnownBrowser_RejectsPlantedCookie(t *testing.T) {
	env := newTestEnv(t)
	u, p, _ := env.Member(amelie, nil)
	planted := secret.From("chosen-by-somebody-who-will-guess-later-on")
	env.From.Browser = planted
	env.EmptyOutbox()
	issued := env.SignIn(amelie, authntest.Password, p)
	if issued.Browser.IsZero() || issued.Browser.Equal(planted) {
		t.Errorf("got cookie %q", issued.Browser.Reveal())
	}
	for _, b := range env.User(string(u.ID)).Browsers {
		if b.Hash == planted.Key() {
			t.Error("the planted cookie became a known browser")
		}
	}
	if got := len(mailed[notice.NewBrowser](env)); got != 1 {
		t.Errorf("got %d mails about a new browser, want 1", got)
	}
	env.From.Browser = issued.Browser
	if again := env.SignIn(amelie, authntest.Password, p); !again.Browser.IsZero() {
		t.Error("a known browser got another cookie")
	}
	if got := len(mailed[notice.NewBrowser](env)); got != 1 {
		t.Errorf("the known browser was mailed about: %d", got)
	}
	if live := env.password(env.From, "amelie@garage.example"); live.Step != authn.StepVerify {
		t.Errorf("a known browser skips a step: %q", live.Step)
	}
}

func TestSignIn_IssuesNewSecretsAndAMR(t *testing.T) {
	env := newTestEnv(t)
	_, p, first := env.Member(amelie, nil)
	issued := env.SignIn(amelie, authntest.Password, p)
	if issued.Session == first || len(issued.Session.Reveal()) != 43 {
		t.Errorf("got a session of %d characters", len(issued.Session.Reveal()))
	}
	info, err := env.Sessions.Authenticate(t.Context(), issued.Session)
	if err != nil || !slices.Equal(info.AMR, []string{"pwd", "otp", "mfa"}) || !info.StepUpUntil.IsZero() {
		t.Errorf("got %v, step-up until %v, %v", info.AMR, info.StepUpUntil, err)
	}
	for key, value := range env.allRecords() {
		for _, secret := range []string{issued.Session.Reveal(), issued.Browser.Reveal(), p.Secret, authntest.Password} {
			if secret != "" && (strings.Contains(key+value, secret)) {
				t.Errorf("record %s holds a secret in clear", key)
			}
		}
	}
}

func TestSweeps_KeepsValidRecords(t *testing.T) {
	env := newTestEnv(t)
	u, _, old := env.Member(amelie, nil)
	env.reset(u.ID, account.ProvenanceEmail, account.TicketTTL)
	for range 70 {
		env.password(env.From, amelie)
	}
	env.Clock.Advance(26 * time.Hour)
	_, _, live := env.Member("paul@garage.example", nil)
	transaction := env.password(env.From, "paul@garage.example").Secret
	must(t, storetest.Sweep(t.Context(), env.Store, env.Authn.Sweep()), "deleting expired transactions")
	must(t, storetest.Sweep(t.Context(), env.Store, env.Accounts.Sweeps()...), "deleting expired links")
	must(t, storetest.Sweep(t.Context(), env.Store, env.Sessions.Sweeps()...), "deleting expired sessions")
	count := map[string]int{}
	for key := range env.allRecords() {
		for _, kind := range []store.TableDef{store.Transactions, store.Sessions, store.Links} {
			if len(key) > len(kind.Prefix) && key[:len(kind.Prefix)] == kind.Prefix {
				count[kind.Prefix]++
			}
		}
	}
	if count["transaction/"] != 1 || count["session/"] != 1 || count["link/"] != 3 {
		t.Errorf("left %v, want one transaction, one session, the ticket link that can still be resent, and a link to freeze for each user", count)
	}
	if env.sessionValid(old) || !env.sessionValid(live) || env.step(transaction) != authn.StepVerify {
		t.Error("the wrong records were deleted")
	}
}

// TestAttack_SignInsInNewBrowsersFillTheStore signs in again and again without a cookie. The record of a browser that is no known
// browser any more is deleted, unless it is one of another user.
func TestAttack_SignInsInNewBrowsersFillTheStore(t *testing.T) {
	e := authntest.New(t)
	_, phone, _ := e.Member("lea@garage.example", nil)
	_, other, _ := e.Member("karim@garage.example", nil)
	before := records(t, e, store.Browsers)
	shared := e.SignIn("lea@garage.example", authntest.Password, phone).Browser
	e.From.Browser = shared
	e.SignIn("karim@garage.example", authntest.Password, other)
	e.From.Browser = secret.Value{}
	for range account.MaxBrowsers + 8 {
		e.SignIn("lea@garage.example", authntest.Password, phone)
	}
	if got := records(t, e, store.Browsers); got != before-1+account.MaxBrowsers+1 {
		t.Errorf("got %d records of browsers, want %d of one user and the others", got, account.MaxBrowsers)
	}
	if user, err := e.Sessions.BrowserUser(t.Context(), shared); err != nil || user == "" {
		t.Errorf("the browser of both users: user %v, %v", user, err)
	}
}

// A record makes a browser a known one, whose requests have a reserved share. An administrator can make a user forget all browsers, for
// example the one of a thief.
func TestSweep_EndsABrowserThatItsOnlyUserForgot(t *testing.T) {
	e := authntest.New(t)
	lea, phone, _ := e.Member("lea@garage.example", nil)
	karim, other, _ := e.Member("karim@garage.example", nil)
	mine := e.SignIn("lea@garage.example", authntest.Password, phone).Browser
	kept := e.SignIn("karim@garage.example", authntest.Password, other).Browser
	shared := e.SignIn("lea@garage.example", authntest.Password, phone).Browser
	e.From.Browser = shared
	e.SignIn("karim@garage.example", authntest.Password, other)
	want := func(when string, known map[secret.Value]bool) {
		t.Helper()
		must(t, storetest.Sweep(t.Context(), e.Store, e.Sessions.Sweeps()...), "sweeping")
		for browser, want := range known {
			if got, err := e.Sessions.BrowserUser(t.Context(), browser); err != nil || (got != "") != want {
				t.Errorf("%s: got user %q, %v, want one %v", when, got, err, want)
			}
		}
	}
	want("before", map[secret.Value]bool{mine: true, kept: true, shared: true})
	must(t, e.Directory.RevokeSessions(t.Context(), authntest.AsOperator, e.From, string(lea.ID), true), "forgetting")
	want("forgotten", map[secret.Value]bool{mine: false, kept: true, shared: true})
	for range 2 { // deactivate, then delete
		must(t, e.Directory.Delete(t.Context(), authntest.AsOperator, e.From, string(karim.ID)), "deleting")
	}
	want("deleted", map[secret.Value]bool{mine: false, kept: false, shared: true})
}

// records returns the number of records of a table.
func records(t *testing.T, e *authntest.Env, table store.TableDef) int {
	t.Helper()
	counts, err := storetest.Count(t.Context(), e.Store)
	if err != nil {
		t.Fatal(err)
	}
	return counts[table.Prefix]
}
