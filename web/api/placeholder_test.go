package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
)

// random matches random values: ids, request ids, references.
var random = regexp.MustCompile(`H(?:-[0-9A-Z]{4}){3}|(?:token:)?[0-9a-f]{20}|[A-Za-z2-7]{25,}|Z-[a-z2-7]{16}`)

// plainly returns a response with its headers in a form that can be compared: random values are numbered, and lists are
// sorted.
func plainly(w *httptest.ResponseRecorder) string {
	body := w.Body.String()
	var all []tree
	if json.Unmarshal(w.Body.Bytes(), &all) == nil {
		slices.SortStableFunc(all, func(a, b tree) int {
			at := func(x tree) string {
				return fmt.Sprint(x.get("published"), x.get("eventType"), x.get("profile", "login"))
			}
			return strings.Compare(at(a), at(b))
		})
		sorted, _ := json.Marshal(all)
		body = string(sorted)
	}
	text := fmt.Sprintln(w.Code) + fmt.Sprintln(w.Header()) + body
	seen := map[string]string{}
	return random.ReplaceAllStringFunc(text, func(id string) string {
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("#%d", len(seen))
		}
		return seen[id]
	})
}

// scopedEnv is a service with two groups. In one of two, a user of the first group has the address that an
// administrator of the second one invites.
type scopedEnv struct {
	*apiEnv
	north, south account.GroupID
	known        account.User // of the south; the zero value where nobody is
}

func found(t *testing.T, change func(v *scopedEnv, u *account.User)) *scopedEnv {
	t.Helper()
	v := &scopedEnv{apiEnv: open(t)}
	v.north, v.south = v.CreateGroup("Garage du Nord"), v.CreateGroup("Garage du Sud")
	if change != nil {
		v.known, _, _ = v.Member("zoe@garage.example", func(u *account.User) { change(v, u) })
	}
	v.Member("nora@garage.example", func(u *account.User) { u.Groups = []account.GroupID{v.north} })
	v.EmptyOutbox()
	return v
}

func (v *scopedEnv) administrator(role account.Role, secrets bool) string {
	return v.token(role, func(n *admin.NewToken) { n.Groups, n.Secrets = []account.GroupID{v.north}, secrets })
}

// An administrator with a group scope invites an address, and reads all responses about the id in the first one. They
// must equal those for an unknown address.
func TestPlaceholder_InvitationDoesNotRevealUsers(t *testing.T) { compared(t, inviteSteps) }

// The same for an import.
func TestPlaceholder_ImportDoesNotRevealUsers(t *testing.T) { compared(t, importSteps) }

// compared runs the calls in a service in which a user outside the scope has the address, and in one without such a
// user.
func compared(t *testing.T, steps []apiCall) {
	t.Helper()
	for name, change := range map[string]func(v *scopedEnv, u *account.User){
		"of another garage": func(v *scopedEnv, u *account.User) { u.Groups = []account.GroupID{v.south} },
		"of two garages":    func(v *scopedEnv, u *account.User) { u.Groups = []account.GroupID{v.north, v.south} },
		"of no garage":      func(*scopedEnv, *account.User) {},
		"with a role": func(v *scopedEnv, u *account.User) {
			u.Groups, u.Roles = []account.GroupID{v.north}, []account.RoleAssignment{{ID: "r1", Role: account.RoleReadOnly}}
		},
		"by a second address": func(v *scopedEnv, u *account.User) {
			u.Login, u.Email, u.SecondEmail, u.Groups = "other@garage.example", "other@garage.example", "zoe@garage.example", []account.GroupID{v.south}
		},
	} {
		for _, role := range []account.Role{account.RoleHelpDesk, account.RoleUserAdmin} {
			t.Run(name+" by "+string(role), func(t *testing.T) {
				with, without := found(t, change), found(t, nil)
				a, b := with.administrator(role, role == account.RoleUserAdmin), without.administrator(role, role == account.RoleUserAdmin)
				var ids [2]string
				for i, step := range steps {
					var got [2]string
					for side, v := range []*scopedEnv{with, without} {
						v.Clock.Advance(time.Second)
						fill := strings.NewReplacer("{id}", ids[side], "{north}", string(v.north))
						w := v.call(step.method, fill.Replace(step.path), []string{a, b}[side], fill.Replace(step.body))
						got[side] = plainly(w)
						makes := step.path == "/api/v1/users" || strings.HasPrefix(step.path, "/api/v1/imports")
						if id := madeBy(w); step.method == "POST" && makes && id != "" {
							ids[side] = id
						}
					}
					if got[0] != got[1] {
						t.Errorf("step %d, %s %s %s:\nknown elsewhere: %s\nnew:             %s", i, step.method, step.path, step.body, got[0], got[1])
					}
				}
				for _, m := range with.Mails() {
					if m.To == "zoe@garage.example" || m.To == "other@garage.example" {
						t.Errorf("%T went to a known user", m.What)
					}
				}
			})
		}
	}
}

// madeBy returns the id of the user that a call created, or "".
func madeBy(w *httptest.ResponseRecorder) string {
	var x struct {
		ID    string
		Users []struct{ ID string }
	}
	if json.Unmarshal(w.Body.Bytes(), &x) == nil && len(x.Users) > 0 {
		return x.Users[0].ID
	}
	return x.ID
}

// apiCall is a call of the scoped administrator; {id} is the user that was created first.
type apiCall struct{ method, path, body string }

const inviteBody = `{"profile":{"login":"zoe@garage.example","firstName":"Zoé"},"groupIds":["{north}"]}`

var importSteps = []apiCall{
	{"POST", "/api/v1/imports?dryRun=true", importBody},
	{"POST", "/api/v1/imports?activate=true", importBody},
	{"POST", "/api/v1/imports?dryRun=true&activate=true", importBody}, // known by now
	{"POST", "/api/v1/imports?activate=true", importBody},
	{"POST", "/api/v1/imports", `{"users":[{"profile":{"login":"other","email":"zoe@garage.example"},"groupIds":["{north}"]}]}`},
	{"POST", "/api/v1/users", inviteBody},
	{"GET", "/api/v1/users/{id}", ""},
	{"GET", "/api/v1/users/zoe@garage.example", ""},
	{"GET", "/api/v1/users?q=zo", ""},
	{"GET", "/api/v1/groups/{north}/users", ""},
	{"GET", "/api/v1/help-requests", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/reactivate", ""},
	{"GET", "/api/v1/logs", ""},
	{"DELETE", "/api/v1/users/{id}", ""},
	{"DELETE", "/api/v1/users/{id}", ""},
	{"POST", "/api/v1/imports?activate=true", importBody}, // anew
	{"GET", "/api/v1/logs", ""},
}

const importBody = `{"users":[
	{"profile":{"login":"ZOE@garage.example","firstName":"Zoé"},"groupIds":["{north}"]},
	{"profile":{"login":"luc","email":"luc@garage.example","secondEmail":"zoe@garage.example"},"groupIds":["{north}"]},
	{"profile":{"login":"nora@garage.example"},"groupIds":["{north}"]}]}`

var inviteSteps = []apiCall{
	{"POST", "/api/v1/users?activate=true&sendEmail=false", inviteBody},
	{"POST", "/api/v1/users", `{"profile":{"login":"zoe@garage.example"},"groupIds":["{north}"],"credentials":{"password":{"value":"clef de douze et tournevis"}}}`},
	{"GET", "/api/v1/users/zoe@garage.example", ""},
	{"POST", "/api/v1/users", inviteBody},
	{"GET", "/api/v1/users/{id}", ""},
	{"GET", "/api/v1/users/ZOE@garage.example", ""},
	{"POST", "/api/v1/users", inviteBody}, // taken, by whom the operator may know of
	{"GET", "/api/v1/users?filter=profile.login+eq+%22zoe@garage.example%22", ""},
	{"GET", "/api/v1/users?q=zo", ""},
	{"GET", "/api/v1/users?search=profile.firstName+sw+%22Z%22", ""},
	{"GET", "/api/v1/groups/{north}/users", ""},
	{"GET", "/api/v1/users/{id}/groups", ""},
	{"GET", "/api/v1/users/{id}/factors", ""},
	{"GET", "/api/v1/users/{id}/sessions", ""},
	{"GET", "/api/v1/users/{id}/roles", ""},
	{"GET", "/api/v1/help-requests", ""},
	{"GET", "/api/v1/approvals", ""},
	{"GET", "/api/v1/api-tokens", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/activate", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/activate?sendEmail=false", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/reactivate", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/reactivate?sendEmail=false", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/reset_factors", ""},
	{"POST", "/api/v1/users/zoe@garage.example/lifecycle/reset_factors", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/reset_password", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/unlock", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/withdraw_tickets", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/suspend", ""},
	{"POST", "/api/v1/users/{id}/roles", `{"type":"READ_ONLY_ADMIN"}`},
	{"DELETE", "/api/v1/users/{id}/sessions?forgetDevices=true", ""},
	{"POST", "/api/v1/users/{id}", `{"profile":{"firstName":"Zoë","badge":"7"}}`},
	{"POST", "/api/v1/users/{id}", `{"profile":{"email":"zoe2@garage.example"}}`},
	{"PUT", "/api/v1/users/{id}", `{"profile":{"login":"zoe@garage.example","email":"zoe@garage.example","lastName":"Martin"}}`},
	{"PUT", "/api/v1/groups/{north}/users/{id}", ""},
	{"GET", "/api/v1/logs", ""},
	{"GET", "/api/v1/logs?sortOrder=DESCENDING&limit=200&filter=target.id+eq+%22{id}%22", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/deactivate", ""},
	{"POST", "/api/v1/users/{id}/lifecycle/activate", ""},
	{"DELETE", "/api/v1/users/{id}", ""},
	{"DELETE", "/api/v1/users/{id}", ""},
	{"GET", "/api/v1/users/{id}", ""},
	{"GET", "/api/v1/users/zoe@garage.example", ""},
	{"POST", "/api/v1/users", inviteBody},
	{"DELETE", "/api/v1/groups/{north}/users/{id}", ""},
	{"GET", "/api/v1/users/{id}", ""},
	{"POST", "/api/v1/users", inviteBody},
	{"GET", "/api/v1/users/zoe@garage.example", ""},
}

func TestPlaceholder_OpensHelpRequestForUnscopedAdministrators(t *testing.T) {
	v := found(t, func(v *scopedEnv, u *account.User) { u.Groups = []account.GroupID{v.south} })
	north, admin := v.administrator(account.RoleHelpDesk, false), v.admin()
	south := v.token(account.RoleHelpDesk, limitedTo(v.south))
	before := plainly(v.call("GET", "/api/v1/users", admin, ""))
	log := plainly(v.call("GET", "/api/v1/logs", south, ""))
	body := strings.ReplaceAll(inviteBody, "{north}", string(v.north))
	shadow := read[tree](t, v.call("POST", "/api/v1/users", north, body), 200).get("id").(string)

	if after := plainly(v.call("GET", "/api/v1/users", admin, "")); !sameBut(before, after) {
		t.Errorf("the list for everybody: got %s, want %s", after, before)
	}
	for _, token := range []string{admin, south} {
		problem(t, v.call("GET", "/api/v1/users/"+shadow, token, ""), 404)
		if got := read[tree](t, v.call("GET", "/api/v1/users/zoe@garage.example", token, ""), 200); got.get("id") != string(v.known.ID) {
			t.Errorf("got %v, want who is known", got)
		}
	}
	problem(t, v.call("POST", "/api/v1/users/"+shadow+"/roles", admin, `{"type":"READ_ONLY_ADMIN"}`), 404)
	if got := read[[]tree](t, v.call("GET", "/api/v1/groups/"+string(v.north)+"/users", admin, ""), 200); len(got) != 1 {
		t.Errorf("members for everybody: got %d, want Nora alone", len(got))
	}
	cases := read[[]tree](t, v.call("GET", "/api/v1/help-requests", admin, ""), 200)
	if len(cases) != 1 || cases[0].get("topic") != "invited_elsewhere" || cases[0].get("userId") != string(v.known.ID) || cases[0].get("email") != "zoe@garage.example" {
		t.Fatalf("got requests %v", cases)
	}
	if letters := v.Mails(); len(letters) != 1 || letters[0].To != "support@garage.example" {
		t.Errorf("got mails %v, want one to support", letters)
	}
	for name, token := range map[string]string{"who invited": north, "the manager of who is known": south} {
		if got := read[[]tree](t, v.call("GET", "/api/v1/help-requests", token, ""), 200); len(got) != 0 {
			t.Errorf("%s lists %v", name, got)
		}
		problem(t, v.call("GET", "/api/v1/help-requests/"+cases[0].get("id").(string), token, ""), 404)
	}
	if got := plainly(v.call("GET", "/api/v1/logs", south, "")); !sameBut(log, got) {
		t.Errorf("the log of the south: got %s, want %s", got, log)
	}
	read[tree](t, v.call("DELETE", "/api/v1/users/"+shadow, north, ""), 403)
	again := v.token(account.RoleHelpDesk, limitedTo(v.north, v.south))
	if got := read[tree](t, v.call("GET", "/api/v1/users/zoe@garage.example", again, ""), 200); got.get("id") != string(v.known.ID) {
		t.Errorf("who sees both garages: got %v", got)
	}

	// An unscoped administrator adds the user to the group, and the placeholder account ends.
	if w := v.call("PUT", "/api/v1/groups/"+string(v.north)+"/users/"+string(v.known.ID), admin, ""); w.Code != 204 {
		t.Fatalf("adding: got %d %s", w.Code, w.Body)
	}
	problem(t, v.call("GET", "/api/v1/users/"+shadow, north, ""), 404)
	if w := v.call("DELETE", "/api/v1/groups/"+string(v.south)+"/users/"+string(v.known.ID), admin, ""); w.Code != 204 {
		t.Fatalf("moving: got %d %s", w.Code, w.Body)
	}
	if got := read[tree](t, v.call("GET", "/api/v1/users/zoe@garage.example", north, ""), 200); got.get("id") != string(v.known.ID) {
		t.Errorf("got %v, want who is now of the garage", got)
	}
}

// sameBut reports whether two responses differ only in the rate limit.
func sameBut(a, b string) bool {
	left := regexp.MustCompile(`X-Rate-Limit-(Remaining|Reset):\[\d+\]`)
	return left.ReplaceAllString(a, "") == left.ReplaceAllString(b, "")
}

func TestPlaceholder_RepeatedInvitationSendsNoEmail(t *testing.T) {
	v := found(t, func(v *scopedEnv, u *account.User) { u.Groups = []account.GroupID{v.south} })
	north := v.administrator(account.RoleUserAdmin, false)
	body := strings.ReplaceAll(inviteBody, "{north}", string(v.north))
	for range 4 {
		v.Clock.Advance(time.Second)
		id := read[tree](t, v.call("POST", "/api/v1/users", north, body), 200).get("id").(string)
		for range 2 {
			if w := v.call("DELETE", "/api/v1/users/"+id, north, ""); w.Code != 204 {
				t.Fatalf("deleting: got %d %s", w.Code, w.Body)
			}
		}
	}
	cases := read[[]tree](t, v.call("GET", "/api/v1/help-requests", v.admin(), ""), 200)
	if history, _ := cases[0].get("history").([]any); len(cases) != 1 || len(history) != 4 || len(v.Mails()) != 1 {
		t.Errorf("got %d requests of %d steps, %d mails, want one of 4 and one mail", len(cases), len(history), len(v.Mails()))
	}
	if u := v.User("zoe@garage.example"); u.ID != v.known.ID || len(u.Devices) != len(v.known.Devices) {
		t.Errorf("got %s, want who is known as they were", u.ID)
	}
}

func TestPlaceholder_LogHasOnlyEventsInScope(t *testing.T) {
	v := found(t, func(v *scopedEnv, u *account.User) { u.Groups = []account.GroupID{v.south} })
	north, admin := v.token(account.RoleReadOnly, limitedTo(v.north)), v.admin()
	nora := v.User("nora@garage.example")
	for range 3 { // what happens elsewhere stands between
		v.Clock.Advance(time.Second)
		for _, id := range []account.UserID{v.known.ID, nora.ID, v.known.ID} {
			v.Clock.Advance(time.Millisecond)
			if w := v.call("POST", "/api/v1/users/"+string(id)+"/lifecycle/unlock", admin, ""); w.Code != 200 {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
		}
	}
	read[tree](t, v.call("POST", "/api/v1/users/"+string(nora.ID)+"/roles", admin, `{"type":"USER_ADMIN","targets":["`+string(v.south)+`"]}`), 201)
	if got := read[[]tree](t, v.call("GET", "/api/v1/logs", north, ""), 200); len(got) != 0 {
		t.Errorf("of somebody with a role: got %d events", len(got))
	}
	if w := v.call("DELETE", "/api/v1/users/"+string(nora.ID)+"/roles/"+v.User(string(nora.ID)).Roles[0].ID, admin, ""); w.Code != 204 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	for _, method := range []string{"PUT", "DELETE"} { // belonged to the other garage for a while
		if w := v.call(method, "/api/v1/groups/"+string(v.south)+"/users/"+string(nora.ID), admin, ""); w.Code != 204 {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	all := read[[]tree](t, v.call("GET", "/api/v1/logs", north, ""), 200)
	unlocked := 0
	for _, e := range all {
		targets, _ := json.Marshal(e.get("target"))
		if !strings.Contains(string(targets), string(nora.ID)) || strings.Contains(fmt.Sprint(e), string(v.south)) || strings.Contains(fmt.Sprint(e), "zoe@") {
			t.Errorf("got event %v", e)
		}
		if e.get("eventType") == "user.account.unlock_by_admin" {
			unlocked++
		}
	}
	if unlocked != 3 {
		t.Errorf("got %d of the 3 events", unlocked)
	}
	for _, order := range []string{"ASCENDING", "DESCENDING"} {
		seen, last := 0, ""
		for path := "/api/v1/logs?limit=1&sortOrder=" + order; path != ""; {
			w := v.call("GET", path, north, "")
			part := read[[]tree](t, w, 200)
			if len(part) != 1 {
				t.Fatalf("%s: page %d has %d events, want one, for a short one tells of others", order, seen, len(part))
			}
			last, seen = part[0].get("uuid").(string), seen+1
			if path = next(t, w.Header()); path != "" && !strings.Contains(path, "after="+last) {
				t.Errorf("%s: the cursor %s is not the last event", order, path)
			}
		}
		if seen != len(all) {
			t.Errorf("%s: got %d events by pages, want %d", order, seen, len(all))
		}
	}
}
