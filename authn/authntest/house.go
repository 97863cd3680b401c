// Package authntest gives the tests of the upper rooms a house to live in: an authn.Service with a real store
// in a temporary folder, every kind of factor, a clock that the test moves, and people that go through the same
// doors as anybody. It is imported by tests only and judges nothing itself.
package authntest

import (
	"encoding/json"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/factors"
	"barillet/factors/recovery"
	"barillet/factors/totp"
	"barillet/factors/webauthn"
	"barillet/internal/audit"
	"barillet/internal/mail"
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

// House is a service with all that it stands on.
type House struct {
	T       testing.TB
	Service *authn.Service
	Store   store.Store // runs every closure twice
	Ring    *store.Keyring
	Keys    store.HouseKeys
	Clock   *Clock
	Outbox  *mail.Outbox
	Hooks   *webhook.Hooks
	Log     audit.Log
	From    authn.Origin // of somebody at a workshop's computer
}

// Password is one that the house's rules accept, for whoever it matters to little.
const Password = "clef de douze et tournevis"

// New founds a house. Every Update closure in it runs twice (PROTOCOL 31), and a password costs little.
func New(t testing.TB) *House {
	t.Helper()
	return newIn(t, t.TempDir(), store.NewHouseKeys())
}

// newIn is New in a folder and under keys that are there already.
func newIn(t testing.TB, folder string, keys store.HouseKeys) *House {
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
	passwords, err := authn.NewPasswords(keys.Pepper, authn.PasswordPolicy{Cost: authn.PasswordCost{Memory: 8192, Time: 1, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	key, err := webauthn.New(webauthn.Config{RPID: "login.example", RPDisplayName: "Garage Lumière", Origins: []string{"https://login.example"}})
	if err != nil {
		t.Fatal(err)
	}
	hooks, log := webhook.NewHooks(ring), audit.NewLog(ring)
	log.Watch = hooks.Watch
	h := &House{T: t, Store: storetest.Twice(file), Ring: ring, Keys: keys, Clock: clock,
		Outbox: mail.NewOutbox(ring, "login.example"), Hooks: hooks, Log: log,
		From: authn.Origin{Address: netip.MustParseAddr("192.0.2.10"), Request: "req-1", Locale: "fr",
			Agent: "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0"}}
	h.Service = &authn.Service{
		Store: h.Store, Pepper: keys.Pepper, Passwords: passwords,
		Factors: []factors.Factor{totp.TOTP{}, key, recovery.Recovery{MAC: keys.Pepper.MAC}},
		Limiter: throttle.NewLimiter(ring, keys.Pepper), Guesses: throttle.NewGuesses(ring, keys.Pepper),
		Log: h.Log, Outbox: h.Outbox, Now: clock.Now,
		Policy: authn.Policy{Issuer: "Garage Lumiere", PublicURL: "https://login.example", DefaultLocale: "fr", AllowCopies: true,
			SessionIdle: time.Hour, SessionMax: 24 * time.Hour, Support: "support@garage.example"},
	}
	h.Service.Open(ring)
	return h
}

// Person makes somebody of that address as an operator's work does: staged, without a password.
func (h *House) Person(address string, change func(*authn.User)) authn.User {
	h.T.Helper()
	u, err := authn.Do(h.T.Context(), h.Service, h.Service.NewAct(h.From), func(w *authn.Work) (authn.User, error) {
		u := w.NewUser()
		u.Login, u.Email = address, address
		if change != nil {
			change(&u)
		}
		return u, w.Create(&u)
	})
	if err != nil {
		h.T.Fatalf("making %s: %v", address, err)
	}
	return u
}

// Group makes a garage.
func (h *House) Group(name string) authn.GroupID {
	h.T.Helper()
	g, err := authn.Do(h.T.Context(), h.Service, h.Service.NewAct(h.From), func(w *authn.Work) (authn.Group, error) {
		g := authn.Group{Name: name}
		return g, w.CreateGroup(&g)
	})
	if err != nil {
		h.T.Fatalf("making garage %s: %v", name, err)
	}
	return g.ID
}

// Invite makes an invitation and returns its token.
func (h *House) Invite(id authn.UserID) authn.Secret {
	h.T.Helper()
	token, err := authn.Do(h.T.Context(), h.Service, h.Service.NewAct(h.From), func(w *authn.Work) (authn.Secret, error) {
		u, err := w.User(id)
		if err != nil {
			return authn.Secret{}, err
		}
		token, err := w.Invite(&u, authn.HandMail, "Garage Lumiere")
		if err != nil {
			return authn.Secret{}, err
		}
		return token, w.Save(&u)
	})
	if err != nil {
		h.T.Fatalf("inviting %s: %v", id, err)
	}
	return token
}

// User reads a person as stored.
func (h *House) User(idOrLogin string) authn.User {
	h.T.Helper()
	var u authn.User
	err := h.Service.View(h.T.Context(), func(r authn.Reader) (err error) {
		u, err = r.Find(idOrLogin)
		return err
	})
	if err != nil {
		h.T.Fatalf("reading %s: %v", idOrLogin, err)
	}
	return u
}

// Change changes a person as stored, whatever the rules say.
func (h *House) Change(id authn.UserID, change func(*authn.User)) {
	h.T.Helper()
	_, err := authn.Do(h.T.Context(), h.Service, h.Service.NewAct(h.From), func(w *authn.Work) (struct{}, error) {
		u, err := w.User(id)
		if err != nil {
			return struct{}{}, err
		}
		change(&u)
		return struct{}{}, w.Save(&u)
	})
	if err != nil {
		h.T.Fatalf("changing %s: %v", id, err)
	}
}

// Mail is one mail that waits in the outbox, with its words' data.
type Mail struct {
	ID, To, Lang string
	What         templates.Mail
	NotBefore    time.Time // zero: sent immediately
	UselessAfter time.Time
}

// Mails are those that wait, oldest first.
func (h *House) Mails() []Mail {
	h.T.Helper()
	var out []Mail
	table := store.NewTable[mail.Row](h.Ring, store.Outbox)
	err := h.Store.View(h.T.Context(), func(s store.Snapshot) error {
		out = nil
		return table.Scan(s, "", "", 0, func(id string, row mail.Row) error {
			m, err := templates.DecodeMail(row.Template, json.RawMessage(row.Data))
			if err != nil {
				return err
			}
			out = append(out, Mail{ID: id, To: row.To[0], Lang: row.Lang, What: m, NotBefore: row.NotBefore, UselessAfter: row.UselessAfter})
			return nil
		})
	})
	if err != nil {
		h.T.Fatalf("reading the outbox: %v", err)
	}
	return out
}

// EmptyOutbox takes away every mail that waits.
func (h *House) EmptyOutbox() {
	h.T.Helper()
	for _, m := range h.Mails() {
		err := h.Store.Update(h.T.Context(), func(tx store.Tx) error { return tx.Delete(store.Outbox.Prefix + m.ID) })
		if err != nil {
			h.T.Fatalf("emptying the outbox: %v", err)
		}
	}
}

// Events are the events of these actions (none: all), oldest first.
func (h *House) Events(actions ...string) []audit.Entry {
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
