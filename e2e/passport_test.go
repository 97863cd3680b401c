package e2e_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPassport_SignsIn runs passport-openidconnect with the recipe of docs/applications.md.
func TestPassport_SignsIn(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	port := freePort(t)
	site := fmt.Sprintf("http://localhost:%d", port)
	app := h.application(t, site, map[string]any{"barillet_pkce_exempt": true, "barillet_consent": false})
	script := recipe(t, "applications.md", "### Node: Passport", "js", "https://login.garage.example", h.URL, "https://intranet.garage.example", site,
		"CLIENT_ID", app.ID, "CLIENT_SECRET", app.Secret)
	file := filepath.Join(t.TempDir(), "recipe.js")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	runProxy(t, port, tool(t, "node", "nodejs"), "passport.js", fmt.Sprint(port), file, rand.Text())
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open(site + "/")
	p.follow(m.Phone)
	p.Wait("main p")
	if p.Count("#known") == 0 {
		t.Fatalf("the application says %q", p.Text("main"))
	}
	if known := strings.Fields(p.Text("#known")); len(known) != 3 || known[1] != m.Login || known[2] != m.Login {
		t.Errorf("the application knows %q, want %s", known, m.Login)
	}
}
