package authntest

import (
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
	"barillet/store/storetest"
)

// Population is an environment with many users, for benchmarks. Update closures run once, a password hash costs as much as in
// production, and the clock starts at the present time and runs. All users have the same Password and TOTP key, so that
// creating them is fast.
type Population struct {
	*Env
	Phone *Phone // has the common TOTP key; each user can use a code once
	Users []TestUser
	Reads *storetest.Reads // of Seeded.Population only
}

// TestUser is a user of a Population.
type TestUser struct {
	ID      account.UserID
	Login   string
	Browser secret.Value // a known browser
}

// NewPopulation returns an environment with n users. Each user has the devices in addition to the phone.
func NewPopulation(t testing.TB, n int, devices ...factors.Device) *Population {
	t.Helper()
	e := New(t)
	model, phone, _ := e.Member("model@garage.example", nil)
	model.Devices = append(model.Devices, devices...)
	e.run()
	var err error
	if model.Password.Hash, err = e.Accounts.Hasher.Hash(t.Context(), true, Password); err != nil {
		t.Fatal(err)
	}
	p := &Population{Env: e, Phone: phone, Users: make([]TestUser, n)}
	browsers := store.NewTable[session.Browser](e.Ring, store.Browsers)
	p.Each(64, n, func(i int) error {
		login := Login(i)
		op := e.Accounts.NewOperation(e.From)
		browser := op.Secret("browser")
		u, err := account.Update(t.Context(), e.Accounts, op, func(tx *account.Tx) (account.User, error) {
			u, fresh := model, tx.NewUser()
			u.ID, u.Handle, u.Login, u.Email, u.Revision = fresh.ID, fresh.Handle, login, login, 0
			u.Sessions, u.Activity = nil, nil
			u.Browsers = []account.BrowserRef{{Hash: browser.Key(), Since: tx.Op.Now, Seen: tx.Op.Now}}
			if err := browsers.Put(tx.Raw, browser.Key(), session.Browser{Since: tx.Op.Now, User: u.ID}); err != nil {
				return u, err
			}
			return u, tx.Create(&u)
		})
		p.Users[i] = TestUser{ID: u.ID, Login: login, Browser: browser}
		return err
	})
	return p
}

// run makes the clock run from the present time on, Update closures run once, and a hash cost as much as in production.
func (e *Env) run() {
	e.T.Helper()
	passwords, err := password.NewHasher(e.Keys.Pepper, password.Policy{})
	if err != nil {
		e.T.Fatal(err)
	}
	began := time.Now()
	e.Clock.Advance(began.Sub(e.Clock.Now()))
	e.Accounts.Now = func() time.Time { return e.Clock.Now().Add(time.Since(began)) }
	e.Store = e.Ring.CorrectTimes(e.bolt, e.Accounts.Now)
	e.Accounts.Store, e.Accounts.Hasher = e.Store, passwords
}

// NextStep moves the clock until each user can use a code again, and returns the code.
func (p *Population) NextStep() string {
	p.T.Helper()
	p.Clock.Advance(2 * time.Minute)
	return p.CodeAt(p.Accounts.Now())
}

// CodeAt returns the common code at a time.
func (p *Population) CodeAt(at time.Time) string {
	p.T.Helper()
	return string(p.Phone.CodeAt(at))
}

// StartSignIns stores a sign-in transaction for each of the first n users, with a proven password, and returns their secrets.
func (p *Population) StartSignIns(n int) []secret.Value {
	p.T.Helper()
	transactions, now := store.NewTable[authn.Transaction](p.Ring, store.Transactions), p.Accounts.Now()
	model := p.User(p.Users[0].Login) // all users have the same epochs
	secrets := p.newSecrets(n)
	const batch = 32
	p.Each(1, (n+batch-1)/batch, func(at int) error {
		return p.Store.Update(p.T.Context(), func(tx store.Tx) error {
			for i := at * batch; i < min(n, (at+1)*batch); i++ {
				hash := secrets[i].Key()
				err := transactions.Put(tx, hash, authn.Transaction{ID: hash[:26], User: p.Users[i].ID, Epoch: model.Epoch,
					PasswordEpoch: model.PasswordEpoch, Resets: model.Resets, KnownBrowser: true, Started: now, Expires: now.Add(account.TransactionTTL)})
				if err != nil {
					return err
				}
			}
			return nil
		})
	})
	return secrets
}

// CreateSessions stores a session for each of the first n users and returns their secrets.
func (p *Population) CreateSessions(n int) []secret.Value {
	p.T.Helper()
	sessions, now := store.NewTable[account.Session](p.Ring, store.Sessions), p.Accounts.Now()
	model, secrets := p.User(p.Users[0].Login), p.newSecrets(n)
	p.Each(1, n, func(i int) error {
		ses := account.Session{User: p.Users[i].ID, Epoch: model.Epoch, Created: now, LastSeen: now, AMR: []string{"pwd", "otp", "mfa"},
			Browser: p.Users[i].Browser.Key(), Address: "192.0.2.10", Agent: p.From.Agent}
		return p.Store.Update(p.T.Context(), func(tx store.Tx) error { return sessions.Put(tx, secrets[i].Key(), ses) })
	})
	return secrets
}

// newSecrets returns secrets as n operations make them.
func (p *Population) newSecrets(n int) []secret.Value {
	out := make([]secret.Value, n)
	for i := range out {
		out[i] = p.Accounts.NewOperation(p.From).Secret("population")
	}
	return out
}

// Each calls fn for 0 to n-1, in a number of goroutines. An error of fn ends the test.
func (e *Env) Each(workers, n int, fn func(i int) error) {
	e.T.Helper()
	var all sync.WaitGroup
	turns, failed := make(chan int), make(chan error, n)
	for range workers {
		all.Go(func() {
			for i := range turns {
				if err := fn(i); err != nil {
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
		e.T.Fatal(err)
	}
}
