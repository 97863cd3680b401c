package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"barillet/authn/account"
	"barillet/authn/admin"
)

const clientBody = `{"client_name":"Planning","redirect_uris":["https://app.example/cb"],"contacts":["it@app.example"],"grant_types":["authorization_code","refresh_token"]}`

func made(t *testing.T, w *httptest.ResponseRecorder, status int) tree {
	t.Helper()
	var out tree
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != status {
		t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	return out
}

func TestClients_RequireUnscopedSuperAdmin(t *testing.T) {
	d := open(t)
	garage := d.CreateGroup("Canal")
	for name, token := range map[string]string{
		"USER_ADMIN":               d.token(account.RoleUserAdmin, nil),
		"READ_ONLY_ADMIN":          d.token(account.RoleReadOnly, nil),
		"SUPER_ADMIN of one group": d.token(account.RoleSuperAdmin, func(n *admin.NewToken) { n.Groups = []account.GroupID{garage} }),
	} {
		for method, path := range map[string]string{"POST": "/oauth2/v1/clients", "GET": "/oauth2/v1/clients", "PUT": "/oauth2/v1/clients/c1", "DELETE": "/oauth2/v1/clients/c1"} {
			if got := d.call(method, path, token, clientBody).Code; got != http.StatusForbidden {
				t.Errorf("%s, %s: got %d, want 403", name, method, got)
			}
		}
	}
	if got := d.call("POST", "/oauth2/v1/clients", "", clientBody).Code; got != http.StatusUnauthorized {
		t.Errorf("nobody: got %d, want 401", got)
	}
	admin := d.admin()
	c := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody), http.StatusCreated)
	id, _ := c["client_id"].(string)
	if c["client_secret"] == nil || c["registration_access_token"] == nil || c["client_secret_expires_at"] != float64(0) || c["barillet_consent"] != true {
		t.Errorf("got %v", c)
	}
	for _, path := range []string{"/oauth2/v1/clients", "/oauth2/v1/clients/" + id} {
		if body := d.call("GET", path, admin, "").Body.String(); !strings.Contains(body, id) || strings.Contains(body, "client_secret\"") {
			t.Errorf("%s: got %s, want the client without its secret", path, body)
		}
	}
	wrong := made(t, d.call("POST", "/oauth2/v1/clients", admin, `{"client_name":"A","redirect_uris":["http://a.example"]}`), http.StatusBadRequest)
	if wrong["error"] != "invalid_redirect_uri" || wrong["error_description"] == "" {
		t.Errorf("got %v, want the error of RFC 7591", wrong)
	}
	if got := d.call("POST", "/oauth2/v1/clients", admin, `{"client_name":"A","colour":"red"}`).Code; got != http.StatusBadRequest {
		t.Errorf("an unknown member: got %d, want 400", got)
	}
	if got := d.call("DELETE", "/oauth2/v1/clients/"+id, admin, "").Code; got != http.StatusNoContent {
		t.Errorf("deleting: got %d", got)
	}
	for method, body := range map[string]string{"GET": "", "PUT": clientBody, "DELETE": ""} {
		if got := d.call(method, "/oauth2/v1/clients/"+id, admin, body).Code; got != http.StatusNotFound {
			t.Errorf("%s after that: got %d, want 404", method, got)
		}
	}
	if got := d.call("GET", "/oauth2/v1/clients?limit=x", admin, "").Code; got != http.StatusBadRequest {
		t.Errorf("a wrong limit: got %d, want 400", got)
	}
}

func TestClients_RepeatedRegistrationCreatesOneClient(t *testing.T) {
	d := open(t)
	admin := d.admin()
	first := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody, "Idempotency-Key", "k-1"), http.StatusCreated)
	again := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody, "Idempotency-Key", "k-1"), http.StatusCreated)
	if first["client_id"] != again["client_id"] || again["client_secret"] != nil || again["registration_access_token"] != nil {
		t.Errorf("got %v, then %v", first, again)
	}
}

func TestClients_ManageThemselvesWithoutExtension(t *testing.T) {
	d := open(t)
	admin := d.admin()
	c := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody), http.StatusCreated)
	other := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody), http.StatusCreated)
	token, _ := c["registration_access_token"].(string)
	path := "/oauth2/v1/clients/" + c["client_id"].(string)
	if got := made(t, d.call("GET", path, token, ""), http.StatusOK); got["client_name"] != "Planning" {
		t.Errorf("got %v", got)
	}
	for name, call := range map[string][2]string{"another's": {"GET", "/oauth2/v1/clients/" + other["client_id"].(string)},
		"the list": {"GET", "/oauth2/v1/clients"}, "another part of the API": {"GET", "/api/v1/users"}} {
		if got := d.call(call[0], call[1], token, "").Code; got != http.StatusUnauthorized {
			t.Errorf("%s: got %d, want 401", name, got)
		}
	}
	for name, body := range map[string]string{
		"more scopes":  `{"client_name":"Planning","redirect_uris":["https://app.example/cb"],"scope":"openid groups"}`,
		"more grants":  `{"client_name":"Planning","redirect_uris":["https://app.example/cb"],"grant_types":["urn:ietf:params:oauth:grant-type:device_code"]}`,
		"no secret":    `{"client_name":"Planning","redirect_uris":["https://app.example/cb"],"token_endpoint_auth_method":"none"}`,
		"another's id": `{"client_id":"cother","client_name":"Planning","redirect_uris":["https://app.example/cb"]}`,
	} {
		if got := d.call("PUT", path, token, body); got.Code != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want 400", name, got.Code, got.Body)
		}
	}
	got := made(t, d.call("PUT", path, token, `{"client_name":"Planning","redirect_uris":["https://app.example/cb2"],"barillet_consent":false,"barillet_introspect_all":true}`), http.StatusOK)
	if got["redirect_uris"].([]any)[0] != "https://app.example/cb2" || got["barillet_consent"] != true || got["barillet_introspect_all"] != nil {
		t.Errorf("got %v, want what an administrator decides left as it was", got)
	}
	if got := d.call("DELETE", path, token, "").Code; got != http.StatusNoContent {
		t.Errorf("deleting itself: got %d", got)
	}
	if got := d.call("GET", path, token, "").Code; got != http.StatusUnauthorized {
		t.Errorf("after that: got %d, want 401", got)
	}
}

func TestClients_OwnManagementHasItsOwnLimit(t *testing.T) {
	d := open(t)
	admin := d.admin()
	c := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody), http.StatusCreated)
	path, own := "/oauth2/v1/clients/"+c["client_id"].(string), c["registration_access_token"].(string)
	for n := range 60 {
		if got := d.call("GET", path, own, "").Code; got != http.StatusOK {
			t.Fatalf("call %d: got %d", n+1, got)
		}
	}
	w := d.call("GET", path, own, "")
	if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("X-Rate-Limit-Limit") != "60" {
		t.Errorf("one more in the minute: got %d %v, want 429 with its headers", w.Code, w.Header())
	}
	if got := d.call("GET", path, admin, "").Code; got != http.StatusOK {
		t.Errorf("an administrator meanwhile: got %d", got)
	}
}

func TestClients_RotateSecret(t *testing.T) {
	d := open(t)
	admin := d.admin()
	c := made(t, d.call("POST", "/oauth2/v1/clients", admin, clientBody), http.StatusCreated)
	path, own := "/oauth2/v1/clients/"+c["client_id"].(string), c["registration_access_token"].(string)
	first := made(t, d.call("POST", path+"/secret", admin, "", "Idempotency-Key", "k-1"), http.StatusOK)
	again := made(t, d.call("POST", path+"/secret", admin, "", "Idempotency-Key", "k-1"), http.StatusOK)
	if first["client_secret"] == nil || first["client_secret"] == c["client_secret"] || again["client_secret"] != nil {
		t.Errorf("got %v, then %v", first, again)
	}
	if itself := made(t, d.call("POST", path+"/secret", own, ""), http.StatusOK); itself["client_secret"] == first["client_secret"] {
		t.Error("the client itself got no other secret")
	}
	public := made(t, d.call("POST", "/oauth2/v1/clients", admin, `{"client_name":"Screen","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"none"}`), http.StatusCreated)
	if got := d.call("POST", "/oauth2/v1/clients/"+public["client_id"].(string)+"/secret", admin, "").Code; got != http.StatusConflict {
		t.Errorf("a client without a secret: got %d, want 409", got)
	}
	if got := d.call("POST", "/oauth2/v1/clients/cnobody/secret", admin, "").Code; got != http.StatusNotFound {
		t.Errorf("no client: got %d, want 404", got)
	}
	if got := d.call("POST", path+"/secret", d.token(account.RoleUserAdmin, nil), "").Code; got != http.StatusForbidden {
		t.Errorf("USER_ADMIN: got %d, want 403", got)
	}
}

func TestSigningKeys_ListAndRotate(t *testing.T) {
	d := open(t)
	admin := d.admin()
	first := read[[]tree](t, d.call("GET", "/api/v1/signing-keys", admin, ""), http.StatusOK)
	if len(first) != 3 || first[0]["signs"] != true {
		t.Errorf("got %v, want one of each algorithm", first)
	}
	for range 2 {
		w := d.call("POST", "/api/v1/signing-keys/rotate", admin, "")
		if got := read[[]tree](t, w, http.StatusOK); len(got) != 6 || strings.Contains(w.Body.String(), "private") {
			t.Errorf("got %v, want a further one of each", got)
		}
	}
	if got := len(d.Events("app.oauth2.as.key.rollover")); got != 3 {
		t.Errorf("got %d events, want one for each new key", got)
	}
	for method, path := range map[string]string{"GET": "/api/v1/signing-keys", "POST": "/api/v1/signing-keys/rotate"} {
		if got := d.call(method, path, d.token(account.RoleUserAdmin, nil), "").Code; got != http.StatusForbidden {
			t.Errorf("USER_ADMIN, %s: got %d, want 403", method, got)
		}
	}
}
