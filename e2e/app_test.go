package e2e_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestApplication_ReceivesUserInBrowser(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]BrowserOptions{"with a script": {}, "without": {NoScript: true}} {
		t.Run(name, func(t *testing.T) {
			h := Open(t, EnvOptions{})
			app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				fmt.Fprintf(w, "<!doctype html><title>App</title><link rel=icon href='data:,'><main><p id=back>%s %s</p></main>",
					html.EscapeString(q.Get("state")), html.EscapeString(q.Get("error")))
				if r.URL.Path == "/cb" {
					h.Secret("authorization code", q.Get("code"))
				}
			}))
			t.Cleanup(app.Close)
			token := h.Secret("registering token", h.Run("token", "create", "--name", "apps", "--role", "SUPER_ADMIN").OK(t))
			var client struct {
				ID     string `json:"client_id"`
				Secret string `json:"client_secret"`
			}
			NewAPI(t, h.URL, token).Call("POST", "/oauth2/v1/clients", map[string]any{"client_name": "Planning", "redirect_uris": []string{app.URL + "/cb"},
				"post_logout_redirect_uris": []string{app.URL + "/bye"}}).Want(201).Into(&client)
			h.Secret("client secret", client.Secret)

			p := h.Person(t, "lea@garage.example", "une clef de douze, un tournevis", o)
			p.accept(h.invite(p.Login, "Léa Vasseur"))
			phone := p.phone("okta", "Téléphone")
			p.later()
			p.signOut()

			sum := sha256.Sum256([]byte(strings.Repeat("v", 43)))
			begin := func(state string) string {
				return "/oauth2/v1/authorize?" + url.Values{"client_id": {client.ID}, "redirect_uri": {app.URL + "/cb"}, "response_type": {"code"},
					"scope": {"openid email"}, "state": {state}, "code_challenge_method": {"S256"},
					"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}}.Encode()
			}
			p.Open(begin("first"))
			p.says("Planning")
			p.follow(phone)
			p.at("/oauth2/v1/continue")
			p.says("Planning demande")
			p.Submit(`button[name="decision"][value="yes"]`)
			p.Wait("#back")
			if got := p.Text("#back"); !strings.HasPrefix(got, "first") || !strings.HasPrefix(p.Location(), app.URL+"/cb?") {
				t.Fatalf("got %q at %s, want the application with its state", got, p.Location())
			}
			p.Open(begin("second"))
			p.Wait("#back")
			if got := p.Text("#back"); !strings.HasPrefix(got, "second") {
				t.Errorf("signed in already: got %q at %s", got, p.Location())
			}
			p.Open("/oauth2/v1/logout?" + url.Values{"client_id": {client.ID}, "post_logout_redirect_uri": {app.URL + "/bye"}, "state": {"third"}}.Encode())
			p.says("Planning vous a envoyé ici pour vous déconnecter.")
			p.Submit(mainButton)
			p.Wait("#back")
			if got := p.Text("#back"); !strings.HasPrefix(got, "third") {
				t.Errorf("signed out: got %q at %s", got, p.Location())
			}
			p.outside()
		})
	}
}
