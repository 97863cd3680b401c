package web_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/store"
)

var eventLink = regexp.MustCompile(`href="/console/log/(\d[^"]*)" data-row`)

// eventsOn returns the ids of the events on the pages of the log, from a path on.
func (b *browser) eventsOn(path string) (ids []string) {
	b.t.Helper()
	more := regexp.MustCompile(`href="(/console/log\?[^"]*)" data-key="n"`)
	for path != "" {
		body := b.shows(path).body
		for _, m := range eventLink.FindAllStringSubmatch(body, -1) {
			ids = append(ids, m[1])
		}
		path = ""
		if m := more.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	return ids
}

func TestConsole_ShowsTheLogInPlainWords(t *testing.T) {
	p := open(t, nil)
	bruno, _, _ := p.Member(bruno, func(u *account.User) { u.FirstName, u.LastName = "Bruno", "Petit" })
	p.Member("brunelle@garage.example", func(u *account.User) { u.FirstName, u.LastName = "Brune", "Grand" })
	_, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	admin.proves("/console/people/" + string(bruno.ID) + "/suspend")
	admin.goes("/console/people/"+string(bruno.ID)+"?done=suspend", "/console/people/"+string(bruno.ID)+"/suspend", "reason", "left")
	body := admin.shows("/console/log").body
	for _, want := range []string{"Account suspended", ">Bruno Petit</a>", "Signed in", `>Done</span>`} {
		if !strings.Contains(body, want) {
			t.Errorf("the log lacks %q", want)
		}
	}
	suspended := p.Events(audit.UserSuspended)[0]
	for path, want := range map[string][]string{
		"?type=user.lifecycle.suspend":                                           {suspended.ID},
		"?type=user.lifecycle.suspend&outcome=DENY":                              nil,
		"?type=user.lifecycle.suspend&user=bruno.petit@garage.example":           {suspended.ID},
		"?type=user.lifecycle.suspend&user=Petit":                                {suspended.ID},
		"?type=user.lifecycle.suspend&user=brunelle":                             nil,
		"?type=user.lifecycle.suspend&actor=root@garage.example":                 {suspended.ID},
		"?type=user.lifecycle.suspend&actor=" + string(bruno.ID):                 nil,
		"?type=user.lifecycle.suspend&user=petit&actor=" + string(admin.user.ID): {suspended.ID},
		"?type=user.lifecycle.suspend&until=2020-01-01":                          nil,
		"?type=user.lifecycle.suspend&since=2020-01-01":                          {suspended.ID},
		"?user=brun":            nil, // two users: a choice
		"?user=nobody-has-this": nil,
		"?since=yesterday":      nil,
	} {
		if got := admin.eventsOn("/console/log" + path); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	if got := admin.shows("/console/log?user=brun").body; !strings.Contains(got, "Several people match") || !strings.Contains(got, "/console/log?user="+string(bruno.ID)) {
		t.Error("the page offers no choice among two users")
	}
	detail := admin.shows("/console/log/" + suspended.ID).body
	for _, want := range []string{"left", "user.lifecycle.suspend", suspended.ID, "/console/people/" + string(admin.user.ID)} {
		if !strings.Contains(detail, want) {
			t.Errorf("the page of the event lacks %q", want)
		}
	}
	for _, path := range []string{"/console/log/none", "/console/log/" + suspended.ID + "x", "/console/log?after=x"} {
		if got := admin.get(path); got.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: got %d, want 404", path, got.StatusCode)
		}
	}
}

func TestConsole_ShowsTheProofOfAnEvent(t *testing.T) {
	p := open(t, nil)
	canal := p.CreateGroup("Garage du Canal")
	member, _, _ := p.Member(bruno, func(u *account.User) { u.Groups = []account.GroupID{canal} })
	_, manager := p.administrator(t, "chef@garage.example", account.RoleUserAdmin, canal)
	_, admin := p.administrator(t, "root@garage.example", account.RoleReadOnly)
	id := ""
	for _, e := range p.Events() {
		if e.Subject == string(member.ID) {
			id = e.ID
		}
	}
	if got := admin.shows("/console/log/" + id).body; !strings.Contains(got, "does not have a signed head") {
		t.Error("the page does not say that no head covers the event yet")
	}
	if err := p.Directory.Admin.Tree.Advance(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := admin.shows("/console/log/" + id).body; !strings.Contains(got, "the signed head covers it") {
		t.Error("the page lacks the proof")
	}
	if got := manager.shows("/console/log/" + id).body; strings.Contains(got, "signed head") {
		t.Error("a manager reads a proof, which has the number of all events")
	}
}

// A manager reads the events about the own garage, and cannot tell by count, cursor, name or export that others exist.
func TestAttack_ManagerReadsTheLogOfAnotherGarage(t *testing.T) {
	p := open(t, nil)
	canal, nord := p.CreateGroup("Garage du Canal"), p.CreateGroup("Garage du Nord")
	own, _, _ := p.Member(bruno, func(u *account.User) { u.Groups = []account.GroupID{canal} })
	other, phone, _ := p.Member("zoe@garage.example", func(u *account.User) { u.FirstName, u.LastName, u.Groups = "Zoé", "Nord", []account.GroupID{nord} })
	_, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	admin.proves("/console/people")
	for _, u := range []account.User{own, other} {
		admin.post("/console/people/"+string(u.ID)+"/suspend", "reason", "inventory")
		admin.post("/console/people/"+string(u.ID)+"/unsuspend", "reason", "inventory")
	}
	for range 60 {
		p.Clock.Advance(time.Minute)
		p.SignIn("zoe@garage.example", authntest.Password, phone)
	}
	_, manager := p.administrator(t, "chef@garage.example", account.RoleUserAdmin, canal)
	var outside []string
	for _, e := range p.Events() {
		if e.Subject != string(own.ID) {
			outside = append(outside, e.ID)
		}
	}
	got := manager.eventsOn("/console/log")
	if len(got) == 0 || slices.ContainsFunc(got, func(id string) bool { return slices.Contains(outside, id) }) {
		t.Fatalf("got %d events, want those about the own garage only", len(got))
	}
	body := manager.shows("/console/log").body
	for _, secret := range []string{"zoe@garage.example", "Zoé", string(other.ID), "root@garage.example"} {
		if strings.Contains(body, secret) {
			t.Errorf("the log shows %q of another garage", secret)
		}
	}
	unknown := manager.shows("/console/log?user=nobody@garage.example").body
	known := manager.shows("/console/log?user=zoe@garage.example").body
	strip := regexp.MustCompile(`(nobody|zoe)@garage.example|zoe%40garage.example|nobody%40garage.example|name="once" value="[^"]*"`)
	if strip.ReplaceAllString(unknown, "") != strip.ReplaceAllString(known, "") {
		t.Error("a search tells a user of another garage from one who does not exist")
	}
	for _, id := range []string{string(other.ID), strings.Repeat("0", len(other.ID))} {
		if got := manager.eventsOn("/console/log?user=" + id); len(got) != 0 {
			t.Errorf("got %d events about %s, want none", len(got), id)
		}
	}
	for _, id := range outside {
		if got := manager.get("/console/log/" + id); got.StatusCode != http.StatusNotFound {
			t.Fatalf("got %d for an event of another garage, want 404", got.StatusCode)
		}
	}
	manager.proves("/console/log/export")
	export := manager.post("/console/log/export", "format", "jsonl", "reason", "r")
	if export.StatusCode != http.StatusOK || !slices.Equal(exported(t, export.body), got) {
		t.Errorf("got %d and %d events, want the %d of the list", export.StatusCode, len(exported(t, export.body)), len(got))
	}
}

// exported returns the ids of the events in JSON lines.
func exported(t *testing.T, body string) (ids []string) {
	t.Helper()
	for line := range strings.Lines(body) {
		var e struct{ UUID string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		ids = append(ids, e.UUID)
	}
	return ids
}

func TestConsole_ExportsWhatTheListShows(t *testing.T) {
	p := open(t, nil)
	member, _, _ := p.Member(bruno, nil)
	evil := "=HYPERLINK(\"https://evil.example\")"
	_, admin := p.administrator(t, "root@garage.example", account.RoleReadOnly)
	b := p.browser(t)
	b.header.Set("User-Agent", evil)
	for range 3 {
		b.post("/login", "identifier", bruno, "password", "wrong password of bruno")
	}
	const export = "/console/log/export"
	admin.proofFirst(export)
	if got := admin.post(export, "format", "csv", "reason", "r"); !strings.HasPrefix(got.next(), "/account/prove?next=") {
		t.Fatalf("got %d to %q without a proof, want the proof", got.StatusCode, got.next())
	}
	if n := len(p.Events(audit.LogExported)); n != 0 {
		t.Fatalf("got %d events of exports, want none", n)
	}
	admin.proves(export + "?user=bruno.petit%40garage.example")
	list := admin.eventsOn("/console/log?user=bruno.petit@garage.example")
	if form := admin.shows(export + "?user=bruno.petit%40garage.example").body; !strings.Contains(form, `name="user" value="bruno.petit@garage.example"`) {
		t.Error("the form lost the filter")
	}
	if got := admin.post(export, "format", "csv", "user", bruno); got.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("got %d without a reason, want 422", got.StatusCode)
	}
	got := admin.post(export, "format", "csv", "user", bruno, "reason", "for the police")
	if got.StatusCode != http.StatusOK || !strings.HasPrefix(got.Header.Get("Content-Type"), "text/csv") || !strings.HasPrefix(got.Header.Get("Content-Disposition"), "attachment") {
		t.Fatalf("got %d with %v, want a file", got.StatusCode, got.Header)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(got.body, "\xef\xbb\xbf"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, row := range rows[1:] {
		ids = append(ids, row[1])
		for _, cell := range row {
			if strings.HasPrefix(cell, "=") {
				t.Errorf("%q starts a formula", cell)
			}
		}
	}
	if !slices.Equal(ids, list) || !strings.Contains(got.body, "'=HYPERLINK") {
		t.Errorf("got %d events, want the %d of the list", len(ids), len(list))
	}
	e := p.Events(audit.LogExported)[0]
	if e.Actor.ID != string(admin.user.ID) || e.Detail["reason"] != "for the police" || e.Detail["user"] != string(member.ID) || e.Detail["format"] != "csv" {
		t.Errorf("the event says %v by %s", e.Detail, e.Actor.ID)
	}
	for _, v := range e.Detail {
		if strings.Contains(v, bruno) {
			t.Errorf("the event names the user: nothing would erase %q", v)
		}
	}
	want := admin.eventsOn("/console/log?until=2040-01-01")
	all := exported(t, admin.post(export, "format", "jsonl", "reason", "r", "until", "2040-01-01").body)
	if !slices.Equal(all, want) {
		t.Errorf("got %d events in the file, want the %d of the list", len(all), len(want))
	}
	if got := admin.post(export, "format", "csv", "reason", "r", "after", "x"); got.StatusCode == http.StatusOK {
		t.Error("an invalid cursor gives a file")
	}
}

// A file has 10,000 events at most, and its last line leads to the next one.
func TestConsole_ContinuesAnExportInAnotherFile(t *testing.T) {
	p := open(t, nil)
	const events, part = 10_300, 50
	for range events / part {
		p.Clock.Advance(time.Second)
		var ids []string
		for range part {
			ids = append(ids, audit.NewID(p.Clock.Now()))
		}
		err := p.Store.Update(t.Context(), func(tx store.Tx) error {
			for _, id := range ids {
				if err := p.Log.Append(tx, id, audit.Event{Actor: audit.System, Action: audit.ConfigReloaded, Outcome: audit.Success}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	_, admin := p.administrator(t, "root@garage.example", account.RoleReadOnly)
	admin.proves("/console/log/export")
	fields := []string{"format", "jsonl", "reason", "r", "type", audit.ConfigReloaded}
	lines := strings.Split(strings.TrimSpace(admin.post("/console/log/export", fields...).body), "\n")
	var last struct{ Next string }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || len(lines) != 10_001 {
		t.Fatalf("got %d lines and %v, want 10,001", len(lines), err)
	}
	if form := admin.shows(last.Next).body; !strings.Contains(form, `name="after" value="20`) || !strings.Contains(form, audit.ConfigReloaded) {
		t.Error("the page of the next file lost its place")
	}
	next, err := url.Parse(last.Next)
	if err != nil {
		t.Fatal(err)
	}
	rest := exported(t, admin.post("/console/log/export", append(fields, "after", next.Query().Get("after"))...).body)
	if len(rest) != events-10_000 {
		t.Errorf("got %d events in the second file, want %d", len(rest), events-10_000)
	}
}
