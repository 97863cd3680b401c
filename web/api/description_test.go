package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"barillet/web/api"
	"barillet/web/apidocs"
)

// description gets the description, which needs no token.
func (d *apiEnv) description(method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/api/v1/openapi.json", nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.API.ServeHTTP(w, r)
	return w
}

func TestDescription_NeedsNoTokenAndIsRevalidated(t *testing.T) {
	d := open(t)
	w := d.description("GET")
	h := w.Header()
	doc, err := apidocs.New("https://login.example")
	if err != nil {
		t.Fatal(err)
	}
	if w.Code != 200 || h.Get("Content-Type") != "application/json" || !bytes.Equal(w.Body.Bytes(), doc.JSON()) || h.Get("ETag") != doc.ETag() ||
		h.Get("Cache-Control") != "public, no-cache" {
		t.Errorf("got %d %v", w.Code, h)
	}
	for name, c := range map[string]struct {
		header []string
		want   int
	}{
		"the same":              {[]string{"If-None-Match", doc.ETag()}, 304},
		"the same among others": {[]string{"If-None-Match", `"x", ` + doc.ETag()}, 304},
		"an older one":          {[]string{"If-None-Match", `"x"`}, 200},
		"with a bad token":      {[]string{"Authorization", "SSWS nonsense"}, 200},
	} {
		if w := d.description("GET", c.header...); w.Code != c.want || c.want == 304 && w.Body.Len() > 0 {
			t.Errorf("%s: got %d with %d bytes, want %d", name, w.Code, w.Body.Len(), c.want)
		}
	}
	if w := d.description("HEAD"); w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("ETag") != doc.ETag() {
		t.Errorf("HEAD: got %d %v", w.Code, w.Header())
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS"} {
		if w := d.description(method); w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: got %v", method, w.Header())
		} else {
			problem(t, w, http.StatusMethodNotAllowed)
		}
	}
}

func TestDescription_IsOptional(t *testing.T) {
	d := open(t)
	d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, Ring: d.Ring, PublicURL: "https://login.example"})
	problem(t, d.description("GET"), http.StatusNotFound)
}

func TestDescription_ContainsOnlyThePublicURL(t *testing.T) {
	d := open(t)
	d.Member("zoe@garage.example", nil)
	before := d.description("GET").Body.String()
	d.call("POST", "/api/v1/groups", d.admin(), `{"profile":{"name":"Garage du Nord"}}`)
	after := d.description("GET").Body.String()
	if before != after || strings.Contains(after, "zoe@garage.example") {
		t.Error("the description tells of people")
	}
	if !json.Valid([]byte(after)) {
		t.Error("not JSON")
	}
}

func TestNotImplemented_Returns501(t *testing.T) {
	d := open(t)
	u := d.CreateUser("zoe@garage.example", nil)
	admin := d.admin()
	here := "/api/v1/users/" + string(u.ID)
	for _, call := range []string{
		"GET " + here + "/factors/questions", "POST " + here + "/factors/d1/resend",
		"GET " + here + "/subscriptions", "GET " + here + "/subscriptions/email/x", "POST " + here + "/subscriptions/email/unsubscribe",
		"GET " + here + "/linkedObjects/manager", "DELETE " + here + "/linkedObjects/manager", "PUT " + here + "/linkedObjects/manager/u2",
		"POST " + here + "/credentials/change_recovery_question", "POST " + here + "/credentials/forgot_password",
		"GET " + here + "/appLinks", "GET " + here + "/blocks", "GET " + here + "/clients/c/grants", "DELETE " + here + "/grants",
		"GET " + here + "/devices", "GET " + here + "/idps",
		"GET /api/v1/groups/rules", "POST /api/v1/groups/rules", "GET /api/v1/groups/g1/apps", "GET /api/v1/groups/g1/owners", "POST /api/v1/groups/g1/roles",
		"GET /api/v1/apps", "POST /api/v1/apps", "GET /api/v1/apps/a/users", "GET /api/v1/policies?type=PASSWORD", "GET /api/v1/policies/p/rules",
		"GET /api/v1/authorizationServers", "GET /api/v1/authorizationServers/default", "GET /api/v1/org", "GET /api/v1/org/contacts",
		"GET /api/v1/iam/roles", "GET /api/v1/idps", "GET /api/v1/zones", "GET /api/v1/trustedOrigins", "GET /api/v1/eventHooks", "GET /api/v1/inlineHooks",
		"GET /api/v1/logStreams", "GET /api/v1/features", "GET /api/v1/behaviors", "GET /api/v1/brands", "GET /api/v1/domains", "GET /api/v1/devices",
		"GET /api/v1/authenticators", "GET /api/v1/mappings", "GET /api/v1/meta/schemas/user/default", "GET /api/v1/templates/sms", "GET /api/v1/threats/configuration",
		"GET /api/v1/sessions/me", "POST /api/v1/sessions",
		"GET " + here + "/factors/d1/transactions/t1", "GET " + here + "/authenticator-enrollments", "PUT " + here + "/classification", "PUT " + here + "/risk",
		"GET " + here + "/roles/r1/targets", "GET " + here + "/roles/r1/governance", "PUT " + here + "/roles/r1/targets/catalog/apps/a/i",
		"DELETE /api/v1/groups/g1/owners/u1", "GET /api/v1/groups/g1/roles/r1/targets/groups", "GET /api/v1/roles/APP_ADMIN/subscriptions",
		"GET /api/v1/agentPools", "GET /api/v1/captchas", "GET /api/v1/device-assurances/d", "GET /api/v1/email-servers", "GET /api/v1/hook-keys",
		"GET /api/v1/realms", "GET /api/v1/push-providers", "GET /api/v1/rate-limit-settings/per-client", "POST /api/v1/risk/events/ip",
	} {
		method, path, _ := strings.Cut(call, " ")
		for _, token := range []string{admin, ""} {
			doc := problem(t, d.call(method, path, token, ""), http.StatusNotImplemented)
			if doc.ErrorCode != "E0000008" || doc.Type != "/problems/not_implemented" || !strings.Contains(doc.Detail, "/api/docs") {
				t.Errorf("%s: got %+v", call, doc)
			}
		}
	}
}

func TestNotImplemented_IsNotLogged(t *testing.T) {
	d := open(t)
	var log bytes.Buffer
	d.API = api.New(api.Config{Directory: d.Directory, Approvals: d.Approvals, Ring: d.Ring, PublicURL: "https://login.example", Log: slog.New(slog.NewTextHandler(&log, nil))})
	problem(t, d.call("GET", "/api/v1/apps", "", ""), http.StatusNotImplemented)
	if log.Len() > 0 {
		t.Errorf("got %s", log.String())
	}
}

func TestNotImplemented_IsDocumented(t *testing.T) {
	written, err := os.ReadFile("../../docs/okta.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range api.NotImplementedPatterns() {
		path := pattern[strings.Index(pattern, "/api/v1")+len("/api/v1"):]
		path = strings.TrimSuffix(path, "/{rest...}")
		if !strings.Contains(string(written), "`"+path+"`") && !strings.Contains(string(written), "`"+path+"/…`") {
			t.Errorf("docs/okta.md does not say why %s is absent", path)
		}
	}
}
