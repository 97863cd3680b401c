package authntest

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/password"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/secret"
	"barillet/store"
)

// Population is a house full of people for loads: closures run once, a password costs what it costs in production,
// and the clock begins at the present time and runs. All of its people have Password and one TOTP key in
// common, made once: what a load is to measure is the sign-in, not the making of people.
type Population struct {
	*Env
	Phone *Phone // everybody's; its Code is good once for each of the people and step
	Users []TestUser
}

// TestUser is one of a crowd.
type TestUser struct {
	ID      account.UserID
	Login   string
	Browser secret.Value // a browser that they have signed in on before
}

// NewPopulation makes a house of so many people. Everybody has these devices besides.
func NewPopulation(t testing.TB, n int, besides ...factors.Device) *Population {
	t.Helper()
	return newPopulation(t, New(t), n, besides...)
}

// SeedDataDir leaves a crowd of so many people in the data folder of a program, which is to be empty, and goes: the program
// may be started on it. The Crowd's own store is closed.
func SeedDataDir(t testing.TB, folder string, n int) *Population {
	t.Helper()
	keys, err := store.CreateKeyFile(filepath.Join(folder, "barillet.key"))
	if err != nil {
		t.Fatal(err)
	}
	c := newPopulation(t, newIn(t, folder, keys), n)
	if err := c.Store.Close(); err != nil {
		t.Fatal(err)
	}
	return c
}

func newPopulation(t testing.TB, h *Env, n int, besides ...factors.Device) *Population {
	t.Helper()
	model, phone, _ := h.Member("model@garage.example", nil)
	passwords, err := password.NewHasher(h.Keys.Pepper, password.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	h.Store = h.bolt
	h.Accounts.Store, h.Accounts.Hasher = h.Store, passwords
	model.Devices = append(model.Devices, besides...)
	began := time.Now()
	h.Clock.Advance(began.Sub(Start))
	h.Accounts.Now = func() time.Time { return h.Clock.Now().Add(time.Since(began)) }
	if model.Password.Hash, err = passwords.Hash(t.Context(), true, Password); err != nil {
		t.Fatal(err)
	}
	c := &Population{Env: h, Phone: phone, Users: make([]TestUser, n)}
	c.Each(64, n, func(i int) error {
		login := fmt.Sprintf("person%07d@garage.example", i)
		browser := secret.New()
		u, err := account.Update(t.Context(), h.Accounts, h.Accounts.NewOperation(h.From), func(tx *account.Tx) (account.User, error) {
			u, fresh := model, tx.NewUser()
			u.ID, u.Handle, u.Login, u.Email, u.Revision = fresh.ID, fresh.Handle, login, login, 0
			u.Sessions, u.Activity = nil, nil
			u.Browsers = []account.BrowserRef{{Hash: browser.Hash(), Since: tx.Op.Now, Seen: tx.Op.Now}}
			if err := store.NewTable[session.Browser](h.Ring, store.Browsers).Put(tx.Raw, browser.Hash(), session.Browser{Since: tx.Op.Now}); err != nil {
				return u, err
			}
			return u, tx.Create(&u)
		})
		c.Users[i] = TestUser{ID: u.ID, Login: login, Browser: browser}
		return err
	})
	return c
}

// NextStep moves the clock so far on that everybody's code is good again, and returns it.
func (c *Population) NextStep() string {
	c.T.Helper()
	c.Clock.Advance(2 * time.Minute)
	return c.CodeAt(c.Accounts.Now())
}

// CodeAt is everybody's code at a time.
func (c *Population) CodeAt(at time.Time) string {
	c.T.Helper()
	return string(c.Phone.CodeAt(at))
}

// StartSignIns writes a login under way for each of the first n people: the password is proven, the second step not.
func (c *Population) StartSignIns(n int) []secret.Value {
	c.T.Helper()
	logins, now := store.NewTable[authn.Transaction](c.Ring, store.Transactions), c.Accounts.Now()
	all := c.User(c.Users[0].Login) // everybody's epochs are the model's
	secrets := newSecrets(n)
	const batch = 32
	c.Each(1, (n+batch-1)/batch, func(at int) error {
		return c.Store.Update(c.T.Context(), func(tx store.Tx) error {
			for i := at * batch; i < min(n, (at+1)*batch); i++ {
				hash := secrets[i].Hash()
				err := logins.Put(tx, hash, authn.Transaction{ID: hash[:26], User: c.Users[i].ID, Epoch: all.Epoch,
					PasswordEpoch: all.PasswordEpoch, Resets: all.Resets, KnownBrowser: true, Started: now, Expires: now.Add(account.TransactionTTL)})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	return secrets
}

// CreateSessions signs the first n people in without a sign-in.
func (c *Population) CreateSessions(n int) []secret.Value {
	c.T.Helper()
	sessions, now := store.NewTable[account.Session](c.Ring, store.Sessions), c.Accounts.Now()
	all, secrets := c.User(c.Users[0].Login), newSecrets(n)
	c.Each(1, n, func(i int) error {
		ses := account.Session{User: c.Users[i].ID, Epoch: all.Epoch, Created: now, LastSeen: now, AMR: []string{"pwd", "otp", "mfa"},
			Browser: c.Users[i].Browser.Hash(), Address: "192.0.2.10", Agent: c.From.Agent}
		return c.Store.Update(c.T.Context(), func(tx store.Tx) error { return sessions.Put(tx, secrets[i].Hash(), ses) })
	})
	return secrets
}

func newSecrets(n int) []secret.Value {
	out := make([]secret.Value, n)
	for i := range out {
		out[i] = secret.New()
	}
	return out
}

// Each runs act for 0 to n-1, by so many at once.
func (c *Population) Each(workers, n int, act func(i int) error) {
	c.T.Helper()
	var all sync.WaitGroup
	turns, failed := make(chan int), make(chan error, n)
	for range workers {
		all.Go(func() {
			for i := range turns {
				if err := act(i); err != nil {
					failed <- err
				}
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	all.Wait()
	close(failed)
	for err := range failed {
		c.T.Fatalf("making a crowd: %v", err)
	}
}
