package authntest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/password"
	"barillet/authn/session"
	"barillet/factors"
	"barillet/internal/audit/tree"
	"barillet/internal/throttle"
	"barillet/store"
	"barillet/store/storetest"
)

// seeder fills a data directory.
type seeder struct {
	*Seeded
	*Env
	bulk     *storetest.Bulk
	model    account.User   // has a password and a phone
	second   factors.Device // the phone of another user
	browsers store.Table[session.Browser]
	sessions store.Table[account.Session]
	tree     *tree.Tree
	now      time.Time // of the end
	log      func(format string, args ...any)
}

// Seed creates users, groups, audit events and what waits for administrators in an empty data directory. The packages that own the records make each of them;
// storetest.Bulk stores them. log receives a line for each part and each tenth of the events. Any error ends the test.
func Seed(t testing.TB, dir string, size Size, log func(format string, args ...any)) *Seeded {
	t.Helper()
	keys, err := store.CreateKeyFile(filepath.Join(dir, "barillet.key"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Second)
	bulk := storetest.OpenBulk(t, filepath.Join(dir, "barillet.db"), store.Outbox) // every email was sent
	s := &seeder{Seeded: &Seeded{Size: size, Dir: dir, Until: now}, Env: newOn(t, bulk, keys, now.Add(-seededSpan)), bulk: bulk, now: now, log: log}
	s.Store = s.Ring.CorrectTimes(bulk, s.Clock.Now)
	s.Accounts.Store = s.Store
	s.tree, err = tree.New(tree.Config{Store: s.Store, Keyring: s.Ring, Pepper: s.Keys.Pepper, Now: s.Clock.Now, Log: slog.New(slog.DiscardHandler), Numbered: s.Counts.Note})
	if err != nil {
		t.Fatal(err)
	}
	s.browsers, s.sessions = store.NewTable[session.Browser](s.Ring, store.Browsers), store.NewTable[account.Session](s.Ring, store.Sessions)
	for _, part := range []struct {
		name  string
		n     int
		do    func()
		bytes *int64 // of the store after the part
	}{{"groups", size.Groups, s.seedGroups, nil}, {"people", size.People, s.seedPeople, &s.PeopleBytes},
		{"events", size.Events, s.seedEvents, &s.EventBytes}, {"requests", s.Requests(), s.seedQueue, nil}, {"file", 1, s.end, nil}} {
		began := time.Now()
		if part.do(); part.bytes != nil {
			size, err := bulk.Size()
			if err != nil {
				t.Fatal(err)
			}
			*part.bytes = size
		}
		log("%s: %d in %.1f s", part.name, part.n, time.Since(began).Seconds())
	}
	return s.Seeded
}

func (s *seeder) seedGroups() {
	s.Each(2, s.Groups, func(i int) error {
		_, err := account.Update(s.T.Context(), s.Accounts, s.Accounts.NewOperation(s.From), func(tx *account.Tx) (struct{}, error) {
			g := account.Group{ID: s.Group(i), Name: fmt.Sprintf("Garage %04d %s", i, towns[i%len(towns)])}
			return struct{}{}, tx.CreateGroup(&g)
		})
		return err
	})
}

func (s *seeder) seedPeople() {
	s.setModel()
	defer s.createTokens()
	s.Each(2, s.People, func(i int) error {
		if err := s.createUser(i); err != nil {
			return fmt.Errorf("user %d: %w", i, err)
		}
		return nil
	})
}

// createTokens gives the manager of each group an API token.
func (s *seeder) createTokens() {
	for g := range s.Groups {
		_, _, err := s.Directory.Admin.CreateToken(s.T.Context(), AsOperator, s.From, admin.NewToken{Name: fmt.Sprintf("support desk %d", g), Role: account.RoleHelpDesk,
			Groups: []account.GroupID{s.Group(g)}, TTL: 365 * 24 * time.Hour, Owner: Login(s.Manager(g))})
		if err != nil {
			s.T.Fatalf("creating a token: %v", err)
		}
		if g%20 == 19 {
			s.advance()
		}
	}
	s.advance()
}

// setModel creates a user as the service does, with a password of the usual cost.
func (s *seeder) setModel() {
	model, phone, _ := s.Member("model@garage.example", nil)
	passwords, err := password.NewHasher(s.Keys.Pepper, password.Policy{})
	if err == nil {
		model.Password.Hash, err = passwords.Hash(s.T.Context(), true, Password)
	}
	if err != nil {
		s.T.Fatal(err)
	}
	other, _, _ := s.Member("other@garage.example", nil)
	s.model, s.PhoneSecret, s.second = model, phone.Secret, other.Devices[0]
	s.advance()
}

// createUser creates user i. The model gives an active user their password, phone and activity.
func (s *seeder) createUser(i int) error {
	r := rand.New(rand.NewPCG(uint64(i), 2))
	op := s.Accounts.NewOperation(s.From)
	op.Now = s.now.Add(-time.Duration(r.Float64() * float64(2*365*24*time.Hour))).Truncate(time.Microsecond)
	if status := i % 100; status >= staged && status < provisioned {
		op.Now = s.now.Add(-time.Duration(r.Float64() * float64(account.InvitationTTL/2))) // an older invitation would be gone
	}
	// The user signed in within 150 days, so that the browser is still known.
	seen := s.now.Add(-time.Duration(r.Float64() * float64(min(s.now.Sub(op.Now), 150*24*time.Hour)))).Truncate(time.Microsecond)
	_, err := account.Update(s.T.Context(), s.Accounts, op, func(tx *account.Tx) (struct{}, error) {
		u := tx.NewUser()
		u.ID, u.Login, u.Email = s.ID(i), Login(i), Login(i)
		u.FirstName, u.LastName = firstNames[r.IntN(len(firstNames))], lastNames[r.IntN(len(lastNames))]
		for _, g := range s.groups(i) {
			u.Groups = append(u.Groups, s.Group(g))
		}
		u.Roles = s.roles(i, op.Now)
		status := i % 100
		if status < deviceless || status >= provisioned {
			s.activate(tx, &u, i, seen)
		}
		switch {
		case status >= active && status < frozen:
			u.Devices[0].Frozen = seen
		case status >= frozen && status < deviceless:
			u.Devices = nil
		}
		if len(u.Browsers) > 0 {
			if err := s.browsers.Put(tx.Raw, u.Browsers[0].Hash, session.Browser{Since: u.Browsers[0].Since, User: u.ID, Users: 1}); err != nil {
				return struct{}{}, err
			}
		}
		if err := s.openSession(tx, &u, i); err != nil {
			return struct{}{}, err
		}
		if err := s.trouble(tx, &u, i); err != nil {
			return struct{}{}, err
		}
		if err := tx.Create(&u); err != nil || status < staged {
			return struct{}{}, err
		}
		return struct{}{}, s.setStatus(tx, &u, status)
	})
	return err
}

// activate gives user i, who is new, what the model has.
func (s *seeder) activate(tx *account.Tx, u *account.User, i int, seen time.Time) {
	m := &s.model
	u.Status, u.EverHadDevice, u.Locale, u.EmailProvenance = m.Status, m.EverHadDevice, m.Locale, m.EmailProvenance
	u.Epoch, u.PasswordEpoch, u.Resets, u.Password = m.Epoch, m.PasswordEpoch, m.Resets, m.Password
	u.Password.Set, u.Activated, u.StatusAt, u.LastLogin = tx.Op.Now, tx.Op.Now, tx.Op.Now, seen
	devices := m.Devices
	if n := i % 100; n >= twoPhones && n < active {
		devices = append(slices.Clone(devices), s.second)
	}
	for n, d := range devices {
		d.ID, d.Added, d.LastUsed = factors.DeviceID(tx.Op.ID(fmt.Sprint("device", n))), tx.Op.Now, seen
		u.Devices = append(u.Devices, d)
	}
	for _, a := range m.Activity {
		a.At = seen
		u.Activity = append(u.Activity, a)
	}
	u.Browsers = []account.BrowserRef{{Hash: s.Browser(i).Key(), Since: tx.Op.Now, Seen: seen}}
}

// trouble gives a user a state that a help desk meets: it locks one user of 1,000 out, and makes another choose a new password.
func (s *seeder) trouble(tx *account.Tx, u *account.User, i int) error {
	switch i % 1000 {
	case lockedOut:
		f := throttle.Failures{}
		for range 100 {
			f = f.WithFailure(s.now, throttle.Code, false)
		}
		return s.Accounts.Failures.Put(tx.Raw, s.now, s.Accounts.FailureID(u.ID), f)
	case expired:
		u.Password.MustChange = account.ChangeExpired
	}
	return nil
}

// openSession gives user i a session, if HasSession.
func (s *seeder) openSession(tx *account.Tx, u *account.User, i int) error {
	if !s.HasSession(i) {
		return nil
	}
	hash := s.Session(i).Key()
	u.Sessions = []account.SessionRef{{Hash: hash, Since: s.now}}
	return s.sessions.Put(tx.Raw, hash, account.Session{User: u.ID, Epoch: u.Epoch, Created: s.now, LastSeen: s.now, AMR: []string{"pwd", "otp", "mfa"},
		Browser: u.Browsers[0].Hash, Address: s.From.ClientAddress(), Agent: s.From.Agent})
}

// setStatus changes the status of a new user as the service does.
func (s *seeder) setStatus(tx *account.Tx, u *account.User, status int) (err error) {
	switch {
	case status < provisioned:
		_, err = s.Authn.Invite(tx, u, account.ProvenanceEmail, "Garage Lumiere")
	case status < suspended:
		err = tx.Suspend(u)
	default:
		err = tx.Deactivate(u)
	}
	if err != nil {
		return err
	}
	return tx.Save(u)
}

// end closes the store and writes what OpenSeeded reads.
func (s *seeder) end() {
	raw, err := json.Marshal(s.Seeded)
	if err == nil {
		err = s.bulk.Close()
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(s.Dir, seededFile), raw, 0o600)
	}
	if err != nil {
		s.T.Fatal(err)
	}
}

var (
	towns      = []string{"Lyon", "Lille", "Nantes", "Rennes", "Metz", "Pau", "Albi", "Dijon", "Tours", "Brest", "Nice", "Caen"}
	firstNames = strings.Fields("Amélie Bruno Chloé Denis Élise Farid Gaëlle Hugo Inès Jules Karim Léa Marc Nadia Olivier Paul Quentin Rose Samir Théo Ugo Vera Yann Zoé")
	lastNames  = strings.Fields("Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David Bertrand Morel Fournier Girard " +
		"Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Faure André Mercier Blanc Guérin Boyer Garnier Chevalier François Legrand Gauthier Garcia Perrin")
)
