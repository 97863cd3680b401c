package api_test

import (
	"crypto/rand"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/authntest"
	"barillet/factors"
	"barillet/web/api"
)

// A query that finds too little ends after so many requests, or so much time.
const (
	maxRequests = 300
	maxTime     = 10 * time.Second
)

// million is an API on a seeded store.
type million struct {
	t      testing.TB
	seeded *authntest.Seeded
	crowd  *authntest.Population
	api    *api.API
	used   int // users of the crowd that a row changed
}

func openMillion(t testing.TB, seeded *authntest.Seeded) *million {
	t.Helper()
	p := seeded.Population(t, 400)
	return &million{t: t, seeded: seeded, crowd: p, api: api.New(api.Config{Directory: p.Directory, Approvals: p.Approvals, Ring: p.Ring, PublicURL: "https://login.example"})}
}

// fresh returns a user whom no other row changed, also in an earlier run.
func (m *million) fresh() authntest.TestUser {
	model := m.crowd.User(m.crowd.Users[0].Login)
	for {
		m.used++
		one := m.crowd.Users[len(m.crowd.Users)-m.used]
		if u := m.crowd.User(one.Login); u.Status == model.Status && u.Epoch == model.Epoch && u.Resets == model.Resets && len(u.Devices) > 0 {
			return one
		}
	}
}

// outcome is what a row cost. A list is read until a page of it is complete.
type outcome struct {
	requests, empty int           // answers, and those without an entry
	total, slowest  time.Duration // of all requests and of one
	records, bytes  int64         // most that one request read
}

// add measures one request.
func (o *outcome) add(m *million, do func()) {
	records, bytes := m.crowd.Reads.Total()
	began := time.Now()
	do()
	took := time.Since(began)
	now, nowBytes := m.crowd.Reads.Total()
	o.requests++
	o.total += took
	o.slowest, o.records, o.bytes = max(o.slowest, took), max(o.records, now-records), max(o.bytes, nowBytes-bytes)
}

// call sends a request and fails unless it is answered.
func (m *million) call(o *outcome, method, path, body string, p admin.Principal) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r = r.WithContext(api.WithPrincipal(r.Context(), p))
	w := httptest.NewRecorder()
	o.add(m, func() { m.api.ServeHTTP(w, r) })
	if w.Code >= 300 {
		m.t.Fatalf("%s %s: got %d %s", method, path, w.Code, w.Body)
	}
	return w
}

// list reads a list until it has as many entries as one page, or ends.
func (m *million) list(o *outcome, path string, p admin.Principal) {
	for found := 0; path != "" && found < 200 && o.requests < maxRequests && o.total < maxTime; {
		w := m.call(o, "GET", path, "", p)
		var entries []json.RawMessage
		if err := json.Unmarshal(w.Body.Bytes(), &entries); err != nil {
			m.t.Fatalf("%s: %v", path, err)
		}
		if found += len(entries); len(entries) == 0 {
			o.empty++
		}
		path = next(m.t, w.Header())
	}
}

// row is one kind of request.
type row struct {
	name string
	do   func(o *outcome)
}

func (m *million) rows() []row {
	var out []row
	get := func(name, path string, p admin.Principal) {
		out = append(out, row{name, func(o *outcome) { m.call(o, "GET", path, "", p) }})
	}
	list := func(name, path string, p admin.Principal) {
		out = append(out, row{name, func(o *outcome) { m.list(o, path, p) }})
	}
	root, user := authntest.AsOperator, m.crowd.Users[len(m.crowd.Users)/2]
	one := authntest.Limited(authntest.AsHelpDesk, m.seeded.Group(m.seeded.Groups/2))
	var many []account.GroupID
	for i := range 30 {
		many = append(many, m.seeded.Group(i*m.seeded.Groups/30))
	}
	thirty, none := authntest.Limited(authntest.AsHelpDesk, many...), authntest.Limited(authntest.AsHelpDesk)

	users, at := "/api/v1/users", "/api/v1/users/"+string(user.ID)
	filter := func(text string) string { return "?filter=" + url.QueryEscape(text) }
	list("users", users, root)
	list("users/one-group", users, one)
	list("users/30-groups", users, thirty)
	list("users/no-group", users, none)
	list("users/q-name", users+"?q=dur", root)
	list("users/q-login", users+"?q="+user.Login[:11], root)
	list("users/q-name-one-group", users+"?q=dur", one)
	list("users/id-eq", users+filter(`id eq "`+string(user.ID)+`"`), root)
	list("users/login-eq", users+filter(`profile.login eq "`+user.Login+`"`), root)
	for _, status := range []string{"ACTIVE", "SUSPENDED", "STAGED", "LOCKED_OUT", "PASSWORD_EXPIRED"} {
		list("users/status-eq-"+status, users+filter(`status eq "`+status+`"`), root)
	}
	list("users/search-lastName", users+"?search="+url.QueryEscape(`profile.lastName sw "Zzz"`), root)
	get("user", at, root)
	for _, what := range []string{"factors", "sessions", "groups", "roles"} {
		get("user/"+what, at+"/"+what, root)
	}
	groups := "/api/v1/groups"
	list("groups", groups, root)
	list("groups/q", groups+"?q=Lyon", root)
	list("groups/one-group", groups, one)
	list("group/users-largest", groups+"/"+string(m.seeded.Group(0))+"/users", root)
	list("group/users-smallest", groups+"/"+string(m.seeded.Group(m.seeded.Groups-1))+"/users", root)
	for _, p := range []struct {
		name string
		p    admin.Principal
	}{{"", root}, {"-one-group", one}, {"-30-groups", thirty}, {"-no-group", none}} {
		list("report/lockout"+p.name, "/api/v1/reports/lockout-risk", p.p)
		list("report/lockout-groups"+p.name, "/api/v1/reports/lockout-risk?kind=group", p.p)
		get("report/sign-ins"+p.name, "/api/v1/reports/sign-ins?days=90", p.p)
	}
	for _, what := range []string{"api-tokens", "help-requests", "approvals", "webhooks"} {
		list(what, "/api/v1/"+what, root)
	}
	return append(append(out, m.logRows(root, one, thirty, none)...), m.actRows()...)
}

// logRows are the queries of the audit log.
func (m *million) logRows(root, one, thirty, none admin.Principal) (out []row) {
	list := func(name, query string, p admin.Principal) {
		for _, order := range []string{"ASCENDING", "DESCENDING"} {
			path := "/api/v1/logs?sortOrder=" + order + query
			out = append(out, row{"log/" + name + "-" + strings.ToLower(order[:4]), func(o *outcome) { m.list(o, path, p) }})
		}
	}
	filter := func(text string) string { return "&filter=" + url.QueryEscape(text) }
	user := m.crowd.Users[len(m.crowd.Users)/2]
	list("all", "", root)
	list("target-user", filter(`target.id eq "`+string(user.ID)+`"`), root)
	list("target-group", filter(`target.id eq "`+string(m.seeded.Group(m.seeded.Groups/2))+`"`), root)
	list("actor-user", filter(`actor.id eq "`+string(user.ID)+`"`), root)
	list("actor-token", filter(`actor.id eq "`+m.seeded.Token(7)+`"`), root)
	list("actor-unknown", filter(`actor.id eq "unobody"`), root)
	list("type-common", filter(`eventType eq "user.session.start"`), root)
	list("type-rare", filter(`eventType eq "user.lifecycle.create"`), root)
	list("type-none", filter(`eventType eq "user.lifecycle.suspend"`), root)
	list("q-login", "&q="+user.Login, root)
	list("q-nothing", "&q=xyzzy", root)
	list("last-hour", "&since="+url.QueryEscape(m.seeded.Until.Add(-time.Hour).Format(time.RFC3339)), root)
	list("one-group", "", one)
	list("30-groups", "", thirty)
	list("no-group", "", none)
	list("one-group-q", "&q=xyzzy", one)
	return append(out, row{"log/head", func(o *outcome) { m.call(o, "GET", "/api/v1/logs/head", "", root) }})
}

// actRows change the store.
func (m *million) actRows() []row {
	root, ctx := authntest.AsOperator, m.t.Context()
	id := func() string { return "/api/v1/users/" + string(m.fresh().ID) }
	post := func(name, path, body string) row {
		return row{name, func(o *outcome) {
			for range 2 {
				m.call(o, "POST", id()+path, body, root)
			}
		}}
	}
	roles := func(role account.Role) row {
		return row{"role/give-and-revoke-" + string(role), func(o *outcome) {
			path := id() + "/roles"
			given := m.call(o, "POST", path, `{"type":"`+string(role)+`"}`, root)
			var r struct{ ID string }
			if err := json.Unmarshal(given.Body.Bytes(), &r); err != nil {
				m.t.Fatal(err)
			}
			m.call(o, "DELETE", path+"/"+r.ID, "", root)
		}}
	}
	return []row{
		post("reset", "/lifecycle/reset_factors", `{}`),
		post("suspend", "/lifecycle/suspend", ``),
		post("deactivate", "/lifecycle/deactivate", ``),
		post("unlock", "/lifecycle/unlock", ``),
		post("freeze", "/lifecycle/freeze_factors", `{}`),
		{"create", func(o *outcome) {
			for range 2 {
				login := strings.ToLower(rand.Text()) + "@garage.example"
				m.call(o, "POST", "/api/v1/users", `{"profile":{"login":"`+login+`"}}`, root)
			}
		}},
		roles(account.RoleSuperAdmin), roles(account.RoleUserAdmin), roles(account.RoleHelpDesk), roles(account.RoleReadOnly),
		{"group/add-and-remove", func(o *outcome) {
			path := "/api/v1/groups/" + string(m.seeded.Group(1)) + "/users/" + string(m.fresh().ID)
			m.call(o, "PUT", path, "", root)
			m.call(o, "DELETE", path, "", root)
		}},
		{"sign-in", func(o *outcome) {
			code := m.crowd.CodeAt(m.crowd.Accounts.Now())
			for range 20 {
				u := m.fresh()
				from := m.crowd.From
				from.Browser = u.Browser
				o.add(m, func() {
					started, err := m.crowd.Authn.StartWithPassword(ctx, from, u.Login, authntest.Password)
					if err != nil {
						m.t.Fatal(err)
					}
					done, err := m.crowd.Authn.Verify(ctx, from, started.Secret, factors.InputCode, []byte(code))
					if err != nil || !done.Accepted() {
						m.t.Fatalf("second step: %v, rejected %q", err, done.Rejected)
					}
				})
			}
		}},
	}
}

// BenchmarkMillion measures each list, report, log query and change of the API once against the store in STORE, which
// BenchmarkSeed filled, and against a small store. "ms" is the slowest request of a row, "records" the most that one request read.
func BenchmarkMillion(b *testing.B) {
	dir := os.Getenv("STORE")
	if dir == "" {
		b.Fatal("STORE is not set: use make million")
	}
	m := openMillion(b, authntest.OpenSeeded(b, dir))
	small := openMillion(b, authntest.Seed(b, b.TempDir(), authntest.Size{People: 5200, Groups: 30, Events: 26_000}, b.Logf))
	other := small.rows()
	for i, r := range m.rows() {
		b.Run(r.name, func(b *testing.B) {
			o, beside := &outcome{}, &outcome{}
			m.t, small.t = b, b
			r.do(o)
			other[i].do(beside)
			b.ReportMetric(beside.slowest.Seconds()*1e3, "small-ms")
			b.ReportMetric(float64(beside.records), "small-records")
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(o.slowest.Seconds()*1e3, "ms")
			b.ReportMetric(float64(o.records), "records")
			b.ReportMetric(float64(o.bytes)/1024, "KiB")
			b.ReportMetric(o.total.Seconds()*1e3, "total-ms")
			b.ReportMetric(float64(o.requests), "requests")
			b.ReportMetric(float64(o.empty), "empty")
		})
	}
}

// TestMillion_EachRowAnswers is BenchmarkMillion with a small store.
func TestMillion_EachRowAnswers(t *testing.T) {
	t.Parallel()
	m := openMillion(t, authntest.Seed(t, t.TempDir(), authntest.Size{People: 1000, Groups: 60, Events: 5000}, t.Logf))
	for _, r := range m.rows() {
		t.Run(r.name, func(t *testing.T) {
			m.t = t
			o := &outcome{}
			if r.do(o); o.requests == 0 {
				t.Error("no request")
			}
			t.Logf("%+v", *o)
		})
	}
}
