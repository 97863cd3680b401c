package web_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/web"
)

// BenchmarkConsoleAtMillion is each first page of the console on the store in STORE, which authntest's BenchmarkSeed filled: the
// time of one request when the caches are warm, and the records that it reads. "all" is a SUPER_ADMIN, "one" the manager of a garage.
func BenchmarkConsoleAtMillion(b *testing.B) {
	dir := os.Getenv("STORE")
	if dir == "" {
		b.Fatal("STORE is not set: use make million")
	}
	seeded := authntest.OpenSeeded(b, dir)
	p := seeded.Population(b, 40)
	c, _ := config(b, p.Env)
	handler, err := web.New(c)
	if err != nil {
		b.Fatal(err)
	}
	group := seeded.Group(seeded.Groups / 2)
	member := p.Users[len(p.Users)/2]
	for name, as := range map[string]struct {
		user   authntest.TestUser
		role   account.RoleAssignment
		member string
	}{
		"all": {p.Users[0], account.RoleAssignment{ID: "raaaaaaaaaaaaaaaaaaaaaaaaaa", Role: account.RoleSuperAdmin}, string(member.ID)},
		"one": {p.Users[1], account.RoleAssignment{ID: "rbbbbbbbbbbbbbbbbbbbbbbbbbb", Role: account.RoleHelpDesk, Groups: []account.GroupID{group}}, ""},
	} {
		p.Change(as.user.ID, func(u *account.User) { u.Roles = []account.RoleAssignment{as.role} })
		p.Clock.Advance(30 * time.Second)
		session := p.SignIn(as.user.Login, authntest.Password, p.Phone).Session
		for path, title := range map[string]string{
			"/console": "start", "/console/people": "people", "/console/people?q=dur": "people-q-name", "/console/people?q=" + member.Login[:11]: "people-q-login",
			"/console/people?devices=0": "people-devices-0", "/console/people?state=SUSPENDED": "people-state", "/console/people?group=" + string(group): "people-group",
			"/console/people/" + as.member: "person", "/console/requests": "requests", "/console/groups": "groups", "/console/groups/" + string(group): "group", "/console/log": "log",
		} {
			if as.member == "" && title == "person" {
				continue
			}
			b.Run(title+"/"+name, func(b *testing.B) {
				ask := func() {
					r := httptest.NewRequest(http.MethodGet, "https://login.example"+path, nil)
					r.AddCookie(&http.Cookie{Name: "__Host-barillet", Value: session.Reveal()})
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, r); w.Code != http.StatusOK {
						b.Fatalf("%s: got %d to %q", path, w.Code, w.Header().Get("Location"))
					}
				}
				ask()
				before, _ := p.Reads.Total()
				for b.Loop() {
					p.Clock.Advance(time.Second) // within the budget
					ask()
				}
				after, _ := p.Reads.Total()
				b.ReportMetric(float64(after-before)/float64(b.N), "records/op")
			})
		}
	}
}
