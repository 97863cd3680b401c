// Package authntest provides test environments: the services of authn and its subpackages on a real store in a temporary
// directory. An environment has all kinds of factors and a clock that the test moves. Its users sign in and enrol by the same
// methods as in production. Only tests import this package. It contains no rules.
package authntest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/approval"
	"barillet/authn/counts"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/handover"
	"barillet/authn/helpdesk"
	"barillet/authn/password"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/factors/hotp"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/audit/tree"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/internal/webhook"
	"barillet/store"
	"barillet/store/bolt"
	"barillet/store/storetest"
	"barillet/templates"
)

// Start is the initial time of the clock of an Env.
var Start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// Clock is a clock that the test moves. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time of the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Env is an environment of a test: the services and what they depend on.
type Env struct {
	T         testing.TB
	Accounts  *account.Service
	Sessions  *session.Service
	Authn     *authn.Service
	Enrolment *enrol.Service
	Directory *directory.Service // with its Admin and HelpDesk
	Handover  *handover.Service
	Approvals *approval.Service
	Counts    *counts.Service
	Store     store.Store // runs every closure twice and rejects nested calls
	Ring      *store.Keyring
	Keys      store.RootKeys
	Clock     *Clock
	Outbox    *mail.Outbox
	Hooks     *webhook.Endpoints
	Log       audit.Log
	From      account.RequestInfo // a request of a browser without a cookie

	bolt store.Store // without the wrappers
}

// Password is the password of the users that Member creates.
const Password = "clef de douze et tournevis"

// New returns an environment with its own store. Every Update closure runs twice (protocol rule 31), and password hashes are cheap.
// A test that calls New runs in parallel with the other tests of its package that call it.
func New(t testing.TB) *Env {
	t.Helper()
	parallel(t)
	return newIn(t, storetest.Dir(t), store.NewRootKeys(), Start)
}

var parallelTests sync.Map // of *testing.T

// parallel calls t.Parallel once for a test. It does not call it for subtests, because later code may need their results.
func parallel(t testing.TB) {
	test, ok := t.(*testing.T)
	if !ok || strings.Contains(t.Name(), "/") {
		return
	}
	if _, called := parallelTests.LoadOrStore(test, true); !called {
		test.Parallel()
	}
}

// newIn is New with a data directory, root keys and a clock that begins at start.
func newIn(t testing.TB, dir string, keys store.RootKeys, start time.Time) *Env {
	t.Helper()
	return newOn(t, openFile(t, dir), keys, start)
}

// openFile opens the store of a data directory until the test ends.
func openFile(t testing.TB, dir string) store.Store {
	t.Helper()
	file, err := bolt.Open(filepath.Join(dir, "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return file
}

// newOn is newIn with an open store.
func newOn(t testing.TB, file store.Store, keys store.RootKeys, start time.Time) *Env {
	t.Helper()
	clock := &Clock{now: start}
	ring, err := store.OpenKeyring(t.Context(), file, keys, start)
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := password.NewHasher(keys.Pepper, password.Policy{MinMemory: 64, Cost: password.Cost{Memory: 64, Time: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	key, err := webauthn.New(webauthn.Config{RPID: "login.example", RPDisplayName: "Garage Lumière", Origins: []string{"https://login.example"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ring.CheckShared(); err != nil {
			t.Error(err)
		}
	})
	hooks, log := webhook.NewEndpoints(ring), audit.NewLog(ring)
	log.Watch = func(tx store.Tx, entry audit.Entry) error {
		if entry.Actor.Type == audit.TypeUser && entry.Actor.ID != entry.Subject && entry.Actor.Name != "" { // administrators act by tokens, or without a name
			t.Errorf("%s names user %s as its actor, and is about %q: nothing would erase it", entry.Action, entry.Actor.Name, entry.Subject)
		}
		return hooks.Watch(tx, entry)
	}
	e := &Env{T: t, bolt: file, Store: wrapped(t, ring.CorrectTimes(file, clock.Now)), Ring: ring, Keys: keys, Clock: clock,
		Outbox: mail.NewOutbox(ring, "login.example"), Hooks: hooks, Log: log,
		From: account.RequestInfo{Address: netip.MustParseAddr("192.0.2.10"), RequestID: "req-1",
			Agent: "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}}
	e.open(passwords, []factors.Factor{totp.TOTP{}, key, hotp.HOTP{}, recovery.Recovery{MAC: keys.Pepper.MAC}})
	return e
}

// wrapped returns the store of an environment: tests run every closure twice and reject nested calls. The price of the
// second, some 10 microseconds a call, is not part of a benchmark.
func wrapped(t testing.TB, file store.Store) store.Store {
	if _, benchmark := t.(*testing.B); !benchmark {
		file = requireCharge(t, storetest.RejectNesting(t, file))
	}
	return storetest.RunTwice(file)
}

// open makes the services on the store and the keyring of e.
func (e *Env) open(hasher *password.Hasher, kinds []factors.Factor) {
	e.Accounts = &account.Service{
		Store: e.Store, Pepper: e.Keys.Pepper, Hasher: hasher,
		Factors: kinds,
		Limiter: throttle.NewLimiter(e.Ring, e.Keys.Pepper), Failures: throttle.NewFailureStore(e.Ring, e.Keys.Pepper),
		Log: e.Log, Outbox: e.Outbox, Now: e.Clock.Now,
		Policy: account.Policy{Issuer: "Garage Lumiere", PublicURL: "https://login.example", DefaultLocale: "fr", Locales: []string{"fr", "en"}, AllowCopies: true,
			SessionIdle: time.Hour, SessionMax: 24 * time.Hour, Support: func() string { return "support@garage.example" }},
	}
	e.Accounts.Open(e.Ring)
	e.Sessions = session.New(e.Accounts, e.Ring, nil)
	e.Authn = authn.New(e.Accounts, e.Sessions, e.Ring)
	e.Enrolment = &enrol.Service{Accounts: e.Accounts, Sessions: e.Sessions, SignIn: e.Authn}
	admin := admin.New(e.Authn, e.Ring)
	var err error
	e.Counts = counts.New(e.Accounts, e.Ring)
	if admin.Tree, err = tree.New(tree.Config{Store: e.Store, Keyring: e.Ring, Pepper: e.Keys.Pepper, Now: e.Clock.Now, Log: slog.New(slog.DiscardHandler), Numbered: e.Counts.Note}); err != nil {
		e.T.Fatal(err)
	}
	e.Directory = directory.New(helpdesk.New(admin, e.Authn, e.Ring), e.Enrolment, e.Counts)
	e.Approvals = approval.New(e.Directory, e.Ring)
	e.Handover = handover.New(e.Directory.HelpDesk, e.Directory.Freeze, e.Authn, e.Ring)
}

// Node returns an environment on the same store, as a second process: without the caches of this one.
func (e *Env) Node() *Env { return e.NodeOn(func(s store.Store) store.Store { return s }) }

// NodeOn is Node with a wrapper around its store.
func (e *Env) NodeOn(wrap func(store.Store) store.Store) *Env {
	e.T.Helper()
	ring, err := store.OpenKeyring(e.T.Context(), e.Store, e.Keys, e.Clock.Now())
	if err != nil {
		e.T.Fatal(err)
	}
	node := *e
	node.Ring, node.Log, node.Store = ring, audit.NewLog(ring), wrap(wrapped(e.T, ring.CorrectTimes(e.bolt, e.Clock.Now)))
	node.open(e.Accounts.Hasher, e.Accounts.Factors)
	node.Accounts.Policy = e.Accounts.Policy
	return &node
}

// CreateUser creates a staged user without a password. change may be nil.
func (e *Env) CreateUser(address string, change func(*account.User)) account.User {
	e.T.Helper()
	u, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (account.User, error) {
		u := tx.NewUser()
		u.Login, u.Email = address, address
		if change != nil {
			change(&u)
		}
		return u, tx.Create(&u)
	})
	if err != nil {
		e.T.Fatalf("creating %s: %v", address, err)
	}
	return u
}

// CreateGroup creates a group.
func (e *Env) CreateGroup(name string) account.GroupID {
	e.T.Helper()
	g, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: name}
		return g, tx.CreateGroup(&g)
	})
	if err != nil {
		e.T.Fatalf("creating group %s: %v", name, err)
	}
	return g.ID
}

// Invite invites a user and returns the token of the invitation.
func (e *Env) Invite(id account.UserID) secret.Value {
	e.T.Helper()
	token, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (secret.Value, error) {
		u, err := tx.User(id)
		if err != nil {
			return secret.Value{}, err
		}
		token, err := e.Authn.Invite(tx, &u, account.ProvenanceEmail, "Garage Lumiere")
		if err != nil {
			return secret.Value{}, err
		}
		return token, tx.Save(&u)
	})
	if err != nil {
		e.T.Fatalf("inviting %s: %v", id, err)
	}
	return token
}

// User returns the stored user.
func (e *Env) User(idOrLogin string) account.User {
	e.T.Helper()
	var u account.User
	err := e.Accounts.View(e.T.Context(), func(r account.Reader) (err error) {
		u, err = r.Find(idOrLogin)
		return err
	})
	if err != nil {
		e.T.Fatalf("reading %s: %v", idOrLogin, err)
	}
	return u
}

// Change changes the stored user, without regard to the rules.
func (e *Env) Change(id account.UserID, change func(*account.User)) {
	e.T.Helper()
	_, err := account.Update(e.T.Context(), e.Accounts, e.Accounts.NewOperation(e.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		change(&u)
		return struct{}{}, tx.Save(&u)
	})
	if err != nil {
		e.T.Fatalf("changing %s: %v", id, err)
	}
}

// Mail is an email in the outbox, with its decoded notice.
type Mail struct {
	ID, To, Lang string
	What         notice.Notice
	NotBefore    time.Time // zero: sent immediately
	UselessAfter time.Time
}

// Mails returns the emails in the outbox, oldest first.
func (e *Env) Mails() []Mail {
	e.T.Helper()
	var out []Mail
	table := store.NewTable[mail.Message](e.Ring, store.Outbox)
	err := e.Store.View(e.T.Context(), func(s store.Snapshot) error {
		out = nil
		return table.Scan(s, "", "", 0, func(id string, row mail.Message) error {
			m, err := templates.DecodeNotice(row.Template, json.RawMessage(row.Data))
			if err != nil {
				return err
			}
			out = append(out, Mail{ID: id, To: row.To[0], Lang: row.Lang, What: m, NotBefore: row.NotBefore, UselessAfter: row.ExpiresAt})
			return nil
		})
	})
	if err != nil {
		e.T.Fatalf("reading the outbox: %v", err)
	}
	return out
}

// EmptyOutbox deletes the emails in the outbox.
func (e *Env) EmptyOutbox() {
	e.T.Helper()
	for _, m := range e.Mails() {
		err := e.Store.Update(e.T.Context(), func(tx store.Tx) error { return tx.Delete(store.Outbox.Prefix + m.ID) })
		if err != nil {
			e.T.Fatalf("emptying the outbox: %v", err)
		}
	}
}

// Events returns the audit events with the actions, oldest first. Without actions, it returns all.
func (e *Env) Events(actions ...string) []audit.Entry {
	e.T.Helper()
	var out []audit.Entry
	for after, first := "", true; first || after != ""; first = false {
		err := e.Store.View(e.T.Context(), func(s store.Snapshot) error {
			page, next, err := e.Log.Scan(s, audit.Query{Actions: actions, Limit: 1000, After: after})
			out, after = append(out, page...), next
			return err
		})
		if err != nil {
			e.T.Fatalf("reading the audit log: %v", err)
		}
	}
	return out
}

// CopyTo is that of the store file.
func (e *Env) CopyTo(ctx context.Context, path string, needs func(bytes int64) error) error {
	return e.bolt.(*bolt.Store).CopyTo(ctx, path, needs)
}
