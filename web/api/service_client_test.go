package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	"barillet/authn/account"
	"barillet/internal/audit"
	"barillet/internal/notice"
	"barillet/oidc"
)

// service is a service client with its key.
type service struct {
	*apiEnv
	id  string
	key *ecdsa.PrivateKey
}

func newKey(t testing.TB) (*ecdsa.PrivateKey, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	return key, string(set)
}

// service registers a service client at the admin socket. more begins with a comma, or is empty.
func (d *apiEnv) service(role, more string) *service {
	d.T.Helper()
	key, set := newKey(d.T)
	made := read[tree](d.T, d.local("POST", "/oauth2/v1/clients", fmt.Sprintf(`{"client_name":"Terraform","barillet_role":%q,"jwks":%s%s}`, role, set, more)), 201)
	if made["registration_access_token"] != nil || made["client_secret"] != nil || made["token_endpoint_auth_method"] != "private_key_jwt" {
		d.T.Fatalf("got %v, want neither a registration token nor a secret", made)
	}
	return &service{d, made["client_id"].(string), key}
}

// assertion returns a signed assertion. change may change its claims.
func (s *service) assertion(change func(map[string]any)) string {
	s.T.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: s.key, KeyID: "k1"}}, nil)
	if err != nil {
		s.T.Fatal(err)
	}
	now := s.Clock.Now()
	claims := map[string]any{"iss": s.id, "sub": s.id, "aud": "https://login.example" + oidc.PathToken, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix()}
	if change != nil {
		change(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		s.T.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		s.T.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		s.T.Fatal(err)
	}
	return token
}

// ask requests an access token, with the parameters in the body or, as Okta's clients for Go do, in the query.
func (s *service) ask(assertion, scope string, query bool) *httptest.ResponseRecorder {
	form := url.Values{"grant_type": {"client_credentials"}, "client_assertion": {assertion}, "scope": {scope},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	path, body := oidc.PathToken, form.Encode()
	if query {
		path, body = path+"?"+body, ""
	}
	return s.post(path, body)
}

func (s *service) post(path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Apps.TokenEndpoints().ServeHTTP(w, r)
	return w
}

// access returns a new access token with scopes.
func (s *service) access(scope string) string {
	s.T.Helper()
	got := read[tree](s.T, s.ask(s.assertion(nil), scope, false), 200)
	return got["access_token"].(string)
}

func (s *service) bearer(method, path, token, body string) *httptest.ResponseRecorder {
	return s.call(method, path, "", body, "Authorization", "Bearer "+token)
}

func TestServiceClient_CallsTheAPIWithinRoleAndScope(t *testing.T) {
	d := open(t)
	zoe, _, _ := d.Member("zoe@garage.example", nil)
	s := d.service("USER_ADMIN", "")
	for _, query := range []bool{false, true} {
		got := read[tree](t, s.ask(s.assertion(nil), "okta.users.read okta.groups.read", query), 200)
		if got["scope"] != "okta.users.read okta.groups.read" || got["token_type"] != "Bearer" || got["refresh_token"] != nil || got["id_token"] != nil {
			t.Fatalf("in the query %t: got %v", query, got)
		}
	}
	all := read[tree](t, s.ask(s.assertion(nil), "", false), 200)
	if all["scope"] == "" || !strings.Contains(all["scope"].(string), "okta.users.manage") {
		t.Errorf("without a scope: got %v, want all that the client has", all)
	}
	if got := read[tree](t, s.ask(s.assertion(nil), "okta.users.read okta.apps.manage", true), 400); got["error"] != "invalid_scope" {
		t.Errorf("an unknown scope: got %v", got)
	}
	at := "/api/v1/users/" + string(zoe.ID)
	gid := string(d.CreateGroup("Garage du Port"))
	for _, c := range []struct {
		scope, call, body string
		want              int
	}{
		{"okta.users.read", "GET /api/v1/users", "", 200},
		{"okta.users.manage", "GET /api/v1/users", "", 200}, // "manage" includes "read"
		{"okta.users.read", "GET " + at + "/factors", "", 200},
		{"okta.users.read", "GET " + at + "/groups", "", 200},
		{"okta.users.read", "POST " + at + "/lifecycle/suspend", "", 403},
		{"okta.users.read", "POST /api/v1/users", `{"profile":{"login":"n@garage.example"}}`, 403},
		{"okta.users.manage", "POST /api/v1/users", `{"profile":{"login":"n@garage.example"}}`, 200},
		{"okta.users.manage", "POST /api/v1/users", `{"profile":{"login":"m@garage.example"},"role":"READ_ONLY_ADMIN"}`, 403},
		{"okta.users.manage okta.roles.manage", "POST /api/v1/users", `{"profile":{"login":"m@garage.example"},"role":"READ_ONLY_ADMIN"}`, 200},
		{"okta.users.manage", "GET " + at + "/roles", "", 403},
		{"okta.users.manage", "POST " + at + "/roles", `{"type":"READ_ONLY_ADMIN"}`, 403},
		{"okta.roles.read", "GET " + at + "/roles", "", 200},
		{"okta.users.manage", "PUT /api/v1/groups/" + gid + "/users/" + string(zoe.ID), "", 403},
		{"okta.groups.manage", "PUT /api/v1/groups/" + gid + "/users/" + string(zoe.ID), "", 204},
		{"okta.groups.read", "GET /api/v1/groups/" + gid + "/users", "", 200},
		{"okta.users.read", "GET /api/v1/groups", "", 403},
		{"okta.users.manage", "GET /api/v1/logs", "", 403},
		{"okta.logs.read", "GET /api/v1/logs", "", 200},
		{"okta.clients.manage", "GET /oauth2/v1/clients", "", 403}, // the role
		{"okta.eventHooks.manage", "GET /api/v1/webhooks", "", 403},
		{"", "POST /api/v1/authn", `{"username":"zoe@garage.example","password":"x"}`, 403},
		{"", "POST /api/v1/users?sendEmail=false", `{"profile":{"login":"o@garage.example"}}`, 403}, // no allowances
		{"", "POST /api/v1/api-tokens", `{"name":"x","role":"SUPER_ADMIN"}`, 403},
		{"", "GET /api/v1/users/me", "", 404},
	} {
		method, path, _ := strings.Cut(c.call, " ")
		if w := s.bearer(method, path, s.access(c.scope), c.body); w.Code != c.want {
			t.Errorf("%q, %s: got %d %s, want %d", c.scope, c.call, w.Code, w.Body, c.want)
		}
		d.Clock.Advance(time.Second)
	}
	events := d.Events(audit.UserCreated)
	if len(events) == 0 {
		t.Fatal("no event")
	}
	if got := events[0].Actor; got.Type != audit.TypeApplication || got.ID != "client:"+s.id || got.Name != "Terraform" {
		t.Errorf("actor: got %+v, want the application", got)
	}
}

func TestServiceClient_AssertionIsExactShortAndUsedOnce(t *testing.T) {
	d := open(t)
	s := d.service("READ_ONLY_ADMIN", "")
	once := s.assertion(nil)
	read[tree](t, s.ask(once, "", true), 200)
	now := d.Clock.Now()
	for name, assertion := range map[string]string{
		"the same again":             once,
		"for an hour":                s.assertion(func(c map[string]any) { c["exp"] = now.Add(time.Hour).Unix() }),
		"for ten minutes":            s.assertion(func(c map[string]any) { c["exp"] = now.Add(10 * time.Minute).Unix() }),
		"made earlier for longer":    s.assertion(func(c map[string]any) { c["iat"] = now.Add(-time.Minute).Unix() }),
		"without a jti":              s.assertion(func(c map[string]any) { delete(c, "jti") }),
		"for two audiences":          s.assertion(func(c map[string]any) { c["aud"] = []string{"https://login.example", c["aud"].(string)} }),
		"for pushed requests":        s.assertion(func(c map[string]any) { c["aud"] = "https://login.example" + oidc.PathPush }),
		"for an audience with slash": s.assertion(func(c map[string]any) { c["aud"] = "https://login.example/" }),
		"of another subject":         s.assertion(func(c map[string]any) { c["sub"] = "cother" }),
		"over":                       s.assertion(func(c map[string]any) { c["exp"] = now.Unix() }),
	} {
		got := read[tree](t, s.ask(assertion, "", false), 401)
		if got["error"] != "invalid_client" {
			t.Errorf("%s: got %v", name, got)
		}
	}
	if got := read[tree](t, s.ask(s.assertion(func(c map[string]any) { delete(c, "jti") }), "", true), 401); !strings.Contains(got["error_description"].(string), "jti") {
		t.Errorf("got %v, want the cause", got)
	}
	other := &service{d, s.id, nil}
	other.key, _ = newKey(t)
	if got := read[tree](t, other.ask(other.assertion(func(c map[string]any) { delete(c, "jti") }), "", true), 401); strings.Contains(got["error_description"].(string), "jti") {
		t.Errorf("an attacker without the key: got %v, want no cause", got)
	}
}

func TestServiceClient_OnlyItsGrantUsesTheQuery(t *testing.T) {
	d := open(t)
	s := d.service("READ_ONLY_ADMIN", "")
	assertion := "&client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer&client_assertion="
	for name, c := range map[string]struct{ path, body string }{
		"another grant":         {oidc.PathToken + "?grant_type=refresh_token&refresh_token=x" + assertion + s.assertion(nil), ""},
		"a code":                {oidc.PathToken + "?grant_type=authorization_code&code=x" + assertion + s.assertion(nil), ""},
		"a secret":              {oidc.PathToken + "?grant_type=client_credentials&client_id=x&client_secret=y", ""},
		"a secret as well":      {oidc.PathToken + "?grant_type=client_credentials&client_secret=y" + assertion + s.assertion(nil), ""},
		"body and query":        {oidc.PathToken + "?grant_type=client_credentials" + assertion + s.assertion(nil), "scope=okta.users.read"},
		"a token to revoke":     {oidc.PathRevoke + "?grant_type=client_credentials&token=x" + assertion + s.assertion(nil), ""},
		"a token to introspect": {oidc.PathIntrospect + "?grant_type=client_credentials&token=x" + assertion + s.assertion(nil), ""},
	} {
		if got := read[tree](t, s.post(c.path, c.body), 400); got["error"] != "invalid_request" {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

func TestServiceClient_IsTheOperatorsToRegister(t *testing.T) {
	d := open(t)
	boss, tokens := d.boss("chef@garage.example", account.RoleSuperAdmin, 1)
	_, set := newKey(t)
	const metadata = `"client_name":"Terraform","barillet_role":"USER_ADMIN"`
	for name, w := range map[string]*httptest.ResponseRecorder{
		"a token of a SUPER_ADMIN": d.call("POST", "/oauth2/v1/clients", tokens[0], `{`+metadata+`,"jwks":`+set+`}`),
		"a token of the operator":  d.call("POST", "/oauth2/v1/clients", d.admin(), `{`+metadata+`,"jwks":`+set+`}`),
	} {
		if !strings.Contains(problem(t, w, 403).Detail, "only the operator") {
			t.Errorf("%s: got %s", name, w.Body)
		}
	}
	for name, body := range map[string]string{
		"without keys":     `{` + metadata + `}`,
		"keys of a URL":    `{` + metadata + `,"jwks_uri":"https://keys.example/jwks"}`,
		"a secret":         `{` + metadata + `,"token_endpoint_auth_method":"client_secret_basic"}`,
		"another grant":    `{` + metadata + `,"jwks":` + set + `,"grant_types":["client_credentials","authorization_code"],"redirect_uris":["https://app.example/"]}`,
		"a redirect URI":   `{` + metadata + `,"jwks":` + set + `,"redirect_uris":["https://app.example/"]}`,
		"an unknown role":  `{"client_name":"T","barillet_role":"ORG_ADMIN","jwks":` + set + `}`,
		"an unknown scope": `{` + metadata + `,"jwks":` + set + `,"scope":"okta.users.read stock:read"}`,
		"a weaker owner":   `{` + metadata + `,"jwks":` + set + `,"barillet_owner":"zoe@garage.example"}`,
		"an unknown owner": `{` + metadata + `,"jwks":` + set + `,"barillet_owner":"nobody@garage.example"}`,
		"all tokens":       `{` + metadata + `,"jwks":` + set + `,"barillet_introspect_all":true}`,
	} {
		if name == "a weaker owner" {
			d.Member("zoe@garage.example", nil)
		}
		if w := d.local("POST", "/oauth2/v1/clients", body); w.Code != 400 {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
	d.EmptyOutbox()
	s := d.service("USER_ADMIN", `,"barillet_owner":"chef@garage.example"`)
	if got := read[tree](t, d.local("GET", "/oauth2/v1/clients/"+s.id, ""), 200); got["barillet_owner"] != string(boss.ID) || got["barillet_role"] != "USER_ADMIN" {
		t.Errorf("got %v", got)
	}
	if mails := d.MailList(); len(mails) == 0 || !strings.HasPrefix(mails[0], notice.TokenCreated{}.Name()+" to chef@garage.example") {
		t.Errorf("got mails %v, want one to the owner", mails)
	}
	// Its keys are its role: not even a SUPER_ADMIN may replace them, and it cannot manage itself.
	change := `{"client_name":"Terraform","jwks":` + set + `,"token_endpoint_auth_method":"private_key_jwt","grant_types":["client_credentials"]}`
	problem(t, d.call("PUT", "/oauth2/v1/clients/"+s.id, tokens[0], change), 403)
	own := d.service("SUPER_ADMIN", `,"barillet_owner":"chef@garage.example"`)
	token := own.access("")
	problem(t, own.bearer("PUT", "/oauth2/v1/clients/"+own.id, token, change), 403)
	plain := read[tree](t, own.bearer("POST", "/oauth2/v1/clients", token, `{"client_name":"Planning","redirect_uris":["https://app.example/"]}`), 201)
	problem(t, own.bearer("PUT", "/oauth2/v1/clients/"+plain["client_id"].(string), plain["registration_access_token"].(string),
		`{`+metadata+`,"jwks":`+set+`}`), 403)
	if w := d.call("DELETE", "/oauth2/v1/clients/"+s.id, tokens[0], ""); w.Code != 204 {
		t.Errorf("removing it: got %d %s", w.Code, w.Body)
	}
}

func TestServiceClient_EndsAtOnce(t *testing.T) {
	d := open(t)
	boss, _ := d.boss("chef@garage.example", account.RoleSuperAdmin, 0)
	zoe, _, _ := d.Member("zoe@garage.example", nil)
	s := d.service("SUPER_ADMIN", `,"barillet_owner":"chef@garage.example"`)
	token := s.access("")
	lists := func(want int) {
		t.Helper()
		if w := s.bearer("GET", "/api/v1/users", token, ""); w.Code != want {
			t.Errorf("got %d %s, want %d", w.Code, w.Body, want)
		}
	}
	lists(200)
	if got := read[tree](t, s.bearer("GET", "/api/v1/users/me", token, ""), 200); got["id"] != string(boss.ID) {
		t.Errorf("me: got %v, want the owner", got["id"])
	}
	problem(t, s.bearer("POST", "/api/v1/users/"+string(boss.ID)+"/lifecycle/suspend", token, ""), 403) // oneself is judged by owner
	d.Change(boss.ID, func(u *account.User) { u.Status = account.StatusSuspended })
	lists(401)
	d.Change(boss.ID, func(u *account.User) { u.Status = account.StatusActive })
	lists(200)
	d.Change(boss.ID, func(u *account.User) { u.Roles[0].Role = account.RoleReadOnly })
	lists(200)
	problem(t, s.bearer("POST", "/api/v1/users/"+string(zoe.ID)+"/lifecycle/suspend", token, ""), 403)
	d.Clock.Advance(10 * time.Minute)
	lists(401)
	token = s.access("okta.users.read")
	form := url.Values{"token": {token}, "client_assertion": {s.assertion(nil)}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}}
	if w := s.post(oidc.PathRevoke, form.Encode()); w.Code != 200 {
		t.Fatalf("revoking: got %d %s", w.Code, w.Body)
	}
	lists(401)
	token = s.access("okta.users.read")
	lists(200)
	if w := d.local("DELETE", "/oauth2/v1/clients/"+s.id, ""); w.Code != 204 {
		t.Fatalf("removing: got %d", w.Code)
	}
	lists(401)
}

func TestServiceClient_GroupScopeHidesOtherUsers(t *testing.T) {
	d := open(t)
	zoe, _, _ := d.Member("zoe@garage.example", nil)
	s := d.service("USER_ADMIN", `,"barillet_groups":["`+string(d.CreateGroup("Garage du Port"))+`"]`)
	token := s.access("")
	problem(t, s.bearer("GET", "/api/v1/users/"+string(zoe.ID), token, ""), 404)
	if all := read[[]tree](t, s.bearer("GET", "/api/v1/users", token, ""), 200); len(all) != 0 {
		t.Errorf("got %v", all)
	}
	problem(t, s.bearer("POST", "/api/v1/groups", token, `{"profile":{"name":"G"}}`), 403)
}

func TestServiceClient_IsLimitedLikeAToken(t *testing.T) {
	d := open(t)
	s := d.service("READ_ONLY_ADMIN", "")
	token := s.access("okta.users.read")
	for range 700 {
		if w := s.bearer("GET", "/api/v1/groups", token, ""); w.Code == 429 { // refused calls count, too
			if w.Header().Get("X-Rate-Limit-Reset") == "" {
				t.Error("429 without the time of the next call")
			}
			return
		}
	}
	t.Error("700 calls in a moment were not limited")
}

// TestAttack_UsersTokenAtTheAPI shows that only access tokens of service clients open the API.
func TestAttack_OtherAccessTokensAtTheAPI(t *testing.T) {
	d := open(t)
	key, set := newKey(t)
	plain := read[tree](t, d.local("POST", "/oauth2/v1/clients", `{"client_name":"Stock","token_endpoint_auth_method":"private_key_jwt","grant_types":["client_credentials"],"scope":"okta.users.manage","jwks":`+set+`}`), 201)
	s := &service{d, plain["client_id"].(string), key}
	token := s.access("okta.users.manage")
	problem(t, s.bearer("GET", "/api/v1/users", token, ""), 401)
	for _, made := range []string{"bat_" + strings.Repeat("x", 43), "brt_" + strings.Repeat("x", 43)} {
		problem(t, s.bearer("GET", "/api/v1/users", made, ""), 401)
	}
	problem(t, s.call("GET", "/api/v1/users?access_token="+token, "", ""), 401)
}

// TestServiceClient_NeedsAScopeForEveryCall calls every route with an access token of another area.
func TestServiceClient_NeedsAScopeForEveryCall(t *testing.T) {
	d := open(t)
	s := d.service("SUPER_ADMIN", "")
	zoe, _, _ := d.Member("zoe@garage.example", nil)
	logs, users := s.access("okta.logs.read"), s.access("okta.users.manage")
	for _, pattern := range d.API.Patterns() {
		method, path := d.concrete(strings.ReplaceAll(pattern, "{cid}", s.id), zoe)
		token := logs
		if strings.HasPrefix(path, "/api/v1/logs") {
			token = users
		}
		if got := problem(t, s.bearer(method, path, token, ""), 403).Detail; !strings.Contains(got, "scope of the call") {
			t.Errorf("%s: got %q", pattern, got)
		}
	}
}
