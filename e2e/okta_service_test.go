package e2e_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	okta "github.com/okta/okta-sdk-golang/v2/okta"
)

// serviceClient is a service client with its key, as an operator makes one.
type serviceClient struct {
	id  string
	key *rsa.PrivateKey
}

func (h *Env) serviceClient(tb testing.TB, name, role string, more ...string) *serviceClient {
	tb.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Use: "sig"}}})
	if err != nil {
		tb.Fatal(err)
	}
	file := filepath.Join(tb.TempDir(), "jwks.json")
	if err := os.WriteFile(file, set, 0o600); err != nil {
		tb.Fatal(err)
	}
	shown := h.Run(append([]string{"client", "add", name, "--role", role, "--jwks", file}, more...)...).OK(tb)
	return &serviceClient{strings.TrimSpace(strings.TrimPrefix(shown, "client_id")), key}
}

// jwk returns the private key as the clients take it.
func (c *serviceClient) jwk(tb testing.TB) string {
	tb.Helper()
	text, err := json.Marshal(jose.JSONWebKey{Key: c.key, KeyID: "k1"})
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// pem returns the private key in the form that the clients for Go take.
func (c *serviceClient) pem(tb testing.TB) string {
	tb.Helper()
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(c.key)}))
}

// assertion returns an assertion that is valid for five minutes.
func (c *serviceClient) assertion(tb testing.TB, base string, now time.Time) string {
	tb.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: c.key, KeyID: "k1"}}, nil)
	if err != nil {
		tb.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(jwt.Claims{Issuer: c.id, Subject: c.id, Audience: jwt.Audience{base + "/oauth2/v1/token"}, ID: rand.Text(),
		IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(5 * time.Minute))}).Serialize()
	if err != nil {
		tb.Fatal(err)
	}
	return token
}

// TestOkta_PrivateKeyMode runs Okta's clients with a key instead of an API token.
func TestOkta_PrivateKeyMode(t *testing.T) {
	h := Open(t, EnvOptions{Config: "oidc.client_credentials = true"})
	boss := h.Member(t, "chef@garage.example")
	h.Admin.Call("POST", "/users/"+boss.Login+"/roles", map[string]string{"type": "SUPER_ADMIN"}).Want(201)
	c := h.serviceClient(t, "Annuaire", "USER_ADMIN", "--owner", boss.Login)

	t.Run("node", func(t *testing.T) {
		node := startOktaNode(t, "OKTA_URL="+h.URL, "OKTA_ID="+c.id, "OKTA_KEY="+c.jwk(t), "OKTA_SCOPES=okta.users.manage okta.groups.read")
		made, err := node.Create(oktaPerson{Login: "node@garage.example", FirstName: "Zoé"}, "", nil, false)
		if err != nil || made.Status != "STAGED" {
			t.Fatalf("got %+v, %v", made, err)
		}
		if me, err := node.Person("me"); err != nil || me.Login != boss.Login {
			t.Errorf("me: got %+v, %v, want the owner", me, err)
		}
		if _, err := node.CreateGroup("Garage"); err == nil || !strings.Contains(err.Error(), "403") {
			t.Errorf("a group without the scope: got %v", err)
		}
	})
	newV2 := func(t *testing.T, more ...okta.ConfigSetter) *oktaV2 {
		t.Helper()
		ctx, client, err := okta.NewClient(t.Context(), append([]okta.ConfigSetter{okta.WithOrgUrl(h.URL), okta.WithClientId(c.id), okta.WithCache(false),
			okta.WithScopes([]string{"okta.users.read"}), okta.WithTestingDisableHttpsCheck(true)}, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		return &oktaV2{ctx, client}
	}
	t.Run("v2 with its own assertion", func(t *testing.T) { // sends its parameters in the query
		before := h.log.size()
		assertion := c.assertion(t, h.URL, h.Clock.Now())
		v2 := newV2(t, okta.WithAuthorizationMode("JWT"), okta.WithClientAssertion(assertion))
		if all, err := v2.People(oktaQuery{Limit: 200}); err != nil || !slices.Contains(logins(all), boss.Login) {
			t.Errorf("got %v, %v", logins(all), err)
		}
		if written := h.log.String()[before:]; strings.Contains(written, assertion[:40]) || !strings.Contains(written, "/oauth2/v1/token") {
			t.Errorf("the log of the request: %s", written)
		}
	})
	t.Run("v2 with an assertion for an hour", func(t *testing.T) {
		v2 := newV2(t, okta.WithAuthorizationMode("PrivateKey"), okta.WithPrivateKey(c.pem(t)), okta.WithPrivateKeyId("k1"))
		if _, err := v2.Person("me"); err == nil || !strings.Contains(err.Error(), "jti") {
			t.Errorf("got %v, want a refusal that says why", err)
		}
	})
	if out := h.Run("client", "remove", c.id, "--yes"); out.Code != 0 {
		t.Fatalf("removing: %+v", out)
	}
	node := startOktaNode(t, "OKTA_URL="+h.URL, "OKTA_ID="+c.id, "OKTA_KEY="+c.jwk(t), "OKTA_SCOPES=okta.users.read")
	if _, err := node.Person("me"); err == nil {
		t.Error("a removed client got a token")
	}
}

// TestTerraform_StartAndPlan replays the calls of the Terraform provider for Okta, read from its public source. It
// starts with users/me, once by each of its two clients, and asks for the kind of the organization, whose absence it
// accepts. A plan reads each resource of the state.
func TestTerraform_StartAndPlan(t *testing.T) {
	h := Open(t, EnvOptions{})
	boss := h.Member(t, "chef@garage.example")
	h.Admin.Call("POST", "/users/"+boss.Login+"/roles", map[string]string{"type": "SUPER_ADMIN"}).Want(201)
	var group, user struct{ ID string }
	h.Admin.Call("POST", "/groups", map[string]any{"profile": map[string]string{"name": "Garage du Port", "description": "Port"}}).Want(200).Into(&group)
	h.Admin.Call("POST", "/users?activate=false", map[string]any{"profile": map[string]string{"login": "zoe@garage.example", "email": "zoe@garage.example",
		"firstName": "Zoé", "lastName": "Martin", "department": "Atelier"}, "groupIds": []string{group.ID}}).Want(200).Into(&user)
	terraform := h.API(h.token("terraform", "--owner", boss.Login))
	var me struct{ Profile struct{ Login string } }
	if terraform.Call("GET", "/users/me", nil).Want(200).Into(&me); me.Profile.Login != boss.Login {
		t.Errorf("me: got %q", me.Profile.Login)
	}
	for call, want := range map[string]int{
		"/groups/" + group.ID:                      200, // okta_group
		"/groups/" + group.ID + "/users?limit=200": 200, // okta_group_memberships
		"/users/" + user.ID:                        200, // okta_user
		"/users/" + user.ID + "/roles":             200, // okta_user_admin_roles
		"/users/" + user.ID + "/groups":            200, // okta_user_group_memberships
		"/users/" + user.ID + "/factors":           200, // okta_user_factor
		"/groups?q=Garage%20du%20Port&limit=200":   200, // data okta_group
		"/users?limit=200&search=" + url.QueryEscape(`profile.login eq "zoe@garage.example"`): 200, // data okta_user
		"/users?limit=200&search=" + url.QueryEscape(`status eq "STAGED"`):                    200, // data okta_users
		"/org": 501, "/meta/schemas/user/default": 501, "/meta/types/user": 501, "/apps?limit=200": 501, "/policies?type=PASSWORD": 501,
		"/authorizationServers": 501, "/trustedOrigins": 501, "/groups/rules": 501, "/mappings": 501, "/zones": 501,
		"/users/" + user.ID + "/linkedObjects/manager": 501, "/groups/" + group.ID + "/roles": 501,
	} {
		if res := terraform.Call("GET", call, nil); res.Status != want || want == http.StatusNotImplemented && !strings.Contains(string(res.Body), "not implemented") {
			t.Errorf("%s: got %d %s, want %d", call, res.Status, res.Body, want)
		}
	}
}
