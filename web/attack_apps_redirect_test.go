package web_test

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"barillet/oidc/client"
)

// A web application in the making returns to a port of the developer's machine. Another program there listens at
// another port, and leads the browser to itself.
func TestAttack_LocalProgramReceivesTheCodeOfAWebApplication(t *testing.T) {
	p, provider := appPlace(t, nil)
	_, _, b := signedIn(p, "lea@garage.example")
	for kind, taken := range map[string]bool{"web": false, "native": true} {
		a := p.app(t, provider, func(r *client.Registration) {
			r.Name, r.ApplicationType, r.Redirects = kind, kind, []string{"http://127.0.0.1:8080/cb"}
		})
		if res := b.get(a.begin(oauth2.GenerateVerifier())); !strings.HasPrefix(res.next(), "http://127.0.0.1:8080/cb?code=") {
			t.Errorf("%s, the registered port: got %d to %q", kind, res.StatusCode, res.next())
		}
		a.config.RedirectURL = "http://127.0.0.1:9999/cb"
		res := b.get(a.begin(oauth2.GenerateVerifier()))
		if got := strings.HasPrefix(res.next(), a.config.RedirectURL+"?code="); got != taken || !taken && res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s, another port: got %d to %q, want a code %t", kind, res.StatusCode, res.next(), taken)
		}
	}
}
