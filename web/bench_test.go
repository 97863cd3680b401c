package web_test

import (
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"testing"
	"time"

	"barillet/authn/authntest"
	"barillet/internal/secret"
	"barillet/web"
	"barillet/web/site"
)

// rounds is how often the sides of a ratio take turns in one run; who begins alternates.
const rounds = 5

// arena holds the two servers that are compared, in one process. Only one is under load at a time.
type arena struct {
	crowd   *authntest.Population
	floor   *floor
	service string // address
	bare    string // address of the floor
}

func openArena(b *testing.B, people int) *arena {
	b.Helper()
	percent := debug.SetGCPercent(400) // as the program does; for both servers
	b.Cleanup(func() { debug.SetGCPercent(percent) })
	crowd := authntest.NewPopulation(b, people)
	c, _ := config(b, crowd.Env)
	c.Now, c.Log = crowd.Accounts.Now, slog.New(slog.NewJSONHandler(io.Discard, nil))
	handler, err := web.New(c)
	if err != nil {
		b.Fatal(err)
	}
	f := openFloor(b, crowd.Users, crowd.Phone.Secret, crowd.Accounts.Now)
	return &arena{crowd: crowd, floor: f, service: listen(b, handler), bare: listen(b, f.handler())}
}

// listen serves on a free port until the benchmark ends.
func listen(b *testing.B, handler http.Handler) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	b.Cleanup(func() {
		server.Close()
		<-ended
	})
	return l.Addr().String()
}

// side is one of what is compared: it makes ready a load for so many clients.
type side struct {
	name string
	job  func(b *testing.B) job
}

// compare lets the sides take turns and reports the medians of the first, and how it stands to the others.
func compare(b *testing.B, clients int, leg time.Duration, sides ...side) map[string][]tally {
	tallies := map[string][]tally{}
	for b.Loop() { // once: the rounds take longer than -benchtime
		for round := range rounds {
			order := slices.Clone(sides)
			if round%2 == 1 {
				slices.Reverse(order)
			}
			for _, s := range order {
				j := s.job(b)
				j.Clients, j.For = clients, leg
				tallies[s.name] = append(tallies[s.name], load(b, j))
			}
		}
	}
	ours := tallies[sides[0].name]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(ours, tally.rate), sides[0].name+"/s")
	b.ReportMetric(median(ours, func(t tally) float64 { return t.P50.Seconds() * 1e3 }), "p50-ms")
	b.ReportMetric(median(ours, func(t tally) float64 { return t.P99.Seconds() * 1e3 }), "p99-ms")
	b.ReportMetric(median(ours, tally.each), "cpu-µs")
	b.ReportMetric(median(ours, func(t tally) float64 { return float64(t.Busy) }), "busy")
	for _, s := range sides[1:] {
		b.ReportMetric(median(tallies[s.name], tally.rate), s.name+"/s")
		b.ReportMetric(median(ours, tally.rate)/median(tallies[s.name], tally.rate), "x-"+s.name)
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

// BenchmarkSignIn is a whole sign-in, password and TOTP code, beside the floor and beside argon2id alone behind HTTP.
func BenchmarkSignIn(b *testing.B) {
	a := openArena(b, 1000)
	for _, clients := range []int{8, 32, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			compare(b, clients, 2*legTime(), side{"sign-ins", a.signIns}, side{"floor", a.floorSignIns}, side{"argon2id", a.argon2ids})
		})
	}
}

func (a *arena) signIns(*testing.B) job { return signInsOf(a.crowd, a.crowd.NextStep(), a.service) }

// signInsOf has each of a crowd sign in once, on a browser that they are known on.
func signInsOf(crowd *authntest.Population, code, server string) job {
	j := job{Server: server}
	pages := site.New(site.Config{Accounts: crowd.Accounts, Sessions: crowd.Sessions})
	for _, p := range crowd.Users {
		j.Acts = append(j.Acts, act{
			{Method: "POST", Path: "/login", Cookie: "__Host-barillet-browser=" + p.Browser.Reveal(), To: "/login/factor",
				Form: url.Values{"identifier": {p.Login}, "password": {authntest.Password}}.Encode()},
			{Method: "POST", Path: "/login/factor", To: "/account", Form: "code=" + code + "&subject=" + pages.SubjectToken(p.ID)},
		})
	}
	return j
}

func (a *arena) floorSignIns(*testing.B) job {
	code, j := a.crowd.NextStep(), job{Server: a.bare}
	for _, p := range a.crowd.Users {
		j.Acts = append(j.Acts, act{
			{Method: "POST", Path: "/login", To: "/login/factor", Form: url.Values{"identifier": {p.Login}, "password": {authntest.Password}}.Encode()},
			{Method: "POST", Path: "/login/factor", To: "/account", Form: "code=" + code},
		})
	}
	return j
}

func (a *arena) argon2ids(*testing.B) job {
	return job{Server: a.bare, Repeat: true, Acts: []act{{{Method: "POST", Path: "/argon2id", Form: url.Values{"password": {authntest.Password}}.Encode()}}}}
}

// BenchmarkSecondStep is the second step alone, durable, beside the floor's. Each of the people does it once a leg,
// for a code works once.
func BenchmarkSecondStep(b *testing.B) {
	a := openArena(b, 12000)
	for _, clients := range []int{8, 32, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			compare(b, clients, legTime(), side{"second-steps", a.secondSteps}, side{"floor", a.floorSecondSteps})
		})
	}
}

func (a *arena) secondSteps(*testing.B) job {
	logins, j := a.crowd.StartSignIns(len(a.crowd.Users)), job{Server: a.service}
	code := a.crowd.NextStep()
	pages := site.New(site.Config{Accounts: a.crowd.Accounts, Sessions: a.crowd.Sessions})
	for i, l := range logins {
		cookie := "__Host-barillet-browser=" + a.crowd.Users[i].Browser.Reveal() + "; __Host-barillet-login=" + l.Reveal()
		j.Acts = append(j.Acts, act{{Method: "POST", Path: "/login/factor", Cookie: cookie, To: "/account",
			Form: "code=" + code + "&subject=" + pages.SubjectToken(a.crowd.Users[i].ID)}})
	}
	return j
}

func (a *arena) floorSecondSteps(b *testing.B) job {
	code, j := a.crowd.NextStep(), job{Server: a.bare}
	for _, c := range a.floor.keep(b, floorLogins, len(a.crowd.Users)) {
		j.Acts = append(j.Acts, act{{Method: "POST", Path: "/login/factor", Cookie: "login=" + c, To: "/account", Form: "code=" + code}})
	}
	return j
}

// BenchmarkSessionCheck is two things beside net/http alone. "check" is the session check itself: a cookie, authn's
// Check, 204; that is what a forward-auth check costs. "page" is GET /login of a signed-in user: every
// middleware, the check, a line in the log, and a redirect without a page. x-cpu-hello is the ratio of the server's CPU.
func BenchmarkSessionCheck(b *testing.B) {
	a := openArena(b, 100)
	sessions, floors := a.crowd.CreateSessions(100), a.floor.keep(b, floorSessions, 100)
	ask := func(server, path, to string, cookie func(i int) string) func(*testing.B) job {
		return func(*testing.B) job {
			j := job{Server: server, Repeat: true}
			for i := range 100 {
				j.Acts = append(j.Acts, act{{Method: "GET", Path: path, Cookie: cookie(i), To: to}})
			}
			return j
		}
	}
	ours := func(i int) string { return "__Host-barillet=" + sessions[i].Reveal() }
	floor := side{"floor", ask(a.bare, "/", "", func(i int) string { return "session=" + floors[i] })}
	hello := side{"hello", ask(a.bare, "/hello", "", ours)}
	for _, s := range []side{
		{"check", ask(listen(b, a.checker()), "/", "", ours)},
		{"page", ask(a.service, "/login", "/account", ours)},
	} {
		b.Run(s.name, func(b *testing.B) {
			t := compare(b, 8, legTime(), side{"checks", s.job}, floor, hello)
			b.ReportMetric(median(t["checks"], tally.each)/median(t["hello"], tally.each), "x-cpu-hello")
			b.ReportMetric(median(t["hello"], tally.each), "hello-cpu-µs")
		})
	}
}

// checker answers whether a session is live, and nothing else.
func (a *arena) checker() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie("__Host-barillet")
		if err == nil {
			_, err = a.crowd.Sessions.Authenticate(r.Context(), secret.From(c.Value))
		}
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
