package web_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"barillet/oidc"
	"barillet/oidc/client"
)

// secretIn puts the secret of a client into the header, into the form, or into both.
func (a *app) secretIn(header, form bool) (url.Values, func(*http.Request)) {
	values := url.Values{"client_id": {string(a.ID)}}
	if form {
		values.Set("client_secret", a.Secret)
	}
	return values, func(r *http.Request) {
		if !header {
			r.Header.Del("Authorization")
		}
	}
}

func TestClientWithSecret_SendsItInHeaderOrForm(t *testing.T) {
	p, provider := appPlace(t, nil)
	for _, method := range []string{client.AuthBasic, client.AuthPost} {
		a := p.app(t, provider, func(r *client.Registration) { r.AuthMethod = method })
		for place, c := range map[string]struct {
			header, form bool
			status       int
			says         string
		}{
			"in the header": {true, false, http.StatusOK, ""},
			"in the form":   {false, true, http.StatusOK, ""},
			"in both":       {true, true, http.StatusBadRequest, "more than one method"},
			"nowhere":       {false, false, http.StatusUnauthorized, "client_secret_basic or client_secret_post"},
		} {
			for _, path := range []string{oidc.PathRevoke, oidc.PathIntrospect} {
				if path == oidc.PathIntrospect && place == "nowhere" {
					continue // RFC 7662 §2.1: the service does not look for the client
				}
				p.Clock.Advance(time.Minute)
				form, change := a.secretIn(c.header, c.form)
				form.Set("token", "x")
				status, _, got := a.post(path, form, change)
				if says, _ := got["error_description"].(string); status != c.status || !strings.Contains(says, c.says) {
					t.Errorf("registered for %s, %s, %s: got %d %v, want %d %q", method, place, path, status, got, c.status, c.says)
				}
			}
		}
	}
}

// x/oauth2 tries the header, and the form if that fails: its user reads the error of the second request alone.
func TestClientThatProbes_SignsInAndReadsTheRealError(t *testing.T) {
	p, provider := appPlace(t, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	for _, method := range []string{client.AuthBasic, client.AuthPost, client.AuthNone} {
		for name, c := range map[string]struct {
			redirect, want string
		}{
			"a good request":       {callback, ""},
			"another redirect_uri": {"https://app.example/cb", "redirect_uri is not that of the authorization request"},
		} {
			t.Run(method+", "+name, func(t *testing.T) {
				a := p.app(t, provider, func(r *client.Registration) { r.AuthMethod = method })
				a.config.Endpoint.AuthStyle = oauth2.AuthStyleAutoDetect
				verifier := oauth2.GenerateVerifier()
				code := a.code(b, verifier)
				a.config.RedirectURL = c.redirect
				_, err := a.config.Exchange(a.ctx(), code, oauth2.VerifierOption(verifier))
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
			})
		}
	}
}

func TestClientAuthentication_SaysWhatIsRegistered(t *testing.T) {
	p, provider := appPlace(t, nil)
	key := newSigner(t, "k1")
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.public()}})
	if err != nil {
		t.Fatal(err)
	}
	secret := p.app(t, provider, nil)
	public := p.app(t, provider, func(r *client.Registration) { r.AuthMethod = client.AuthNone })
	keyed := p.app(t, provider, func(r *client.Registration) { r.AuthMethod, r.Keys = client.AuthJWT, set })
	none := func(r *http.Request) { r.Header.Del("Authorization") }
	basic := func(password string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(r.Header.Get("X-Client"), password) }
	}
	for name, c := range map[string]struct {
		by     *app
		secret string
		change func(*http.Request)
		signed bool
		want   string
	}{
		"a secret of a client with keys":         {keyed, "x", none, false, "private_key_jwt"},
		"a header of a client with keys":         {keyed, "", basic("x"), false, "private_key_jwt"},
		"nothing of a client with keys":          {keyed, "", none, false, "private_key_jwt"},
		"a secret of a public client":            {public, "x", none, false, "without a secret"},
		"a header of a public client":            {public, "", basic("x"), false, "without a secret"},
		"nothing of a client with a secret":      {secret, "", none, false, "client_secret_basic or client_secret_post"},
		"an id alone of a client with a secret":  {secret, "", basic(""), false, "client_secret_basic or client_secret_post"},
		"an assertion of a client with a secret": {secret, "", none, true, "client_secret_basic or client_secret_post"},
		"an assertion of a public client":        {public, "", none, true, "without a secret"},
	} {
		form := url.Values{"token": {"x"}, "client_id": {string(c.by.ID)}}
		if c.secret != "" {
			form.Set("client_secret", c.secret)
		}
		if c.signed {
			form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
			form.Set("client_assertion", c.by.assertion(key))
		}
		status, header, got := c.by.post(oidc.PathRevoke, form, func(r *http.Request) {
			r.Header.Set("X-Client", string(c.by.ID))
			c.change(r)
		})
		says, _ := got["error_description"].(string)
		if status != http.StatusUnauthorized || got["error"] != "invalid_client" || !strings.Contains(says, c.want) || header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: got %d %v, want 401 invalid_client and %q", name, status, got, c.want)
		}
	}
}

// okta-auth-js revokes so, without the colon.
func TestPublicClient_SendsItsIDInAHeaderWithoutASecret(t *testing.T) {
	p, provider := appPlace(t, nil)
	a := p.app(t, provider, func(r *client.Registration) { r.AuthMethod = client.AuthNone })
	_, _, b := signedIn(p, "lea@garage.example")
	for _, header := range []string{string(a.ID) + ":", string(a.ID)} {
		tok := a.tokens(b)
		status, _, got := a.post(oidc.PathRevoke, url.Values{"token": {tok.AccessToken}}, func(r *http.Request) {
			r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(header)))
		})
		if status != http.StatusOK || a.alive(tok.AccessToken) {
			t.Errorf("%q: got %d %v, want the token revoked", header, status, got)
		}
	}
}
