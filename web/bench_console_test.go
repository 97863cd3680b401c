package web_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/store"
	"barillet/web"
)

// desk is the console on a seeded store.
type desk struct {
	*authntest.Population
	t        testing.TB
	seeded   *authntest.Seeded
	handler  http.Handler
	sessions map[string]secret.Value // of a SUPER_ADMIN, "all", and of the manager of a garage, "one"
	garage   int                     // of the manager
}

// newDesk opens the console at the time at which the store was seeded: requests are as old as then, and approvals valid.
func newDesk(t testing.TB, seeded *authntest.Seeded) *desk {
	t.Helper()
	d := &desk{Population: seeded.Population(t, 1), t: t, seeded: seeded, garage: seeded.Groups/20 + 1}
	for d.garage%3 == 0 { // a manager of two
		d.garage++
	}
	d.Clock.Advance(seeded.Until.Sub(d.Clock.Now()))
	manager := seeded.Manager(d.garage)
	d.Users = append(d.Users, authntest.TestUser{ID: seeded.ID(manager), Login: authntest.Login(manager), Browser: seeded.Browser(manager)})
	secrets := d.CreateSessions(len(d.Users))
	d.sessions = map[string]secret.Value{"all": secrets[0], "one": secrets[1]}
	c, _ := config(t, d.Env)
	var err error
	if d.handler, err = web.New(c); err != nil {
		t.Fatal(err)
	}
	return d
}

// get returns a page of the console. It fails unless the page has the sentence that names who is signed in: no other has.
func (d *desk) get(as, path string) string {
	d.t.Helper()
	d.Clock.Advance(time.Second) // within the budget
	r := httptest.NewRequest(http.MethodGet, "https://login.example"+path, nil)
	r.AddCookie(&http.Cookie{Name: "__Host-barillet", Value: d.sessions[as].Reveal()})
	w := httptest.NewRecorder()
	if d.handler.ServeHTTP(w, r); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `<body class="console"`) {
		d.t.Fatalf("%s: got %d to %q", path, w.Code, w.Header().Get("Location"))
	}
	return w.Body.String()
}

var (
	nextLink = regexp.MustCompile(`href="([^"]*)" data-key="n"`)
	rowLink  = regexp.MustCompile(`<th scope="row"><a href="([^"]*)" data-row`)
)

// link returns the first path in a page that a pattern finds, or fails.
func (d *desk) link(page string, pattern *regexp.Regexp) string {
	d.t.Helper()
	found := pattern.FindStringSubmatch(page)
	if found == nil {
		d.t.Fatalf("the page has no %s", pattern)
	}
	return html.UnescapeString(found[1])
}

// leg is one page of the console.
type leg struct {
	name, as, path string
	open           *regexp.Regexp // if it is not nil, the page is that of this link at path
	want           string         // a text in the page; "": a row, or a next page
}

// legs are the pages: each list first, with each filter, then a second page of each, and the pages of objects.
func (d *desk) legs() (all []leg) {
	garage, large := string(d.seeded.Group(d.garage)), string(d.seeded.Group(0))
	member := d.seeded.Applicant(d.seeded.Requests() / 2)
	user, login := string(d.seeded.ID(member)), authntest.Login(member)
	day := d.seeded.Until.AddDate(0, 0, -9).Format(time.DateOnly)
	add := func(as string, open *regexp.Regexp, want string, pages ...string) {
		for i := 0; i < len(pages); i += 2 {
			all = append(all, leg{pages[i] + "/" + as, as, pages[i+1], open, want})
		}
	}
	people, requests, groups, log := "/console/people", "/console/requests", "/console/groups", "/console/log"
	rare := people + "?q=dur&state=SUSPENDED&devices=2" // no row: a SUSPENDED user keeps a phone
	for _, as := range []string{"all", "one"} {
		add(as, nil, "<svg", "start", "/console")
		add(as, nil, "", "people", people, "people-q", people+"?q=dur", "people-q-short", people+"?q=d", "people-q-all", people+"?q=garage",
			"people-devices-0", people+"?devices=0", "people-devices-1", people+"?devices=1", "people-devices-2", people+"?devices=2", "people-risk", people+"?devices=risk",
			"people-state-devices", people+"?state=ACTIVE&devices=2")
		add(as, nil, `id="people"`, "people-q-login", people+"?q="+login[:8], "people-q-risk", people+"?q=dur&devices=risk", "people-q-state-devices", people+"?q=dur&state=ACTIVE&devices=2", "people-q-none", people+"?q=zzzz", "people-q-state-devices-rare", rare)
		for _, s := range account.Statuses() {
			add(as, nil, `id="people"`, "people-state-"+string(s), people+"?state="+string(s), "people-q-state-"+string(s), people+"?q=dur&state="+string(s))
		}
		add(as, nil, `id="queue"`, "requests", requests, "requests-open", requests+"?state=open", "requests-in-progress", requests+"?state=in_progress",
			"requests-resolved", requests+"?state=resolved", "requests-rejected", requests+"?state=rejected", "requests-mine", requests+"?mine=yes",
			"requests-garage", requests+"?group="+garage, "requests-garage-mine", requests+"?mine=yes&group="+garage)
		add(as, nil, "", "groups", groups, "groups-q", groups+"?q=garage", "log", log, "log-type", log+"?type="+audit.SessionStart,
			"log-outcome", log+"?outcome=SUCCESS")
		add(as, nil, "<main", "log-failure", log+"?outcome=FAILURE", "log-days", log+"?since="+day+"&until="+day, "group", groups+"/"+garage, "group-q", groups+"/"+garage+"?q=dur", "group-risk", groups+"/"+garage+"?risk=yes",
			"log-type-outcome", log+"?type="+audit.FactorProven+"&outcome=FAILURE", "log-type-none", log+"?type="+audit.UserSuspended)
		add(as, nextLink, `id="people"`, "people-next", people)
		add(as, rowLink, "<h1", "event", log)
		add(as, rowLink, login[len(login)-len("@garage.example"):], "person", people)
	}
	add("all", nil, "", "people-group", people+"?group="+garage, "people-group-large", people+"?group="+large, "people-q-group", people+"?q=m&group="+large,
		"people-role", people+"?role="+string(account.RoleHelpDesk), "people-role-rare", people+"?role="+string(account.RoleReadOnly), "group-large", groups+"/"+large,
		"group-large-q", groups+"/"+large+"?q=m", "groups-q-town", groups+"?q=lyon",
		"roles", "/console/roles", "roles-role", "/console/roles?role="+string(account.RoleHelpDesk), "roles-super", "/console/roles?role="+string(account.RoleSuperAdmin), "roles-group", "/console/roles?group="+garage,
		"mail", "/console/mail", "tokens", "/console/tokens", "requests", requests, "requests-large", requests+"?group="+large,
		"log-subject", log+"?user="+user, "log-subject-name", log+"?user="+url.QueryEscape(login))
	add("all", nil, "<main", "log-name-of-many", log+"?user=dur", "log-actor", log+"?actor="+user, "log-subject-type", log+"?user="+user+"&type="+audit.SessionStart, "log-actor-outcome", log+"?actor="+user+"&outcome=FAILURE", "webhooks", "/console/webhooks", "group-large-risk", groups+"/"+large+"?risk=yes")
	add("all", nextLink, "", "people-q-next", people+"?q=dur", "people-role-next", people+"?role="+string(account.RoleHelpDesk), "requests-next", requests, "groups-next", groups,
		"group-next", groups+"/"+large, "roles-next", "/console/roles", "log-next", log, "tokens-next", "/console/tokens")
	add("all", rowLink, "<h1", "request", requests, "person-roles", "/console/roles")
	if time.Since(d.seeded.Until) < 12*time.Hour { // later, the service deletes them
		add("all", nil, "", "approvals", "/console/approvals")
		add("all", rowLink, "<h1", "approval", "/console/approvals")
	}
	return all
}

// open returns the page of a leg, and fails if it is not what it must be.
func (d *desk) open(l leg) {
	d.t.Helper()
	page := d.get(l.as, l.path)
	if l.want == "" && !strings.Contains(page, "data-row") && !nextLink.MatchString(page) || !strings.Contains(page, l.want) {
		d.t.Fatalf("%s lacks a row, or %q", l.path, l.want)
	}
}

// follow replaces the path of a leg by that of its link.
func (d *desk) follow(l leg) leg {
	d.t.Helper()
	if l.open != nil {
		l.path = d.link(d.get(l.as, l.path), l.open)
	}
	return l
}

// records returns how many records a page reads.
func (d *desk) records(l leg) int64 {
	d.t.Helper()
	d.open(l)
	before, _ := d.Reads.Total()
	d.open(l)
	after, _ := d.Reads.Total()
	return after - before
}

// BenchmarkConsoleAtMillion is each page of the console on the store in STORE, which authntest's BenchmarkSeed filled: the best of the
// requests when the caches are warm, and the records that one reads. "all" is a SUPER_ADMIN, "one" the manager of a garage.
func BenchmarkConsoleAtMillion(b *testing.B) {
	dir := os.Getenv("STORE")
	if dir == "" {
		b.Fatal("STORE is not set: use make million")
	}
	d := newDesk(b, authntest.OpenSeeded(b, dir))
	for _, l := range d.legs() {
		b.Run(l.name, func(b *testing.B) {
			d.t = b
			l := d.follow(l)
			records, best := d.records(l), time.Hour
			for b.Loop() {
				began := time.Now()
				d.open(l)
				best = min(best, time.Since(began))
			}
			b.ReportMetric(best.Seconds()*1e3, "best-ms")
			b.ReportMetric(float64(records), "records/op")
		})
	}
}

// TestConsole_EachPageAnswersAtAnySize is BenchmarkConsoleAtMillion with a small store. No page reads more records than a page may.
func TestConsole_EachPageAnswersAtAnySize(t *testing.T) {
	t.Parallel()
	d := newDesk(t, authntest.Seed(t, t.TempDir(), authntest.Size{People: 6000, Groups: 60, Events: 5000}, t.Logf))
	for _, l := range d.legs() {
		t.Run(l.name, func(t *testing.T) {
			d.t = t
			if n := d.records(d.follow(l)); n > 2*store.PageReads { // a list, with an entry of an index for each record, or with the count in the navigation
				t.Errorf("reads %d records", n)
			}
		})
	}
}
