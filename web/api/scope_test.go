package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/authn/helpdesk"
)

// bodies are valid bodies for calls, so that only the id can be refused.
var bodies = map[string]string{
	"POST /api/v1/users/{id}":                          `{"profile":{"firstName":"Léa"}}`,
	"PUT /api/v1/users/{id}":                           `{"profile":{"login":"lea@garage.example","email":"lea@garage.example"}}`,
	"POST /api/v1/users/{id}/lifecycle/reset_factors":  `{"reason":"lost"}`,
	"POST /api/v1/users/{id}/roles":                    `{"type":"READ_ONLY_ADMIN"}`,
	"PUT /api/v1/groups/{gid}":                         `{"profile":{"name":"Garage"}}`,
	"PATCH /api/v1/help-requests/{hid}":                `{"note":"called"}`,
	"POST /api/v1/users/{id}/lifecycle/activate":       `{}`,
	"POST /api/v1/users/{id}/lifecycle/reset_password": `{}`,
}

// A token with a group scope calls every route with an id, once with an id outside the scope and once with an unknown
// one. Status, headers and bodies are the same.
func TestScope_ObjectsOutsideLookUnknown(t *testing.T) {
	d := open(t)
	north, south := d.CreateGroup("Garage du Nord"), d.CreateGroup("Garage du Sud")
	outside := map[string]account.User{}
	for name, change := range map[string]func(u *account.User){
		"of another garage": func(u *account.User) { u.Groups = []account.GroupID{south} },
		"of two garages":    func(u *account.User) { u.Groups = []account.GroupID{north, south} },
		"of no garage":      func(*account.User) {},
		"with a role": func(u *account.User) {
			u.Groups, u.Roles = []account.GroupID{north}, []account.RoleAssignment{{ID: "raaaaaaaaaaaaaaaaaaaaaaaaaa", Role: account.RoleHelpDesk, Groups: []account.GroupID{south}}}
		},
	} {
		outside[name], _, _ = d.Member(strings.ReplaceAll(name, " ", "-")+"@garage.example", change)
	}
	inside, _, _ := d.Member("nora@garage.example", func(u *account.User) { u.Groups = []account.GroupID{north} })
	if _, err := d.Directory.HelpDesk.Submit(t.Context(), d.From, helpdesk.Submission{Email: "of-another-garage@garage.example", Message: "lost"}); err != nil {
		t.Fatal(err)
	}
	hid := read[[]tree](t, d.call("GET", "/api/v1/help-requests", d.admin(), ""), 200)[0].get("id").(string)
	waits := read[tree](t, d.call("POST", "/api/v1/users/"+string(outside["with a role"].ID)+"/lifecycle/reset_factors", d.token(account.RoleHelpDesk, nil), ""), 202)
	foreign := d.token(account.RoleUserAdmin, limitedTo(south))
	tid := read[[]tree](t, d.call("GET", "/api/v1/api-tokens", foreign, ""), 200)[0].get("id").(string)

	calls := 0
	for _, role := range []account.Role{account.RoleSuperAdmin, account.RoleUserAdmin, account.RoleHelpDesk, account.RoleReadOnly} {
		token := d.token(role, func(n *admin.NewToken) {
			n.Groups, n.Secrets = []account.GroupID{north}, role.Rank() > account.RoleHelpDesk.Rank()
		})
		for name, u := range outside {
			there := strings.NewReplacer("{id}", string(u.ID), "{uid}", string(u.ID), "{gid}", string(south), "{hid}", hid, "{tid}", tid,
				"{fid}", string(u.Devices[0].ID), "{rid}", "raaaaaaaaaaaaaaaaaaaaaaaaaa", "{aid}", waits.get("id").(string))
			const nobody = "ubbbbbbbbbbbbbbbbbbbbbbbbbb"
			nowhere := strings.NewReplacer("{id}", nobody, "{uid}", nobody, "{gid}", "gbbbbbbbbbbbbbbbbbbbbbbbbbb",
				"{hid}", "20260302T080000.000000000Z-bbbbbbbbbbbbbbbb", "{tid}", "bbbbbbbbbbbbbbbbbbbb", "{fid}", string(u.Devices[0].ID),
				"{rid}", "rbbbbbbbbbbbbbbbbbbbbbbbbbb", "{aid}", nobody+"-bbbbbbbbbbbbbbbbbbbbbbbbbb")
			for _, pattern := range d.API.Patterns() {
				method, path, _ := strings.Cut(pattern, " ")
				if !strings.Contains(path, "{") {
					continue
				}
				for _, query := range []string{"", "?limit=1", "?sendEmail=false"} {
					d.Clock.Advance(time.Second) // the token has its calls back
					a := d.call(method, there.Replace(path)+query, token, bodies[pattern])
					d.Clock.Advance(time.Second)
					b := d.call(method, nowhere.Replace(path)+query, token, bodies[pattern])
					calls++
					if a.Code < 400 || !sameBut(same(plainly(a), there), same(plainly(b), nowhere)) {
						t.Errorf("%s, %s %s%s:\n%s\nnowhere: %s", role, name, pattern, query, plainly(a), plainly(b))
					}
				}
			}
			// An outer person in one's own garage, and an inner one in another: two ids in one path.
			for _, method := range []string{http.MethodPut, http.MethodDelete} {
				a := d.call(method, "/api/v1/groups/"+string(north)+"/users/"+string(u.ID), token, "")
				b := d.call(method, "/api/v1/groups/"+string(north)+"/users/"+nobody, token, "")
				if !sameBut(plainly(a), plainly(b)) {
					t.Errorf("%s, %s in one's own garage:\n%s\nnowhere: %s", role, name, plainly(a), plainly(b))
				}
				a = d.call(method, "/api/v1/groups/"+string(south)+"/users/"+string(inside.ID), token, "")
				b = d.call(method, "/api/v1/groups/gbbbbbbbbbbbbbbbbbbbbbbbbbb/users/"+string(inside.ID), token, "")
				if !sameBut(plainly(a), plainly(b)) {
					t.Errorf("%s, somebody within in another garage:\n%s\nnowhere: %s", role, plainly(a), plainly(b))
				}
			}
			// By address, and named in bodies and queries.
			for _, c := range [][3]string{
				{"GET", "/api/v1/users/" + u.Login, ""},
				{"POST", "/api/v1/users/" + u.Login + "/lifecycle/reset_factors", ""},
				{"GET", "/api/v1/users?filter=id+eq+%22" + string(u.ID) + "%22", ""},
				{"GET", "/api/v1/users?limit=1&q=" + u.Login, ""},
				{"GET", "/api/v1/logs?filter=target.id+eq+%22" + string(u.ID) + "%22", ""},
				{"GET", "/api/v1/logs?q=" + u.Login, ""},
				{"POST", "/api/v1/users/" + string(inside.ID) + "/lifecycle/reset_factors", `{"helpRequestId":"` + hid + `"}`},
			} {
				local, _, _ := strings.Cut(u.Login, "@")
				other := strings.NewReplacer(local, strings.Repeat("x", len(local)), string(u.ID), nobody, hid, "20260302T080000.000000000Z-bbbbbbbbbbbbbbbb")
				a, b := d.call(c[0], c[1], token, c[2]), d.call(c[0], other.Replace(c[1]), token, other.Replace(c[2]))
				if !sameBut(other.Replace(plainly(a)), other.Replace(plainly(b))) {
					t.Errorf("%s, %s, %v:\n%s\nnowhere: %s", role, name, c, plainly(a), plainly(b))
				}
			}
		}
	}
	if calls < 1000 {
		t.Errorf("got %d pairs of calls, want every route", calls)
	}
}

// same takes what was asked for out of an answer.
func same(answer string, asked *strings.Replacer) string {
	for _, name := range []string{"{gid}", "{rid}"} {
		answer = strings.ReplaceAll(answer, asked.Replace(name), name)
	}
	return answer
}
