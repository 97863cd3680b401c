// Package authntest gives the tests of the upper rooms a house to live in: an authn.Service with a real store
// in a temporary folder, every kind of factor, a clock that the test moves, and people that go through the same
// doors as anybody. It is imported by tests only and judges nothing itself.
package authntest

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/directory"
	"barillet/authn/enrol"
	"barillet/authn/helpdesk"
	"barillet/authn/password"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/factors/hotp"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
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

// Start is what the clock of a new house shows.
var Start = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

// Clock is a clock that the test moves. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now is what the clock shows.
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

// Env is a service with all that it stands on.
type Env struct {
	T         testing.TB
	Accounts  *account.Service
	Sessions  *session.Service
	Authn     *authn.Service
	Enrolment *enrol.Service
	Directory *directory.Service // with its Admin and HelpDesk
	Store     store.Store        // runs every closure twice and rejects nested calls
	Ring      *store.Keyring
	Keys      store.RootKeys
	Clock     *Clock
	Outbox    *mail.Outbox
	Hooks     *webhook.Endpoints
	Log       audit.Log
	From      account.RequestInfo // of somebody at a workshop's computer

	bolt *bolt.Store
}

// Password is one that the house's rules accept, for whoever it matters to little.
const Password = "clef de douze et tournevis"

// New makes a service with a store of its own. Every Update closure runs twice (protocol rule 31), and a password costs
// little. A test that calls New runs in parallel with the other tests of its package that do.
func New(t testing.TB) *Env {
	t.Helper()
	parallel(t)
	return newIn(t, storetest.Dir(t), store.NewRootKeys())
}

var parallelTests sync.Map // of *testing.T

// parallel calls t.Parallel once for a test. It leaves subtests in their order: what follows them may need their results.
func parallel(t testing.TB) {
	test, ok := t.(*testing.T)
	if !ok || strings.Contains(t.Name(), "/") {
		return
	}
	if _, called := parallelTests.LoadOrStore(test, true); !called {
		test.Parallel()
	}
}

// newIn is New in a folder and under keys that are there already.
func newIn(t testing.TB, folder string, keys store.RootKeys) *Env {
	t.Helper()
	file, err := bolt.Open(filepath.Join(folder, "barillet.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	clock := &Clock{now: Start}
	ring, err := store.OpenKeyring(t.Context(), file, keys, Start)
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
	hooks, log := webhook.NewEndpoints(ring), audit.NewLog(ring)
	log.Watch = hooks.Watch
	h := &Env{T: t, bolt: file, Store: storetest.RunTwice(storetest.RejectNesting(t, file)), Ring: ring, Keys: keys, Clock: clock,
		Outbox: mail.NewOutbox(ring, "login.example"), Hooks: hooks, Log: log,
		From: account.RequestInfo{Address: netip.MustParseAddr("192.0.2.10"), RequestID: "req-1", Locale: "fr",
			Agent: "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}}
	h.open(passwords, []factors.Factor{totp.TOTP{}, key, hotp.HOTP{}, recovery.Recovery{MAC: keys.Pepper.MAC}})
	return h
}

// open makes the services on the store and the keyring of h.
func (h *Env) open(hasher *password.Hasher, kinds []factors.Factor) {
	h.Accounts = &account.Service{
		Store: h.Store, Pepper: h.Keys.Pepper, Hasher: hasher,
		Factors: kinds,
		Limiter: throttle.NewLimiter(h.Ring, h.Keys.Pepper), Failures: throttle.NewFailureStore(h.Ring, h.Keys.Pepper),
		Log: h.Log, Outbox: h.Outbox, Now: h.Clock.Now,
		Policy: account.Policy{Issuer: "Garage Lumiere", PublicURL: "https://login.example", DefaultLocale: "fr", Locales: []string{"fr", "en"}, AllowCopies: true,
			SessionIdle: time.Hour, SessionMax: 24 * time.Hour, Support: "support@garage.example"},
	}
	h.Accounts.Open(h.Ring)
	h.Sessions = session.New(h.Accounts, h.Ring, nil)
	h.Authn = authn.New(h.Accounts, h.Sessions, h.Ring)
	h.Enrolment = &enrol.Service{Accounts: h.Accounts, Sessions: h.Sessions, SignIn: h.Authn}
	admin := admin.New(h.Authn, h.Ring)
	h.Directory = directory.New(helpdesk.New(admin, h.Authn, h.Ring), h.Enrolment)
}

// Node returns the same installation as a second process has it: on the same store, with nothing in memory.
func (h *Env) Node() *Env {
	h.T.Helper()
	ring, err := store.OpenKeyring(h.T.Context(), h.Store, h.Keys, h.Clock.Now())
	if err != nil {
		h.T.Fatal(err)
	}
	node := *h
	node.Ring, node.Log = ring, audit.NewLog(ring)
	node.open(h.Accounts.Hasher, h.Accounts.Factors)
	node.Accounts.Policy = h.Accounts.Policy
	return &node
}

// CreateUser makes somebody of that address as an operator's work does: staged, without a password.
func (h *Env) CreateUser(address string, change func(*account.User)) account.User {
	h.T.Helper()
	u, err := account.Update(h.T.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (account.User, error) {
		u := tx.NewUser()
		u.Login, u.Email = address, address
		if change != nil {
			change(&u)
		}
		return u, tx.Create(&u)
	})
	if err != nil {
		h.T.Fatalf("making %s: %v", address, err)
	}
	return u
}

// CreateGroup makes a garage.
func (h *Env) CreateGroup(name string) account.GroupID {
	h.T.Helper()
	g, err := account.Update(h.T.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (account.Group, error) {
		g := account.Group{Name: name}
		return g, tx.CreateGroup(&g)
	})
	if err != nil {
		h.T.Fatalf("making garage %s: %v", name, err)
	}
	return g.ID
}

// Invite makes an invitation and returns its token.
func (h *Env) Invite(id account.UserID) secret.Value {
	h.T.Helper()
	token, err := account.Update(h.T.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (secret.Value, error) {
		u, err := tx.User(id)
		if err != nil {
			return secret.Value{}, err
		}
		token, err := h.Authn.Invite(tx, &u, account.ProvenanceEmail, "Garage Lumiere")
		if err != nil {
			return secret.Value{}, err
		}
		return token, tx.Save(&u)
	})
	if err != nil {
		h.T.Fatalf("inviting %s: %v", id, err)
	}
	return token
}

// User reads a person as stored.
func (h *Env) User(idOrLogin string) account.User {
	h.T.Helper()
	var u account.User
	err := h.Accounts.View(h.T.Context(), func(r account.Reader) (err error) {
		u, err = r.Find(idOrLogin)
		return err
	})
	if err != nil {
		h.T.Fatalf("reading %s: %v", idOrLogin, err)
	}
	return u
}

// Change changes a person as stored, whatever the rules say.
func (h *Env) Change(id account.UserID, change func(*account.User)) {
	h.T.Helper()
	_, err := account.Update(h.T.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		change(&u)
		return struct{}{}, tx.Save(&u)
	})
	if err != nil {
		h.T.Fatalf("changing %s: %v", id, err)
	}
}

// Mail is one mail that waits in the outbox, with its words' data.
type Mail struct {
	ID, To, Lang string
	What         notice.Notice
	NotBefore    time.Time // zero: sent immediately
	UselessAfter time.Time
}

// Mails are those that wait, oldest first.
func (h *Env) Mails() []Mail {
	h.T.Helper()
	var out []Mail
	table := store.NewTable[mail.Message](h.Ring, store.Outbox)
	err := h.Store.View(h.T.Context(), func(s store.Snapshot) error {
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
		h.T.Fatalf("reading the outbox: %v", err)
	}
	return out
}

// EmptyOutbox takes away every mail that waits.
func (h *Env) EmptyOutbox() {
	h.T.Helper()
	for _, m := range h.Mails() {
		err := h.Store.Update(h.T.Context(), func(tx store.Tx) error { return tx.Delete(store.Outbox.Prefix + m.ID) })
		if err != nil {
			h.T.Fatalf("emptying the outbox: %v", err)
		}
	}
}

// Events are the events of these actions (none: all), oldest first.
func (h *Env) Events(actions ...string) []audit.Entry {
	h.T.Helper()
	var out []audit.Entry
	err := h.Store.View(h.T.Context(), func(s store.Snapshot) (err error) {
		out, _, err = h.Log.Scan(s, audit.Query{Actions: actions, Limit: 1000})
		return err
	})
	if err != nil {
		h.T.Fatalf("reading the audit log: %v", err)
	}
	return out
}
