package api_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"barillet/authn/account"
)

// concrete puts something that is there, or at least sound, in the place of a pattern's wildcards.
func (d *apiEnv) concrete(pattern string, u account.User) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, strings.NewReplacer("{id}", string(u.ID), "{fid}", "d1", "{gid}", "g1", "{uid}", string(u.ID), "{hid}", "h1", "{tid}", "0123456789abcdef0123",
		"{rid}", "r1", "{aid}", string(u.ID)+"-x", "{wid}", "w1", "{eid}", "e1").Replace(path)
}

func TestRoutes_RequireAToken(t *testing.T) {
	d := open(t)
	u, _, session := d.Member("zoe@garage.example", nil)
	good := d.admin()
	swapped := []byte(good)
	for i, c := range swapped {
		if 'a' <= c && c <= 'z' && i > 6 {
			swapped[i] = c - 'a' + 'A'
			break
		}
	}
	for _, pattern := range d.API.Patterns() {
		method, path := d.concrete(pattern, u)
		for _, c := range []struct {
			name   string
			header http.Header
		}{
			{"nothing", http.Header{}},
			{"an empty token", http.Header{"Authorization": {"SSWS "}}},
			{"a token cut off", http.Header{"Authorization": {"SSWS " + good[:len(good)-1]}}},
			{"a token in another case", http.Header{"Authorization": {"SSWS " + string(swapped)}}},
			{"a token with something behind it", http.Header{"Authorization": {"SSWS " + good + "x"}}},
			{"a token with two blanks before it", http.Header{"Authorization": {"SSWS  " + good}}},
			{"another scheme", http.Header{"Authorization": {"Basic " + good}}},
			{"no scheme", http.Header{"Authorization": {good}}},
			{"two headers", http.Header{"Authorization": {"SSWS " + good, "SSWS " + good}}},
			{"a huge token", http.Header{"Authorization": {"SSWS " + strings.Repeat("x", 5000)}}},
			{"a person's session as a cookie", http.Header{"Cookie": {"__Host-session=" + session.Reveal() + "; session=" + session.Reveal()}}},
			{"a person's session as a token", http.Header{"Authorization": {"Bearer " + session.Reveal()}}},
			{"a token as a cookie", http.Header{"Cookie": {"token=" + good}}},
		} {
			r := httptest.NewRequest(method, path, strings.NewReader(`{"broken`))
			r.Header = c.header
			w := httptest.NewRecorder()
			d.serve(w, r)
			doc := problem(t, w, http.StatusUnauthorized)
			if doc.ErrorCode != "E0000011" || w.Header().Get("WWW-Authenticate") == "" {
				t.Errorf("%s with %s: got %s", pattern, c.name, w.Body)
			}
			if strings.Contains(w.Body.String(), good[:12]) {
				t.Errorf("%s with %s: the token is in the answer", pattern, c.name)
			}
		}
		w := d.call(method, path+"?token="+good, "", "")
		problem(t, w, http.StatusUnauthorized)
	}
}

func TestAuthorization_AcceptsBothSchemesInAnyCase(t *testing.T) {
	d := open(t)
	good := d.admin()
	for _, scheme := range []string{"SSWS", "Bearer", "ssws", "bearer", "BEARER"} {
		if w := d.call("GET", "/api/v1/users", "", "", "Authorization", scheme+" "+good); w.Code != http.StatusOK {
			t.Errorf("scheme %s: got %d", scheme, w.Code)
		}
	}
}

func TestToken_RevokedOrExpiredIsInvalid(t *testing.T) {
	d := open(t)
	good, other := d.admin(), d.admin()
	list := read[[]tree](t, d.call("GET", "/api/v1/api-tokens", good, ""), 200)
	for _, x := range list {
		if x.get("lastUsed") == nil {
			if w := d.call("DELETE", "/api/v1/api-tokens/"+x.get("id").(string), good, ""); w.Code != http.StatusNoContent {
				t.Errorf("revoking: got %d %s", w.Code, w.Body)
			}
		}
	}
	problem(t, d.call("GET", "/api/v1/users", other, ""), 401)
	d.Clock.Advance(91 * 24 * time.Hour)
	problem(t, d.call("GET", "/api/v1/users", good, ""), 401)
}

func TestRoles_LimitTheRoutes(t *testing.T) {
	d := open(t)
	u, _, _ := d.Member("zoe@garage.example", nil)
	for _, c := range []struct {
		role  account.Role
		route string
		body  string
		want  int
	}{
		{account.RoleReadOnly, "GET /api/v1/users", "", 200},
		{account.RoleReadOnly, "GET /api/v1/users/{id}", "", 200},
		{account.RoleReadOnly, "GET /api/v1/logs", "", 200},
		{account.RoleReadOnly, "POST /api/v1/users", `{"profile":{"login":"new@garage.example"}}`, 403},
		{account.RoleReadOnly, "POST /api/v1/users/{id}/lifecycle/activate", "", 403},
		{account.RoleReadOnly, "POST /api/v1/users/{id}/lifecycle/reset_factors", "", 403},
		{account.RoleReadOnly, "POST /api/v1/users/{id}/lifecycle/freeze_factors", "", 403},
		{account.RoleReadOnly, "POST /api/v1/users/{id}/factors/{fid}/lifecycle/freeze", "", 403},
		{account.RoleReadOnly, "DELETE /api/v1/users/{id}/factors/{fid}", "", 403},
		{account.RoleReadOnly, "POST /api/v1/groups", `{"profile":{"name":"G"}}`, 403},
		{account.RoleReadOnly, "POST /api/v1/api-tokens", `{"name":"x","role":"READ_ONLY_ADMIN"}`, 403},
		{account.RoleReadOnly, "GET /api/v1/api-tokens", "", 403},
		{account.RoleReadOnly, "PATCH /api/v1/help-requests/{hid}", `{"status":"resolved"}`, 403},
		{account.RoleReadOnly, "POST /api/v1/help-requests/{hid}/notes", `{"text":"x"}`, 403},
		{account.RoleReadOnly, "GET /api/v1/reports/lockout-risk", "", 200},
		{account.RoleReadOnly, "GET /api/v1/reports/sign-ins", "", 200},
		{account.RoleHelpDesk, "POST /api/v1/groups", `{"profile":{"name":"G"}}`, 403},
		{account.RoleHelpDesk, "PUT /api/v1/groups/{gid}", `{"profile":{"name":"G"}}`, 403},
		{account.RoleHelpDesk, "DELETE /api/v1/groups/{gid}", "", 403},
		{account.RoleHelpDesk, "PUT /api/v1/groups/{gid}/users/{uid}", "", 403},
		{account.RoleHelpDesk, "DELETE /api/v1/groups/{gid}/users/{uid}", "", 403},
		{account.RoleReadOnly, "GET /api/v1/users/{id}/groups", "", 200},
		{account.RoleHelpDesk, "POST /api/v1/api-tokens", `{"name":"x","role":"HELP_DESK_ADMIN"}`, 403},
		{account.RoleHelpDesk, "DELETE /api/v1/api-tokens/{tid}", "", 403},
		{account.RoleHelpDesk, "POST /api/v1/users/{id}/lifecycle/reset_factors", `{"sendEmail":false}`, 403},
		{account.RoleHelpDesk, "POST /api/v1/users/{id}/lifecycle/reset_factors", `{"showCode":true}`, 403},
		{account.RoleHelpDesk, "POST /api/v1/users/{id}/lifecycle/activate?sendEmail=false", "", 403},
		{account.RoleUserAdmin, "POST /api/v1/users", `{"profile":{"login":"n@garage.example"},"role":"SUPER_ADMIN"}`, 403},
		{account.RoleUserAdmin, "POST /api/v1/api-tokens", `{"name":"x","role":"SUPER_ADMIN"}`, 403},
		{account.RoleSuperAdmin, "POST /api/v1/api-tokens", `{"name":"x","role":"SUPER_ADMIN","allow":["secrets"]}`, 403},
		{account.RoleSuperAdmin, "POST /api/v1/users/{id}/lifecycle/reset_factors", `{"showCode":true}`, 403},
		{account.RoleUserAdmin, "GET /api/v1/webhooks", "", 403},
		{account.RoleUserAdmin, "POST /api/v1/webhooks", `{"name":"x","url":"https://hooks.example/","events":["*"]}`, 403},
		{account.RoleUserAdmin, "GET /api/v1/webhooks/{wid}", "", 403},
		{account.RoleUserAdmin, "PUT /api/v1/webhooks/{wid}", `{"name":"x","url":"https://hooks.example/","events":["*"]}`, 403},
		{account.RoleUserAdmin, "DELETE /api/v1/webhooks/{wid}", "", 403},
		{account.RoleUserAdmin, "POST /api/v1/webhooks/{wid}/test", "", 403},
		{account.RoleUserAdmin, "POST /api/v1/webhooks/{wid}/rotate", "", 403},
		{account.RoleUserAdmin, "GET /api/v1/webhooks/{wid}/deliveries", "", 403},
	} {
		method, path := d.concrete(c.route, u)
		w := d.call(method, path, d.token(c.role, nil), c.body)
		if w.Code != c.want {
			t.Errorf("%s %s %s: got %d %s, want %d", c.role, c.route, c.body, w.Code, w.Body, c.want)
		}
		if c.want == 403 && problem(t, w, 403).ErrorCode != "E0000006" {
			t.Errorf("%s: got %s", c.route, w.Body)
		}
	}
	if got := len(d.User(string(u.ID)).Devices); got == 0 {
		t.Error("a refused reset took the devices")
	}
}

func TestUnknownPathsAndMethods_AreProblems(t *testing.T) {
	d := open(t)
	u := d.CreateUser("zoe@garage.example", nil)
	admin := d.admin()
	for _, path := range []string{"/api/v1", "/api/v1/", "/api/", "/api/v2/users", "/api/v1/user", "/api/v1/users/", "/api/v1/users/x/y", "/api/v1/users/x/lifecycle/freeze"} {
		if doc := problem(t, d.call("GET", path, admin, ""), 404); doc.ErrorCode != "E0000008" {
			t.Errorf("%s: got %s", path, doc.ErrorCode)
		}
	}
	for _, path := range []string{"/api/v1/users/nobody@garage.example", "/api/v1/users/uaaaaaaaaaaaaaaaaaaaaaaaaaa", "/api/v1/users/a%20b", "/api/v1/users/a%2Fb",
		"/api/v1/users/%00", "/api/v1/users/u%0aaaaaaaaaaaaaaaaaaaaaaaaaa", "/api/v1/users/" + strings.Repeat("x", 1000), "/api/v1/groups/nope", "/api/v1/groups/a%0Ab",
		"/api/v1/groups/..%2Fuser", "/api/v1/help-requests/nope", "/api/v1/help-requests/%ff", "/api/v1/users/" + string(u.ID) + "/factors/nope"} {
		if doc := problem(t, d.call("GET", path, admin, ""), 404); doc.ErrorCode != "E0000007" {
			t.Errorf("%s: got %s", path, doc.ErrorCode)
		}
	}
	problem(t, d.call("DELETE", "/api/v1/api-tokens/%20", admin, ""), 404)
	problem(t, d.call("DELETE", "/api/v1/users/"+string(u.ID)+"/factors/%00", admin, ""), 404)

	allowed := map[string]string{}
	for _, pattern := range d.API.Patterns() {
		method, path := d.concrete(pattern, u)
		allowed[path] += method + " "
	}
	for path, methods := range allowed {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} {
			if strings.Contains(methods, method+" ") {
				continue
			}
			w := d.call(method, path, admin, "")
			if doc := problem(t, w, 405); doc.ErrorCode != "E0000022" {
				t.Errorf("%s %s: got %s", method, path, doc.ErrorCode)
			}
			for want := range strings.FieldsSeq(methods) {
				if allow := w.Header().Get("Allow"); !strings.Contains(allow, want) || strings.Contains(allow, method) {
					t.Errorf("%s %s: Allow: got %q, want %s", method, path, allow, methods)
				}
			}
		}
	}
}

func TestRoutes_RejectMalformedBodies(t *testing.T) {
	d := open(t)
	u := d.CreateUser("zoe@garage.example", nil)
	for _, pattern := range d.API.Patterns() {
		method, path := d.concrete(pattern, u)
		if method != "POST" && method != "PATCH" {
			continue
		}
		admin := d.admin() // each call counts against the budget of its token
		for _, c := range []struct {
			body, media string
			want        int
		}{
			{`{"broken`, "application/json", 400},
			{`{} {}`, "application/json", 400},
			{`[]`, "application/json", 400},
			{`{"hunter2":"hunter2-value"}`, "application/json", 400},
			{`{"reason":1,"status":1,"name":1,"profile":1,"hunter2-value":1}`, "application/json", 400},
			{"{\"reason\":\"\xff\"}", "application/json", 400},
			{`{}`, "text/plain", 415},
			{`a=b`, "application/x-www-form-urlencoded", 415},
			{`{"reason":"` + strings.Repeat("x", 70<<10) + `"}`, "application/json", 413},
		} {
			for _, key := range []string{"", "key-1"} {
				header := []string{"Content-Type", c.media}
				if key != "" {
					header = append(header, "Idempotency-Key", key)
				}
				w := d.call(method, path, admin, c.body, header...)
				problem(t, w, c.want)
				if strings.Contains(w.Body.String(), "hunter2-value") && c.want == 400 && !strings.Contains(c.body, `"hunter2-value":1`) {
					t.Errorf("%s: a value is in the answer: %s", pattern, w.Body)
				}
			}
		}
	}
}

func TestToken_IsLimitedTo600CallsAMinute(t *testing.T) {
	d := open(t)
	one, other := d.admin(), d.admin()
	for i := range 600 {
		w := d.call("GET", "/api/v1/groups/nope", one, "")
		if w.Code != 404 || w.Header().Get("X-Rate-Limit-Remaining") != strconv.Itoa(599-i) || w.Header().Get("X-Rate-Limit-Limit") != "600" {
			t.Fatalf("call %d: got %d %v", i, w.Code, w.Header())
		}
	}
	w := d.call("GET", "/api/v1/groups/nope", one, "")
	reset, err := strconv.ParseInt(w.Header().Get("X-Rate-Limit-Reset"), 10, 64)
	if doc := problem(t, w, 429); doc.ErrorCode != "E0000047" || w.Header().Get("Retry-After") != "1" || err != nil || reset <= d.Clock.Now().Unix() {
		t.Errorf("got %s %v, want a wait", w.Body, w.Header())
	}
	if w := d.call("GET", "/api/v1/users", other, ""); w.Code != 200 {
		t.Errorf("another token: got %d", w.Code)
	}
	if w := d.local("GET", "/api/v1/users", ""); w.Code != 200 || w.Header().Get("X-Rate-Limit-Limit") != "" {
		t.Errorf("the socket: got %d %v, want no limit", w.Code, w.Header())
	}
	d.Clock.Advance(time.Minute)
	if w := d.call("GET", "/api/v1/users", one, ""); w.Code != 200 {
		t.Errorf("a minute later: got %d", w.Code)
	}
}
