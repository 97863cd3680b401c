package web_test

import (
	"net/http"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/audit"
)

// acts performs an operation of the console that needs a proof and a reason, and returns the answer.
func (a *proving) acts(path string, fields ...string) page {
	a.t.Helper()
	a.steady()
	return a.post(path, append(fields, "reason", "agreed by phone")...)
}

// wantReason requires that the last event of a type has the administrator and the reason.
func (a *proving) wantReason(action string) {
	a.t.Helper()
	all := a.place.Events(action)
	if len(all) == 0 {
		a.t.Errorf("no event %s", action)
		return
	}
	if e := all[len(all)-1]; e.Actor.ID != string(a.user.ID) || e.Detail["reason"] != "agreed by phone" {
		a.t.Errorf("%s: by %s, %v", action, e.Actor.ID, e.Detail)
	}
}

func TestConsole_CreatesRenamesAndDeletesAGarage(t *testing.T) {
	p := open(t, nil)
	b, admin := p.administrator(t, "root@garage.example", account.RoleSuperAdmin)
	made := admin.acts("/console/groups/new", "name", "Garage du Port", "description", "Le Havre", "once", "A")
	at, _, ok := strings.Cut(made.next(), "?done=group_create")
	if !ok {
		t.Fatalf("got %d to %q\n%s", made.StatusCode, made.next(), made.body)
	}
	if again := admin.acts("/console/groups/new", "name", "Garage du Port", "description", "Le Havre", "once", "A"); !strings.Contains(again.next(), "again=sent_before") {
		t.Errorf("the same form again: got %d to %q", again.StatusCode, again.next())
	}
	admin.wantReason(audit.GroupCreated)
	if got := admin.acts("/console/groups/new", "name", "Garage du Port", "once", "B"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "This is used already") {
		t.Errorf("the same name: got %d", got.StatusCode)
	}
	if got := admin.acts(at+"/edit", "name", "Garage du Vieux Port", "description", ""); got.next() != at+"?done=group_edit" {
		t.Errorf("renaming: got %d to %q", got.StatusCode, got.next())
	}
	if got := b.get("/console/groups?q=vieux"); !strings.Contains(got.body, "Garage du Vieux Port") {
		t.Error("the search does not find the garage")
	}
	if got := b.get("/console/groups?q=nord"); strings.Contains(got.body, "Vieux Port") {
		t.Error("the search finds every garage")
	}
	if got := admin.acts(at + "/delete"); got.next() != "/console/groups?done=group_delete" {
		t.Errorf("deleting: got %d to %q", got.StatusCode, got.next())
	}
	admin.wantReason(audit.GroupDeleted)
	if got := b.get(at); got.StatusCode != http.StatusNotFound {
		t.Errorf("a deleted garage: got %d", got.StatusCode)
	}
}

func TestConsole_AddsAndRemovesMembers(t *testing.T) {
	p := open(t, nil)
	north := p.CreateGroup("Garage du Nord")
	member, _, _ := p.Member(bruno, func(u *account.User) { u.FirstName, u.LastName = "Bruno", "Lefèvre" })
	b, admin := p.administrator(t, "root@garage.example", account.RoleUserAdmin)
	at := "/console/groups/" + string(north)
	if got := admin.acts(at+"/add", "login", "nobody@garage.example"); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Nobody has this login") {
		t.Errorf("an unknown login: got %d", got.StatusCode)
	}
	if got := admin.acts(at+"/add", "login", " "+bruno+" "); got.next() != at+"?done=group_add" {
		t.Fatalf("adding: got %d to %q\n%s", got.StatusCode, got.next(), got.body)
	}
	admin.wantReason(audit.GroupMemberAdded)
	for query, want := range map[string]bool{"": true, "?q=lef": true, "?q=zzz": false, "?risk=yes": true} {
		if got := b.get(at + query); strings.Contains(got.body, "Bruno Lefèvre") != want {
			t.Errorf("%q shows the member: %v, want %v", query, !want, want)
		}
	}
	if got := admin.acts(at + "/members/" + string(member.ID) + "/remove"); got.next() != at+"?done=group_remove" {
		t.Errorf("removing: got %d to %q", got.StatusCode, got.next())
	}
	if u := p.User(bruno); len(u.Groups) != 0 {
		t.Errorf("got groups %v", u.Groups)
	}
}

// A manager sees and changes only their garage, and makes none.
func TestConsole_ManagerHasOnlyTheirGarage(t *testing.T) {
	p := open(t, nil)
	north, south := p.CreateGroup("Garage du Nord"), p.CreateGroup("Garage du Sud")
	other, _, _ := p.Member(bruno, func(u *account.User) { u.Groups = []account.GroupID{south} })
	shared, _, _ := p.Member("shared@garage.example", func(u *account.User) { u.Groups = []account.GroupID{north, south} })
	p.Member("boss@garage.example", func(u *account.User) {
		u.FirstName, u.Groups, u.Roles = "Inès", []account.GroupID{north}, []account.RoleAssignment{authntest.Assignment(account.RoleHelpDesk, north)}
	})
	b, manager := p.administrator(t, "manager@garage.example", account.RoleUserAdmin, north)
	if got := b.get("/console/groups"); !strings.Contains(got.body, "Garage du Nord") || strings.Contains(got.body, "Garage du Sud") || strings.Contains(got.body, "/console/groups/new") {
		t.Error("the list shows another garage, or offers a new one")
	}
	if got := b.get("/console/groups/" + string(north)); strings.Contains(got.body, "shared@") || strings.Contains(got.body, "Inès") || strings.Contains(got.body, "/console/roles") || strings.Contains(got.body, "/delete") {
		t.Errorf("the page shows users of others, administrators, or what the manager may not do:\n%s", got.body)
	}
	for path, want := range map[string]int{
		"/console/groups/" + string(south):                                               http.StatusNotFound,
		"/console/groups/" + string(south) + "/members/" + string(other.ID) + "/remove":  http.StatusNotFound,
		"/console/groups/" + string(north) + "/members/" + string(shared.ID) + "/remove": http.StatusNotFound,
		"/console/groups/" + string(north) + "/delete":                                   http.StatusForbidden,
		"/console/groups/" + string(north) + "/edit":                                     http.StatusForbidden,
		"/console/groups/" + string(north) + "/add":                                      http.StatusForbidden,
		"/console/groups/new":                                                            http.StatusForbidden,
		"/console/roles":                                                                 http.StatusForbidden,
		"/console/roles/" + string(other.ID):                                             http.StatusForbidden,
		"/console/roles/" + string(other.ID) + "/assign":                                 http.StatusForbidden,
	} {
		manager.steady()
		if got := b.get(path); got.StatusCode != want {
			t.Errorf("GET %s: got %d, want %d", path, got.StatusCode, want)
		}
	}
	manager.acts("/console/groups/"+string(north)+"/add", "login", bruno)
	manager.acts("/console/groups/new", "name", "Garage de l’Ouest")
	manager.acts("/console/groups/" + string(north) + "/delete")
	if u := p.User(bruno); len(u.Groups) != 1 {
		t.Error("a manager took a user of another garage")
	}
	if n := len(p.Events(audit.GroupCreated, audit.GroupDeleted)); n != 0 {
		t.Errorf("got %d events about garages", n)
	}
}
