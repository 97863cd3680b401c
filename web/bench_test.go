package web_test

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/authn/session"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/web/forwardauth"
	"barillet/web/site"
)

// rounds is how often the sides of a ratio take turns in one run; who begins alternates.
const rounds = 5

// stage is a data directory at rest, with what users need to go on. Each leg of the program has a copy of it, so that all begin
// with the same store, and a code is new in each.
type stage struct {
	dir      string
	seeded   *authntest.Seeded
	users    []authntest.TestUser
	secret   string   // everybody's TOTP key
	subjects []string // of the forms of the second step
	logins   []string // cookies of sign-ins after the password, of the first users
	sessions []string // cookies of sessions
	forwards []string // cookies of forward-auth
}

const (
	stageUsers    = 4000 // who can sign in
	stageSessions = 1000
	stageForwards = 100 // of them
)

// openStage seeds a directory, and waits until the program has nothing left to do with it. change, if it is not nil, then
// prepares more.
func openStage(b *testing.B, change func(p *authntest.Population)) *stage {
	b.Helper()
	s := prepare(b, authntest.Seed(b, b.TempDir(), authntest.Size{People: 5200, Groups: 30}, b.Logf), 0, 1)
	p := startProgram(b, s.dir) // it makes the keys that a new store has not, and numbers the events of the sign-ins
	p.rest(b)
	p.stop(b)
	if change != nil {
		p := s.seeded.Population(b, len(s.users))
		change(p)
		closeStore(b, p)
	}
	return s
}

// prepare stores sign-ins and sessions in a seeded directory. Each turn of turns has users of its own.
func prepare(b *testing.B, seeded *authntest.Seeded, turn, turns int) *stage {
	b.Helper()
	n := min(stageUsers, seeded.Able()/turns)
	p := seeded.Population(b, turns*n)
	model := p.User(p.Users[0].Login)
	p.Users = slices.DeleteFunc(p.Users[turn*n:][:n], func(t authntest.TestUser) bool { // of those whom BenchmarkMillion changed
		u := p.User(t.Login)
		return u.Status != model.Status || u.Epoch != model.Epoch || u.Resets != model.Resets
	})
	n = len(p.Users)
	s := &stage{dir: seeded.Dir, seeded: seeded, users: p.Users, secret: p.Phone.Secret}
	pages := site.New(site.Config{Accounts: p.Accounts, Sessions: p.Sessions})
	for _, u := range p.Users {
		s.subjects = append(s.subjects, pages.SubjectToken(u.ID))
	}
	for i, login := range p.StartSignIns(n) {
		s.logins = append(s.logins, "__Host-barillet-browser="+p.Users[i].Browser.Reveal()+"; __Host-barillet-login="+login.Reveal())
	}
	nonce := secret.From(fmt.Sprintf("%043d", 0))
	for i, sess := range p.CreateSessions(min(n, stageSessions)) {
		if s.sessions = append(s.sessions, "__Host-barillet="+sess.Reveal()); i >= stageForwards {
			continue
		}
		code, err := p.Sessions.NewReturnCode(b.Context(), account.RequestInfo{}, sess, wiki, session.ForwardState(nonce))
		if err != nil {
			b.Fatal(err)
		}
		forward, err := p.Sessions.RedeemReturnCode(b.Context(), account.RequestInfo{}, code, wiki, nonce)
		if err != nil {
			b.Fatal(err)
		}
		s.forwards = append(s.forwards, "__Host-barillet-forward="+forward.Reveal())
	}
	closeStore(b, p)
	return s
}

func closeStore(b *testing.B, p *authntest.Population) {
	b.Helper()
	if err := p.Store.Close(); err != nil {
		b.Fatal(err)
	}
}

// code returns everybody's present code. A server knows the one before and the one after, too.
func (s *stage) code(b *testing.B) string {
	return string((&authntest.Phone{Env: &authntest.Env{T: b}, Secret: s.secret}).CodeAt(time.Now()))
}

// floorPlan is a floor with the same users.
func (s *stage) floorPlan(b *testing.B) floorPlan {
	plan := floorPlan{Dir: b.TempDir(), Secret: s.secret, Password: authntest.Password}
	for _, u := range s.users {
		plan.Users = append(plan.Users, u.Login)
		cookie, _ := floorSecret()
		plan.Logins = append(plan.Logins, cookie)
	}
	for range stageSessions {
		cookie, _ := floorSecret()
		plan.Sessions = append(plan.Sessions, cookie)
	}
	return plan
}

// side is one of what is compared: it starts a server and makes a load for it.
type side struct {
	name string
	leg  func(b *testing.B) (*server, job)
}

// compare lets the sides take turns and reports the medians of the first, and how it stands to the others.
func compare(b *testing.B, clients int, leg time.Duration, sides ...side) map[string][]tally {
	tallies := map[string][]tally{}
	peak, anonymous := 0.0, 0.0
	for b.Loop() { // once: the rounds take longer than -benchtime
		for round := range rounds {
			order := slices.Clone(sides)
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, s := range order {
				server, j := s.leg(b)
				j.Clients, j.For = clients, leg
				tallies[s.name] = append(tallies[s.name], load(b, j, server))
				if s.name == sides[0].name {
					peak, anonymous = max(peak, server.memory(b, "VmHWM")), max(anonymous, server.memory(b, "RssAnon"))
				}
				server.stop(b)
			}
		}
	}
	ours := tallies[sides[0].name]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours, tally.rate), sides[0].name+"/s")
	b.ReportMetric(median(ours, func(t tally) float64 { return t.P50.Seconds() * 1e3 }), "p50-ms")
	b.ReportMetric(median(ours, func(t tally) float64 { return t.P99.Seconds() * 1e3 }), "p99-ms")
	b.ReportMetric(median(ours, tally.each), "cpu-µs")
	b.ReportMetric(median(ours, func(t tally) float64 { return float64(t.Written) / 1024 / float64(t.Done) }), "written-KiB")
	b.ReportMetric(peak, "peak-MiB")
	b.ReportMetric(anonymous, "anon-MiB")
	for _, s := range sides[1:] {
		b.ReportMetric(median(tallies[s.name], tally.rate), s.name+"/s")
		b.ReportMetric(median(tallies[s.name], tally.each), s.name+"-cpu-µs")
		b.ReportMetric(median(ours, tally.rate)/median(tallies[s.name], tally.rate), "x-"+s.name)
		b.ReportMetric(median(ours, tally.each)/median(tallies[s.name], tally.each), "x-cpu-"+s.name)
	}
	return tallies
}

func (t tally) rate() float64 { return float64(t.Done) / t.Took.Seconds() }

// each is the server's CPU for one act, in µs.
func (t tally) each() float64 { return t.CPU.Seconds() * 1e6 / float64(t.Done) }

func median(of []tally, what func(tally) float64) float64 {
	var values []float64
	for _, t := range of {
		values = append(values, what(t))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// legTime is how long one side works in one round: -benchtime, where it is a time.
func legTime() time.Duration {
	d, err := time.ParseDuration(flag.Lookup("test.benchtime").Value.String())
	if err != nil {
		return time.Second
	}
	return d
}

// onCopy is a leg of the program on a copy of the directory.
func (s *stage) onCopy(do func(b *testing.B) job, env ...string) func(b *testing.B) (*server, job) {
	return func(b *testing.B) (*server, job) {
		p := startProgram(b, copyDir(b, s.dir), env...)
		return p, do(b)
	}
}

// onFloor is a leg of a new floor.
func (s *stage) onFloor(do func(b *testing.B, plan floorPlan) job) func(b *testing.B) (*server, job) {
	return func(b *testing.B) (*server, job) {
		plan := s.floorPlan(b)
		return startFloor(b, plan), do(b, plan)
	}
}

// BenchmarkSignIn is a whole sign-in, password and TOTP code, beside the floor and beside argon2id alone behind HTTP.
func BenchmarkSignIn(b *testing.B) {
	s := openStage(b, nil)
	for _, clients := range []int{8, 32, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			compare(b, clients, 2*legTime(), side{"sign-ins", s.onCopy(s.signIns)}, side{"floor", s.onFloor(s.floorSignIns)}, side{"argon2id", s.onFloor(argon2ids)})
		})
	}
}

func passwordForm(u authntest.TestUser) string {
	return url.Values{"identifier": {u.Login}, "password": {authntest.Password}}.Encode()
}

// signIns has each user sign in once, on a browser that they are known on.
func (s *stage) signIns(b *testing.B) job {
	j, code := job{Rate: true}, s.code(b)
	for i, u := range s.users {
		j.Acts = append(j.Acts, act{
			{Method: "POST", Path: "/login", Cookie: "__Host-barillet-browser=" + u.Browser.Reveal(), To: "/login/factor", Form: passwordForm(u)},
			{Method: "POST", Path: "/login/factor", To: "/account", Form: "code=" + code + "&subject=" + s.subjects[i]},
		})
	}
	return j
}

func (s *stage) floorSignIns(b *testing.B, _ floorPlan) job {
	j, code := job{Rate: true}, s.code(b)
	for _, u := range s.users {
		j.Acts = append(j.Acts, act{
			{Method: "POST", Path: "/login", To: "/login/factor", Form: passwordForm(u)},
			{Method: "POST", Path: "/login/factor", To: "/account", Form: "code=" + code},
		})
	}
	return j
}

func argon2ids(*testing.B, floorPlan) job {
	return job{Rate: true, Repeat: true, Acts: []act{{{Method: "POST", Path: "/argon2id", Form: url.Values{"password": {authntest.Password}}.Encode()}}}}
}

// BenchmarkSecondStep is the second step alone, durable, beside the floor's. Each of the users does it once a leg.
func BenchmarkSecondStep(b *testing.B) {
	s := openStage(b, nil)
	for _, clients := range []int{8, 32, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			compare(b, clients, legTime(), side{"second-steps", s.onCopy(s.secondSteps)}, side{"floor", s.onFloor(s.floorSecondSteps)})
		})
	}
}

// BenchmarkWaitingMail is the second step while 10,000 emails wait for a mail server that refuses connections, beside none.
func BenchmarkWaitingMail(b *testing.B) {
	const waiting = 10_000
	refusing := []string{"BARILLET_SMTP_HOST=127.0.0.1", "BARILLET_SMTP_PORT=1", "BARILLET_SMTP_TLS=none"}
	none := openStage(b, nil)
	mails := openStage(b, func(p *authntest.Population) {
		p.Each(64, waiting, func(i int) error {
			_, err := account.Update(b.Context(), p.Accounts, p.Accounts.NewOperation(p.From), func(tx *account.Tx) (struct{}, error) {
				u, err := tx.User(p.Users[i%len(p.Users)].ID)
				if err != nil {
					return struct{}{}, err
				}
				return struct{}{}, tx.Notify(&u, notice.NewBrowser{Context: tx.About(&u)}, time.Time{})
			})
			return err
		})
	})
	compare(b, 8, legTime(), side{"second-steps", mails.onCopy(mails.secondSteps, refusing...)}, side{"none", none.onCopy(none.secondSteps, refusing...)})
}

// BenchmarkSecondStepAtMillion is the second step on the store in STORE, which authntest's BenchmarkSeed filled, beside the small
// one. Each leg has users of its own.
func BenchmarkSecondStepAtMillion(b *testing.B) {
	dir := os.Getenv("STORE")
	if dir == "" {
		b.Fatal("STORE is not set: use make million")
	}
	small, turn := openStage(b, nil), 0
	seeded := authntest.OpenSeeded(b, dir)
	for _, clients := range []int{8, 32} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			large := func(b *testing.B) (*server, job) {
				s := prepare(b, seeded, turn, 2*rounds)
				turn++
				return startProgram(b, dir), s.secondSteps(b)
			}
			compare(b, clients, legTime(), side{"second-steps", large}, side{"small", small.onCopy(small.secondSteps)})
		})
	}
}

func (s *stage) secondSteps(b *testing.B) job {
	j, code := job{Rate: true}, s.code(b)
	for i, cookie := range s.logins {
		j.Acts = append(j.Acts, act{{Method: "POST", Path: "/login/factor", Cookie: cookie, To: "/account", Form: "code=" + code + "&subject=" + s.subjects[i]}})
	}
	return j
}

func (s *stage) floorSecondSteps(b *testing.B, plan floorPlan) job {
	j, code := job{Rate: true}, s.code(b)
	for _, cookie := range plan.Logins {
		j.Acts = append(j.Acts, act{{Method: "POST", Path: "/login/factor", Cookie: "login=" + cookie, To: "/account", Form: "code=" + code}})
	}
	return j
}

// BenchmarkCheck is the server's CPU of what a signed-in user causes most, beside net/http alone: an answer to a proxy, and GET /login,
// which is every middleware, the check and a redirect without a page.
func BenchmarkCheck(b *testing.B) {
	s := openStage(b, nil)
	ask := func(path, to string, cookies []string, header map[string]string) job {
		j := job{Repeat: true}
		for _, cookie := range cookies {
			j.Acts = append(j.Acts, act{{Method: "GET", Path: path, Cookie: cookie, To: to, Header: header}})
		}
		return j
	}
	floor := func(plan floorPlan) (cookies []string) {
		for _, cookie := range plan.Sessions {
			cookies = append(cookies, "session="+cookie)
		}
		return cookies
	}
	hello := side{"hello", s.onFloor(func(*testing.B, floorPlan) job { return ask("/hello", "", s.forwards, asking()) })}
	check := side{"floor", s.onFloor(func(_ *testing.B, plan floorPlan) job { return ask("/", "", floor(plan), nil) })}
	for name, do := range map[string]func(*testing.B) job{
		"forward": func(*testing.B) job { return ask(forwardauth.Path, "", s.forwards, asking()) },
		"page":    func(*testing.B) job { return ask("/login", "/account", s.sessions, nil) },
	} {
		b.Run(name, func(b *testing.B) { compare(b, 8, legTime(), side{"answers", s.onCopy(do)}, check, hello) })
	}
}
