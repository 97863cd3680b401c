package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// spaPage shows what an application that runs in the browser knows of its user.
const spaPage = `<!doctype html><html lang="en"><title>Planning</title><link rel="icon" href="data:,">
<script type="importmap">{"imports": {"oidc-client-ts": "/oidc-client-ts.js", "jwt-decode": "/jwt-decode.js"}}</script>
<main><button id="refresh">Refresh</button><button id="out">Sign out</button></main>
<script type="module">
import { users, user } from "/user.js";
const show = (id, text) => {
  document.getElementById(id)?.remove();
  document.querySelector("main").append(Object.assign(document.createElement("p"), { id, textContent: text }));
};
const known = (u) => show("known", [u.profile.sub, u.profile.email, u.access_token, u.refresh_token].join(" "));
if (location.pathname === "/bye") {
  await users.signoutCallback();
  show("bye", String(await users.getUser()));
} else {
  document.getElementById("out").onclick = () => users.signoutRedirect();
  document.getElementById("refresh").onclick = async () => {
    await users.signinSilent().then(known, (error) => show("error", error.message));
    show("refreshed", "yes");
  };
  try {
    const u = await user();
    if (u) known(u);
  } catch (error) {
    show("error", error.message);
  }
}
</script>`

// spa serves an application made of oidc-client-ts with the recipe of docs/applications.md.
func spa(tb testing.TB, h *Env) (site string) {
	tb.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	app := h.application(tb, server.URL, map[string]any{"token_endpoint_auth_method": "none"})
	script := recipe(tb, "applications.md", "oidc-client-ts\n", "js", "https://login.garage.example", h.URL, "https://planning.garage.example", server.URL, "CLIENT_ID", app.ID)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, spaPage)
	})
	mux.HandleFunc("GET /user.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, script)
	})
	for path, file := range map[string]string{"/oidc-client-ts.js": "oidc-client-ts/dist/esm/oidc-client-ts.js", "/jwt-decode.js": "jwt-decode/build/esm/index.js"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "node_modules/"+file) })
	}
	return server.URL
}

// TestSPA_SignsInRefreshesAndSignsOut runs oidc-client-ts in a browser.
func TestSPA_SignsInRefreshesAndSignsOut(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	site := spa(t, h)
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	knows := func() (sub, access, refresh string) {
		t.Helper()
		p.Wait("#known")
		known := strings.Fields(p.Text("#known"))
		if len(known) != 4 || known[1] != m.Login {
			t.Fatalf("the application knows %q", known)
		}
		return known[0], h.Secret("access token", known[2]), h.Secret("refresh token", known[3])
	}
	p.Open(site + "/")
	p.Wait("#f-identifier")
	p.follow(m.Phone)
	p.at("/oauth2/v1/continue")
	p.Submit(`button[name="decision"][value="yes"]`)
	sub, access, refresh := knows()
	p.Click("#refresh")
	p.Wait("#refreshed")
	if again, access2, refresh2 := knows(); again != sub || access2 == access || refresh2 == refresh {
		t.Errorf("refreshed: got the same tokens, or another user")
	}
	p.Click("#out")
	p.Wait("#bye")
	if got := p.Text("#bye"); got != "null" || !strings.HasPrefix(p.Location(), site+"/bye") {
		t.Errorf("signed out: the application knows %s at %s", got, p.Location())
	}
	p.outside()
}
