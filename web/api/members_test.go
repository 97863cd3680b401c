package api_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/internal/audit"
)

// walk follows a list to its end and gives the ids, and how many pages there were.
func (d *apiEnv) walk(t *testing.T, path, token string) (ids []string, pages int) {
	t.Helper()
	for ; path != ""; pages++ {
		if pages > 300 {
			t.Fatal("the pages have no end")
		}
		w := d.call("GET", path, token, "")
		for _, x := range read[[]tree](t, w, 200) {
			ids = append(ids, x.get("id").(string))
		}
		path = next(t, w.Header())
	}
	return ids, pages
}

func TestGroups_RenameAndDelete(t *testing.T) {
	d := open(t)
	admin := d.admin()
	made := read[tree](t, d.call("POST", "/api/v1/groups", admin, `{"profile":{"name":"Garage Lumière","description":"Lyon"}}`), 200)
	gid := made.get("id").(string)
	path := "/api/v1/groups/" + gid
	d.Clock.Advance(1e9)
	changed := read[tree](t, d.call("PUT", path, admin, `{"id":"x","type":"OKTA_GROUP","profile":{"name":"Garage Soleil"}}`), 200)
	if changed.get("id") != gid || changed.get("profile", "name") != "Garage Soleil" || changed.get("profile", "description") != "" ||
		changed.get("created") != made.get("created") || changed.get("lastUpdated") == made.get("lastUpdated") ||
		changed.get("_links", "users", "href") != "https://login.example"+path+"/users" {
		t.Errorf("got %v", changed)
	}
	for _, body := range []string{`{}`, `{"profile":{"name":" "}}`, `{"profile":{"name":"x","colour":"red"}}`, `{"hunter2":1}`, `[]`, `{"broken`} {
		problem(t, d.call("PUT", path, admin, body), 400)
	}
	u := d.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{account.GroupID(gid)} })
	if w := d.call("DELETE", path, admin, ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("deleting: got %d %s", w.Code, w.Body)
	}
	for _, call := range []string{"GET " + path, "DELETE " + path, "GET " + path + "/users", "PUT " + path + "/users/" + string(u.ID), "DELETE " + path + "/users/" + string(u.ID)} {
		method, at, _ := strings.Cut(call, " ")
		if doc := problem(t, d.call(method, at, admin, ""), 404); doc.ErrorCode != "E0000007" {
			t.Errorf("%s of a garage that was deleted: got %s", call, doc.ErrorCode)
		}
	}
	problem(t, d.call("PUT", path, admin, `{"profile":{"name":"again"}}`), 404)
	if list, _ := d.walk(t, "/api/v1/groups", admin); len(list) != 0 {
		t.Errorf("got garages %v", list)
	}
	if got := read[tree](t, d.call("GET", "/api/v1/users/"+string(u.ID), admin, ""), 200); mustJSON(t, got.get("groupIds")) != "[]" {
		t.Errorf("got garages %v of the person", got.get("groupIds"))
	}
}

func TestMembers_AddAndRemove(t *testing.T) {
	d := open(t)
	admin := d.admin()
	u := d.CreateUser("zoe@garage.example", nil)
	gid := d.CreateGroup("Garage Nord")
	path := fmt.Sprintf("/api/v1/groups/%s/users/%s", gid, u.ID)
	for range 2 {
		if w := d.call("PUT", path, admin, ""); w.Code != 204 || w.Body.Len() != 0 {
			t.Errorf("putting in: got %d %s", w.Code, w.Body)
		}
	}
	if ids, _ := d.walk(t, "/api/v1/groups/"+string(gid)+"/users", admin); !slices.Equal(ids, []string{string(u.ID)}) {
		t.Errorf("got members %v", ids)
	}
	groups := read[[]tree](t, d.call("GET", "/api/v1/users/zoe@garage.example/groups", admin, ""), 200)
	if len(groups) != 1 || groups[0].get("profile", "name") != "Garage Nord" || groups[0].get("type") != "OKTA_GROUP" {
		t.Errorf("got garages %v", groups)
	}
	for range 2 {
		if w := d.call("DELETE", path, admin, ""); w.Code != 204 || w.Body.Len() != 0 {
			t.Errorf("taking out: got %d %s", w.Code, w.Body)
		}
	}
	if ids, _ := d.walk(t, "/api/v1/groups/"+string(gid)+"/users", admin); len(ids) != 0 {
		t.Errorf("got members %v", ids)
	}
	problem(t, d.call("PUT", path, admin, `{"role":"SUPER_ADMIN"}`), 400)
	problem(t, d.call("GET", "/api/v1/users/nobody/groups", admin, ""), 404)
	problem(t, d.call("GET", "/api/v1/groups/"+string(gid)+"/users?limit=0", admin, ""), 400)
	problem(t, d.call("GET", "/api/v1/groups/"+string(gid)+"/users?after=%00", admin, ""), 400)
	log := read[[]tree](t, d.call("GET", "/api/v1/logs?filter="+url.QueryEscape(`eventType eq "`+audit.GroupMemberAdded+`" or eventType eq "`+audit.GroupMemberRemoved+`"`), admin, ""), 200)
	if len(log) != 2 || !strings.Contains(mustJSON(t, log[0].get("target")), string(gid)) {
		t.Errorf("got %v, want one event for each act", log)
	}
}

func TestMembers_PagesListEachOnce(t *testing.T) {
	d := open(t)
	administrator := d.admin()
	gid, other := d.CreateGroup("Garage Nord"), d.CreateGroup("Garage Sud")
	for i := range 25 {
		d.CreateUser(fmt.Sprintf("p%d@garage.example", i), func(u *account.User) { u.Groups = []account.GroupID{other, gid} })
	}
	only := d.CreateUser("only@garage.example", func(u *account.User) { u.Groups = []account.GroupID{gid} })
	d.CreateUser("nobody@garage.example", nil)
	for _, limit := range []int{1, 5, 7, 26, 200} {
		ids, pages := d.walk(t, fmt.Sprintf("/api/v1/groups/%s/users?limit=%d", gid, limit), administrator)
		distinct := slices.Compact(slices.Sorted(slices.Values(ids)))
		if len(ids) != 26 || len(distinct) != 26 || pages > 26/limit+1 {
			t.Errorf("limit %d: got %d, %d of them different, on %d pages", limit, len(ids), len(distinct), pages)
		}
	}
	// The token of this garage finds the one person who is in no other, on one page that has no next one.
	scoped := d.token(account.RoleReadOnly, func(n *admin.NewToken) { n.Groups = []account.GroupID{gid} })
	if ids, pages := d.walk(t, fmt.Sprintf("/api/v1/groups/%s/users?limit=1", gid), scoped); !slices.Equal(ids, []string{string(only.ID)}) || pages != 1 {
		t.Errorf("got %v on %d pages, want one", ids, pages)
	}
	for query, want := range map[string]int{"": 2, "?q=garage": 2, "?q=GARAGE%20n": 1, "?q=ord": 0, "?q=Garage&limit=1": 2} {
		if ids, _ := d.walk(t, "/api/v1/groups"+query, administrator); len(ids) != want {
			t.Errorf("%s: got %d garages, want %d", query, len(ids), want)
		}
		if ids, _ := d.walk(t, "/api/v1/groups"+query, scoped); len(ids) != min(want, 1) {
			t.Errorf("%s: the token of one garage got %d, want %d", query, len(ids), min(want, 1))
		}
	}
	problem(t, d.call("GET", "/api/v1/groups?q="+strings.Repeat("x", 300), administrator, ""), 400)
}

// An administrator with a group scope compares the responses for a group outside with those for an unknown one. They
// are equal except for the request id.
func TestMembers_GroupOutsideScopeLooksUnknown(t *testing.T) {
	d := open(t)
	mine, other := d.CreateGroup("Garage Nord"), d.CreateGroup("Garage Sud")
	zoe := d.CreateUser("zoe@garage.example", func(u *account.User) { u.Groups = []account.GroupID{mine} })
	outside := d.CreateUser("paul@garage.example", func(u *account.User) { u.Groups = []account.GroupID{other} })
	chief := d.CreateUser("chief@garage.example", func(u *account.User) {
		u.Groups, u.Roles = []account.GroupID{mine}, []account.RoleAssignment{{ID: "r1", Role: account.RoleReadOnly}}
	})
	const nobody, never = "uaaaaaaaaaaaaaaaaaaaaaaaaaa", "gaaaaaaaaaaaaaaaaaaaaaaaaaa"
	for _, role := range []account.Role{account.RoleReadOnly, account.RoleHelpDesk, account.RoleUserAdmin, account.RoleSuperAdmin} {
		token := d.token(role, func(n *admin.NewToken) { n.Groups = []account.GroupID{mine} })
		answer := func(method, path, body string) string {
			w := d.call(method, path, token, body)
			doc := problem(t, w, w.Code)
			return fmt.Sprint(w.Code, doc.Type, doc.Title, doc.Detail, doc.ErrorCode, doc.ErrorSummary, doc.ErrorCauses, w.Header().Values("Link"))
		}
		for _, c := range [][4]string{
			{"GET", "/api/v1/groups/", string(other), never},
			{"PUT", "/api/v1/groups/", string(other), never},
			{"DELETE", "/api/v1/groups/", string(other), never},
			{"GET", "/api/v1/groups/", string(other) + "/users", never + "/users"},
			{"PUT", "/api/v1/groups/", string(other) + "/users/" + string(zoe.ID), never + "/users/" + string(zoe.ID)},
			{"DELETE", "/api/v1/groups/", string(other) + "/users/" + string(zoe.ID), never + "/users/" + string(zoe.ID)},
			{"DELETE", "/api/v1/groups/", string(other) + "/users/" + string(outside.ID), never + "/users/" + nobody},
			{"PUT", "/api/v1/groups/", string(mine) + "/users/" + string(outside.ID), string(mine) + "/users/" + nobody},
			{"PUT", "/api/v1/groups/", string(mine) + "/users/" + string(zoe.ID), string(mine) + "/users/" + nobody},
			{"DELETE", "/api/v1/groups/", string(mine) + "/users/" + string(outside.ID), string(mine) + "/users/" + nobody},
			{"DELETE", "/api/v1/groups/", string(mine) + "/users/" + string(chief.ID), string(mine) + "/users/" + nobody},
			{"GET", "/api/v1/users/", string(outside.ID) + "/groups", nobody + "/groups"},
			{"GET", "/api/v1/users/", string(chief.ID) + "/groups", nobody + "/groups"},
		} {
			body := ""
			if c[0] == "PUT" && !strings.Contains(c[2], "/") {
				body = `{"profile":{"name":"Mine"}}`
			}
			if there, not := answer(c[0], c[1]+c[2], body), answer(c[0], c[1]+c[3], body); there != not {
				t.Errorf("%s %s %s: got %q, and %q for what is not there", role, c[0], c[2], there, not)
			}
		}
	}
	for _, u := range []account.User{zoe, outside, chief} {
		if got := d.User(string(u.ID)).Groups; !slices.Equal(got, u.Groups) {
			t.Errorf("%s: got %v, want nothing moved", u.Login, got)
		}
	}
	if events := d.Events(audit.GroupMemberAdded, audit.GroupMemberRemoved, audit.GroupUpdated, audit.GroupDeleted); len(events) != 0 {
		t.Errorf("got %+v, want no event", events)
	}
}
