package client_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"barillet/authn/authntest"
	"barillet/internal/audit"
	"barillet/oidc/client"
	"barillet/store"
)

func open(t testing.TB) (*authntest.Env, *client.Service) {
	t.Helper()
	h := authntest.New(t)
	return h, newService(h, h.Store)
}

func newService(h *authntest.Env, s store.Store) *client.Service {
	return client.New(client.Config{Store: s, Keyring: h.Ring, Accounts: h.Accounts, Now: h.Clock.Now,
		RegistrationURL: "https://login.example/oauth2/v1/clients", Audiences: []string{"https://login.example"}})
}

var by = client.Registrar{Actor: audit.Actor{Type: audit.TypeToken, ID: "token:1", Name: "tests"}, ReservedName: "Garage Lumiere"}

func TestRegister_NamesInvalidMember(t *testing.T) {
	_, p := open(t)
	for name, c := range map[string]struct{ body, code, member string }{
		"no name":                             {`{"redirect_uris":["https://a.example/"]}`, "invalid_client_metadata", "client_name"},
		"the name of the service":             {`{"client_name":"GARAGE-lumiere","redirect_uris":["https://a.example/"]}`, "invalid_client_metadata", "client_name"},
		"the name of the product":             {`{"client_name":"barillet","redirect_uris":["https://a.example/"]}`, "invalid_client_metadata", "client_name"},
		"a name with a line break":            {`{"client_name":"a\nb","redirect_uris":["https://a.example/"]}`, "invalid_client_metadata", "client_name"},
		"no redirect":                         {`{"client_name":"A"}`, "invalid_redirect_uri", "redirect_uris"},
		"plain http":                          {`{"client_name":"A","redirect_uris":["http://a.example/"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a fragment":                          {`{"client_name":"A","redirect_uris":["https://a.example/#x"]}`, "invalid_redirect_uri", "redirect_uris"},
		"user information":                    {`{"client_name":"A","redirect_uris":["https://a@b.example/"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a javascript URI":                    {`{"client_name":"A","application_type":"native","redirect_uris":["javascript:alert(1)"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a data URI":                          {`{"client_name":"A","application_type":"native","redirect_uris":["data:text/html,x"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a private scheme of a web client":    {`{"client_name":"A","redirect_uris":["com.example.a:/cb"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a relative address":                  {`{"client_name":"A","redirect_uris":["/cb"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a wildcard":                          {`{"client_name":"A","redirect_uris":["https://*.example/ "]}`, "invalid_redirect_uri", "redirect_uris"},
		"a plain http logout redirect":        {`{"client_name":"A","redirect_uris":["https://a.example/"],"post_logout_redirect_uris":["http://a.example/"]}`, "invalid_client_metadata", "post_logout_redirect_uris"},
		"a plain http back channel":           {`{"client_name":"A","redirect_uris":["https://a.example/"],"backchannel_logout_uri":"http://a.example/"}`, "invalid_client_metadata", "backchannel_logout_uri"},
		"the implicit flow":                   {`{"client_name":"A","redirect_uris":["https://a.example/"],"response_types":["token"]}`, "invalid_client_metadata", "response_types"},
		"an unknown grant":                    {`{"client_name":"A","redirect_uris":["https://a.example/"],"grant_types":["password"]}`, "invalid_client_metadata", "grant_types"},
		"an unknown scope":                    {`{"client_name":"A","redirect_uris":["https://a.example/"],"scope":"openid admin"}`, "invalid_client_metadata", "scope"},
		"a symmetric signature":               {`{"client_name":"A","redirect_uris":["https://a.example/"],"id_token_signed_response_alg":"HS256"}`, "invalid_client_metadata", "id_token_signed_response_alg"},
		"no signature":                        {`{"client_name":"A","redirect_uris":["https://a.example/"],"id_token_signed_response_alg":"none"}`, "invalid_client_metadata", "id_token_signed_response_alg"},
		"client_secret_jwt":                   {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"client_secret_jwt"}`, "invalid_client_metadata", "token_endpoint_auth_method"},
		"jwks_uri without private_key_jwt":    {`{"client_name":"A","redirect_uris":["https://a.example/"],"jwks_uri":"https://a.example/keys"}`, "invalid_client_metadata", "jwks_uri"},
		"jwks and jwks_uri":                   {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]},"jwks_uri":"https://a.example/keys"}`, "invalid_client_metadata", "jwks_uri"},
		"jwks_uri without a fetcher":          {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks_uri":"https://a.example/keys"}`, "invalid_client_metadata", "jwks_uri"},
		"private_key_jwt without keys":        {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt"}`, "invalid_client_metadata", "jwks"},
		"a private key":                       {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"oct","k":"AAAA"}]}}`, "invalid_client_metadata", "jwks"},
		"client_credentials without a secret": {`{"client_name":"A","token_endpoint_auth_method":"none","grant_types":["client_credentials"]}`, "invalid_client_metadata", "grant_types"},
		"no PKCE without a secret":            {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"none","barillet_pkce_exempt":true}`, "invalid_client_metadata", "barillet_pkce_exempt"},
		"pairwise for two hosts":              {`{"client_name":"A","redirect_uris":["https://a.example/","https://b.example/"],"subject_type":"pairwise"}`, "invalid_client_metadata", "redirect_uris"},
		"an access token of a day":            {`{"client_name":"A","redirect_uris":["https://a.example/"],"barillet_access_token_lifetime":86400}`, "invalid_client_metadata", "barillet_access_token_lifetime"},
		"a negative age":                      {`{"client_name":"A","redirect_uris":["https://a.example/"],"barillet_max_age":-1}`, "invalid_client_metadata", "barillet_max_age"},
		"a name of 65 letters":                {`{"client_name":"` + strings.Repeat("x", 65) + `","redirect_uris":["https://a.example/"]}`, "invalid_client_metadata", "client_name"},
		"a redirect of 1025 bytes":            {`{"client_name":"A","redirect_uris":["https://a.example/` + strings.Repeat("x", 1025) + `"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a redirect with a control character": {`{"client_name":"A","redirect_uris":["https://a.example/\u007f"]}`, "invalid_redirect_uri", "redirect_uris"},
		"a redirect without a host":           {`{"client_name":"A","redirect_uris":["https:///cb"]}`, "invalid_redirect_uri", "redirect_uris"},
		"too many redirects":                  {`{"client_name":"A","redirect_uris":["https://a.example/"` + strings.Repeat(`,"https://a.example/"`, 50) + `]}`, "invalid_client_metadata", "redirect_uris"},
		"too many logout redirects":           {`{"client_name":"A","redirect_uris":["https://a.example/"],"post_logout_redirect_uris":["https://a.example/"` + strings.Repeat(`,"https://a.example/"`, 50) + `]}`, "invalid_client_metadata", "redirect_uris"},
		"a back channel with a fragment":      {`{"client_name":"A","redirect_uris":["https://a.example/"],"backchannel_logout_uri":"https://a.example/#x"}`, "invalid_client_metadata", "backchannel_logout_uri"},
		"a back channel of 1025 bytes":        {`{"client_name":"A","redirect_uris":["https://a.example/"],"backchannel_logout_uri":"https://a.example/` + strings.Repeat("x", 1025) + `"}`, "invalid_client_metadata", "backchannel_logout_uri"},
		"a back channel with a blank":         {`{"client_name":"A","redirect_uris":["https://a.example/"],"backchannel_logout_uri":"https://a.example/ x"}`, "invalid_client_metadata", "backchannel_logout_uri"},
		"an address with a fragment":          {`{"client_name":"A","redirect_uris":["https://a.example/"],"client_uri":"https://a.example/#x"}`, "invalid_client_metadata", "client_uri"},
		"an address with user information":    {`{"client_name":"A","redirect_uris":["https://a.example/"],"client_uri":"https://a@b.example/"}`, "invalid_client_metadata", "client_uri"},
		"an address of 1025 bytes":            {`{"client_name":"A","redirect_uris":["https://a.example/"],"client_uri":"https://a.example/` + strings.Repeat("x", 1025) + `"}`, "invalid_client_metadata", "client_uri"},
		"an address of a script":              {`{"client_name":"A","redirect_uris":["https://a.example/"],"client_uri":"javascript:alert(1)"}`, "invalid_client_metadata", "client_uri"},
		"introspection without a secret":      {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"none","barillet_introspect_all":true}`, "invalid_client_metadata", "barillet_introspect_all"},
		"another subject type":                {`{"client_name":"A","redirect_uris":["https://a.example/"],"subject_type":"x"}`, "invalid_client_metadata", "subject_type"},
		"an age of two years":                 {`{"client_name":"A","redirect_uris":["https://a.example/"],"barillet_max_age":63072000}`, "invalid_client_metadata", "barillet_max_age"},
		"a refresh token of a minute":         {`{"client_name":"A","redirect_uris":["https://a.example/"],"barillet_refresh_token_lifetime":60}`, "invalid_client_metadata", "barillet_refresh_token_lifetime"},
		"too many scopes":                     {`{"client_name":"A","grant_types":["client_credentials"],"scope":"a` + strings.Repeat(" a", 100) + `"}`, "invalid_client_metadata", "scope"},
		"a scope of 65 letters":               {`{"client_name":"A","grant_types":["client_credentials"],"scope":"` + strings.Repeat("x", 65) + `"}`, "invalid_client_metadata", "scope"},
		"no grants":                           {`{"client_name":"A","redirect_uris":["https://a.example/"],"grant_types":[]}`, "invalid_client_metadata", "grant_types"},
		"too many groups":                     {`{"client_name":"A","redirect_uris":["https://a.example/"],"barillet_groups":["g"` + strings.Repeat(`,"g"`, 1000) + `]}`, "invalid_client_metadata", "barillet_groups"},
		"too many rules":                      {`{"client_name":"A","redirect_uris":["https://a.example/"],"barillet_group_rules":[{"group":"g"}` + strings.Repeat(`,{"group":"g"}`, 1000) + `]}`, "invalid_client_metadata", "barillet_groups"},
		"jwks without private_key_jwt":        {`{"client_name":"A","redirect_uris":["https://a.example/"],"jwks":{"keys":[]}}`, "invalid_client_metadata", "jwks"},
		"jwks without a key":                  {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[]}}`, "invalid_client_metadata", "jwks"},
		"jwks of another kind":                {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":[]}`, "invalid_client_metadata", "jwks"},
		"jwks of more than its limit":         {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}],"x":"` + strings.Repeat("x", 32<<10) + `"}}`, "invalid_client_metadata", "jwks"},
		"17 keys":                             {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[` + strings.Repeat(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},`, 16) + `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`, "invalid_client_metadata", "jwks"},
		"the private part of a key":           {`{"client_name":"A","redirect_uris":["https://a.example/"],"token_endpoint_auth_method":"private_key_jwt","jwks":{"keys":[{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}}`, "invalid_client_metadata", "jwks"},
		"an unknown application type":         {`{"client_name":"A","redirect_uris":["https://a.example/"],"application_type":"desk"}`, "invalid_client_metadata", "application_type"},
	} {
		t.Run(name, func(t *testing.T) {
			var r client.Registration
			if err := json.Unmarshal([]byte(c.body), &r); err != nil {
				t.Fatal(err)
			}
			_, err := p.Register(t.Context(), by, r)
			e, ok := errors.AsType[*client.MetadataError](err)
			if !ok || e.Code != c.code || e.Member != c.member {
				t.Errorf("got %v, want %s about %s", err, c.code, c.member)
			}
		})
	}
}

func TestRegister_NamesPunycodeOfUmlauts(t *testing.T) {
	_, p := open(t)
	for _, member := range []string{"redirect_uris", "post_logout_redirect_uris", "backchannel_logout_uri", "client_uri"} {
		uri, r := "https://gärage.example/cb", client.Registration{Name: "A", Redirects: []string{"https://a.example/"}}
		switch member {
		case "redirect_uris":
			r.Redirects = []string{uri}
		case "post_logout_redirect_uris":
			r.PostLogoutRedirects = []string{uri}
		case "backchannel_logout_uri":
			r.Backchannel = uri
		case "client_uri":
			r.URI = uri
		}
		_, err := p.Register(t.Context(), by, r)
		if e, ok := errors.AsType[*client.MetadataError](err); !ok || e.Member != member || e.Why != "must have its host in punycode: xn--grage-gra.example" {
			t.Errorf("%s: got %v, want the host in punycode", member, err)
		}
	}
}

func TestRegister_HasRestrictiveDefaults(t *testing.T) {
	h, p := open(t)
	c, err := p.Register(t.Context(), by, client.Registration{Name: "Planning", Redirects: []string{"https://a.example/cb"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Consent == nil || !*c.Consent || strings.Contains(c.Scope, "groups") || c.NoPKCE || c.IntrospectsAll || c.AuthMethod != "client_secret_basic" || c.Alg != "RS256" ||
		len(c.Secret) < 40 || c.RegistrationToken == "" || c.SecretExpires == nil || len(c.Grants) != 1 {
		t.Errorf("got %+v", c)
	}
	again, err := p.Information(t.Context(), c.ID)
	if err != nil || again.Secret != "" || again.RegistrationToken != "" {
		t.Errorf("read again: got %v, secret %q", err, again.Secret)
	}
	if got := len(h.Events(audit.AppCreated)); got != 1 {
		t.Errorf("got %d events, want 1", got)
	}
	if err := p.Delete(t.Context(), by, c.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Information(t.Context(), c.ID); err == nil {
		t.Error("a deleted client exists")
	}
}

func TestRegister_AllowsNativeRedirects(t *testing.T) {
	_, p := open(t)
	_, err := p.Register(t.Context(), by, client.Registration{Name: "Phone", ApplicationType: "native", AuthMethod: "none",
		Redirects: []string{"com.example.planning:/cb", "http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost:3000/cb", "https://app.example/cb"}})
	if err != nil {
		t.Error(err)
	}
}

func FuzzRegistration(f *testing.F) {
	f.Add(`{"client_name":"A","redirect_uris":["https://a.example/cb"],"scope":"openid groups"}`)
	f.Add(`{"client_name":"A","application_type":"native","redirect_uris":["http://127.0.0.1:0/","com.a:/x"]}`)
	f.Add(`{"client_name":"A","redirect_uris":["https://a.example/cb"],"jwks":{"keys":[{"kty":"EC"}]},"token_endpoint_auth_method":"private_key_jwt"}`)
	_, p := open(f)
	f.Fuzz(func(t *testing.T, body string) {
		var r client.Registration
		if json.Unmarshal([]byte(body), &r) != nil {
			return
		}
		c, err := p.Register(t.Context(), by, r)
		if err != nil {
			if _, ok := errors.AsType[*client.MetadataError](err); !ok {
				t.Fatalf("got %v, want an error that names a member", err)
			}
			return
		}
		for _, uri := range c.Redirects {
			if !strings.HasPrefix(uri, "https://") && !strings.HasPrefix(uri, "http://127.0.0.1") && !strings.HasPrefix(uri, "http://[::1]") &&
				!strings.HasPrefix(uri, "http://localhost") && c.ApplicationType != "native" {
				t.Fatalf("a web client has redirect URI %q", uri)
			}
		}
	})
}
