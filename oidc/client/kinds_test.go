package client_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"barillet/internal/errcode"
	"barillet/oidc/client"
)

// A resource server signs nobody in: it only checks the tokens of others.
func TestRegister_AcceptsResourceServerWithoutGrants(t *testing.T) {
	_, s := open(t)
	for name, grants := range map[string][]string{"no member": nil, "an empty list": {}} {
		made, err := s.Register(t.Context(), by, client.Registration{Name: "Stock", Grants: grants, IntrospectsAll: true})
		if err != nil || made.Secret == "" {
			t.Fatalf("%s: got %v, want a client with a secret", name, err)
		}
		raw, err := json.Marshal(made)
		if err != nil || !strings.Contains(string(raw), `"grant_types":[]`) || strings.Contains(string(raw), `"scope"`) {
			t.Errorf("%s: got %s, %v, want no grants and no scopes", name, raw, err)
		}
		var again client.Registration // as the command line updates it
		if err := json.Unmarshal(raw, &again); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Replace(t.Context(), by, made.ID, again, false); err != nil {
			t.Errorf("%s: replaced by what was read: %v", name, err)
		}
	}
}

func TestRegister_SaysWhatIsAllowed(t *testing.T) {
	_, s := open(t)
	redirects := []string{"https://app.example/cb"}
	for name, c := range map[string]struct {
		r            client.Registration
		member, want string
	}{
		"an unknown grant": {client.Registration{Redirects: redirects, Grants: []string{"device_code"}}, "grant_types", "urn:ietf:params:oauth:grant-type:device_code"},
		"an unknown scope": {client.Registration{Redirects: redirects, Scope: "openid admin"}, "scope", "offline_access"},
		"no redirect":      {client.Registration{}, "redirect_uris", "authorization_code"},
		"no grants":        {client.Registration{Grants: []string{}}, "grant_types", "barillet_introspect_all"},
		"no keys":          {client.Registration{Redirects: redirects, AuthMethod: client.AuthJWT}, "jwks", "jwks_uri"},
	} {
		c.r.Name = "Planning"
		_, err := s.Register(t.Context(), by, c.r)
		if e, ok := errors.AsType[*client.MetadataError](err); !ok || e.Member != c.member || !strings.Contains(e.Why, c.want) {
			t.Errorf("%s: got %v, want %s and %q", name, err, c.member, c.want)
		}
	}
}

func TestRotateSecret_SaysThatThereIsNone(t *testing.T) {
	_, s := open(t)
	made, err := s.Register(t.Context(), by, client.Registration{Name: "Planning", Redirects: []string{"https://app.example/cb"}, AuthMethod: client.AuthNone})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.RotateSecret(t.Context(), by, made.ID)
	if e, ok := errors.AsType[*errcode.Error](err); !ok || e.Code != errcode.WrongState || e.Reason != errcode.ReasonNoSecret {
		t.Errorf("got %v, want the reason no_secret", err)
	}
}

func TestHasRedirect_AllowsNativeClientsAnyLoopbackPort(t *testing.T) {
	native := client.Client{Native: true, Redirects: []string{"http://localhost/cb", "http://127.0.0.1:8000/cb"}}
	web := client.Client{Redirects: native.Redirects}
	for uri, want := range map[string]bool{
		"http://localhost:18000/cb":           true,
		"http://localhost/cb":                 true,
		"http://127.0.0.1:18000/cb":           true,
		"http://[::1]:18000/cb":               false,
		"http://localhost:18000/other":        false,
		"http://localhost:18000/cb?x=1":       false,
		"https://localhost:18000/cb":          false,
		"http://localhost.thief.example/cb":   false,
		"http://localhost:80@thief.example/":  false,
		"http://localhost@thief.example/cb":   false,
		"http://LOCALHOST:18000/cb":           false,
		"http://localhost:/cb":                false,
		"http://localhost:18000#/cb":          false,
		"http://localhost:18000\\@thief.com/": false,
	} {
		if got := native.HasRedirect(uri); got != want {
			t.Errorf("native, %s: got %t, want %t", uri, got, want)
		}
		if got := web.HasRedirect(uri); got != (uri == "http://localhost/cb") {
			t.Errorf("web, %s: got %t", uri, got)
		}
	}
}
