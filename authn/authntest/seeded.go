package authntest

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/store/storetest"
)

// Size is what Seed creates.
type Size struct{ People, Groups, Events int }

// Seeded is a data directory that Seed filled. The login, id, groups, roles, status and browser of a user follow from the number of the
// user, so that a benchmark knows them without reading the store.
type Seeded struct {
	Size
	PhoneSecret string    // of each user who has a phone
	Until       time.Time // the time of the last event
	// PeopleBytes and EventBytes are the bytes of the pages in use: with the users, and with the events too.
	PeopleBytes, EventBytes int64
	Dir                     string `json:"-"`
}

const seededFile = "seeded.json"

// seededSpan is the time of the events. It is shorter than each retention period.
const seededSpan = 80 * 24 * time.Hour

// OpenSeeded returns what a data directory contains that Seed filled.
func OpenSeeded(t testing.TB, dir string) *Seeded {
	t.Helper()
	s := &Seeded{Dir: dir}
	raw, err := os.ReadFile(filepath.Join(dir, seededFile))
	if err == nil {
		err = json.Unmarshal(raw, s)
	}
	if err != nil {
		t.Fatalf("the directory was not seeded: %v", err)
	}
	return s
}

// Population opens the store and counts its reads. Its users are n of those who can sign in, from all parts of the store.
func (s *Seeded) Population(t testing.TB, n int) *Population {
	t.Helper()
	keys, err := store.ReadKeyFile(filepath.Join(s.Dir, "barillet.key"))
	if err != nil {
		t.Fatal(err)
	}
	reads := storetest.CountReads(openFile(t, s.Dir), "")
	p := &Population{Env: newOn(t, reads, keys, s.Until), Reads: reads}
	p.run()
	p.Phone = &Phone{Env: p.Env, Secret: s.PhoneSecret}
	for k := range n {
		i := Active(k * s.Able() / n)
		p.Users = append(p.Users, TestUser{ID: s.ID(i), Login: Login(i), Browser: s.Browser(i)})
	}
	return p
}

// Growth returns the bytes of the file for a user and for an event.
func (s *Seeded) Growth() (user, event float64) {
	return float64(s.PeopleBytes) / float64(s.People), float64(s.EventBytes-s.PeopleBytes) / float64(max(1, s.Size.Events))
}

// Login returns the login of user i.
func Login(i int) string { return fmt.Sprintf("user%07d@garage.example", i) }

// ID returns the id of user i.
func (s *Seeded) ID(i int) account.UserID { return account.UserID("u" + seededID("user", i)) }

// Group returns the id of group i. The first groups are the largest.
func (s *Seeded) Group(i int) account.GroupID { return account.GroupID("g" + seededID("group", i)) }

// Browser returns the cookie of a known browser of user i.
func (s *Seeded) Browser(i int) secret.Value { return seededSecret("browser", i) }

// Session returns the secret of the session of user i, if HasSession.
func (s *Seeded) Session(i int) secret.Value { return seededSecret("session", i) }

// HasSession reports whether user i was signed in at the end of Seed: one active user of 20.
func (s *Seeded) HasSession(i int) bool { return i%100 < active && i%20 == 0 }

func seededSum(label string, i int) [32]byte {
	return sha256.Sum256(fmt.Appendf(nil, "%s %d", label, i))
}

func seededID(label string, i int) string {
	sum := seededSum(label, i)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
}

// seededSecret returns a secret that was made in a second of its own.
func seededSecret(label string, i int) secret.Value {
	sum := seededSum(label, i)
	return secret.Dated(time.Unix(int64(i), 0), [24]byte(sum[:24]))
}

// Of 100 users, in this order, so many are active with a phone, active with frozen phones, active without a device, staged,
// invited, suspended and deactivated.
const (
	active      = 78
	frozen      = active + 2
	deviceless  = frozen + 2
	staged      = deviceless + 5
	provisioned = staged + 5
	suspended   = provisioned + 3
)

// twoPhones is the number, modulo 100, from which active users have two phones.
const twoPhones = 70

// The numbers, modulo 1,000, of those of the users with frozen phones who are locked out, and whose password expired.
const (
	lockedOut = active
	expired   = active + 1
)

// Able returns how many users can sign in, at least.
func (s *Seeded) Able() int { return s.People / 100 * active }

// Active returns the number of the nth user who can sign in.
func Active(n int) int { return n/active*100 + n%active }

// Of the users who can sign in, the first are administrators of all users; the next are the managers of one group or two.
const (
	superAdmins = 5
	userAdmins  = 20
	readers     = 25
	unlimited   = superAdmins + userAdmins + readers
)

// Manager returns the number of the manager of a group.
func (s *Seeded) Manager(group int) int { return Active(unlimited + group) }

// groups returns the groups of user i, by number: none for one of 20, and two for one of seven.
func (s *Seeded) groups(i int) []int {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	one := func() int {
		x := r.Float64()
		return int(x * x * float64(s.Groups))
	}
	n := i/100*active + i%100 - unlimited
	if i%100 < active && n >= 0 && n < s.Groups {
		return []int{n}
	}
	switch r.IntN(20) {
	case 0:
		return nil
	case 1, 2, 3:
		if a, b := one(), one(); a != b {
			return []int{a, b}
		}
	}
	return []int{one()}
}

// roles returns the roles of user i.
func (s *Seeded) roles(i int, at time.Time) []account.RoleAssignment {
	if i%100 >= active {
		return nil
	}
	a := account.RoleAssignment{ID: "r" + seededID("role", i)[:20], Created: at, Changed: at}
	switch n := i/100*active + i%100; {
	case n < superAdmins:
		a.Role = account.RoleSuperAdmin
	case n < superAdmins+userAdmins:
		a.Role = account.RoleUserAdmin
	case n < unlimited:
		a.Role = account.RoleReadOnly
	case n < unlimited+s.Groups:
		g := n - unlimited
		a.Role, a.Groups = account.RoleHelpDesk, []account.GroupID{s.Group(g)}
		if g%3 == 0 && g+1 < s.Groups {
			a.Groups = append(a.Groups, s.Group(g+1))
		}
	default:
		return nil
	}
	return []account.RoleAssignment{a}
}
