package e2e_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// oauth2Proxy stands before an application with the recipe of docs/applications.md, and is itself the client.
func oauth2Proxy(tb testing.TB, h *Env, port int, group, application string) registered {
	tb.Helper()
	site := fmt.Sprintf("http://localhost:%d", port)
	app := h.application(tb, site, map[string]any{"redirect_uris": []string{site + "/oauth2/callback"}, "barillet_consent": false})
	config := recipe(tb, "applications.md", "### oauth2-proxy", "toml", "https://login.garage.example", h.URL, "login.garage.example", host(h.URL),
		"https://intranet.garage.example", site, "CLIENT_ID", app.ID, "CLIENT_SECRET", app.Secret, "GROUP_ID", group,
		"32 RANDOM CHARACTERS", rand.Text()+"-12345", "127.0.0.1:4180", fmt.Sprintf("127.0.0.1:%d", port),
		"http://127.0.0.1:3000", application, `cookie_refresh = "1m"`, `cookie_refresh = "1s"`)
	file := filepath.Join(tb.TempDir(), "oauth2-proxy.toml")
	if err := os.WriteFile(file, []byte(config+"pass_access_token = true\n"), 0o600); err != nil {
		tb.Fatalf("writing the configuration of oauth2-proxy: %v", err)
	}
	runProxy(tb, port, clientProgram(tb, "oauth2-proxy", "github.com/oauth2-proxy/oauth2-proxy/v7"), "--config", file)
	return app
}

// group makes a group with a user in it, and returns its id.
func (h *Env) group(tb testing.TB, login string) string {
	tb.Helper()
	var group, user struct{ ID string }
	h.Admin.Call("POST", "/groups", map[string]any{"profile": map[string]any{"name": "Atelier"}}).Want(200).Into(&group)
	h.Admin.Call("GET", "/users/"+login, nil).Want(200).Into(&user)
	h.Admin.Call("PUT", "/groups/"+group.ID+"/users/"+user.ID, nil).Want(204)
	return group.ID
}

// TestOAuth2Proxy_SignsInRefreshesAndSignsOut uses the application behind oauth2-proxy, past several refreshes of its
// session, and signs out of both with the link of the recipe.
func TestOAuth2Proxy_SignsInRefreshesAndSignsOut(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "lea@garage.example")
	group := h.group(t, m.Login)
	port := freePort(t)
	site := fmt.Sprintf("http://localhost:%d", port)
	app := oauth2Proxy(t, h, port, group, mirror(t, "X-Forwarded-Preferred-Username", "X-Forwarded-Email", "X-Forwarded-Groups", "X-Forwarded-Access-Token").URL)
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open(site + "/page?a=1")
	p.follow(m.Phone)
	arrives(p, site+"/page?a=1")
	for id, want := range map[string]string{"x-forwarded-preferred-username": m.Login, "x-forwarded-email": m.Login, "x-forwarded-groups": group} {
		if got := p.Text("#" + id); got != want {
			t.Errorf("%s: got %q, want %q", id, got, want)
		}
	}
	seen := map[string]bool{}
	for end := time.Now().Add(patience); len(seen) < 3; p.Open(site + "/page?a=1") {
		arrives(p, site+"/page?a=1")
		seen[h.Secret("access token", p.Text("#x-forwarded-access-token"))] = true
		if time.Now().After(end) {
			t.Fatalf("got %d access tokens, want 3: oauth2-proxy does not refresh", len(seen))
		}
	}

	p.Open(site + "/oauth2/sign_out?rd=" + url.QueryEscape(h.URL+"/oauth2/v1/logout?client_id="+app.ID))
	p.says("Planning vous a envoyé ici pour vous déconnecter.")
	p.Submit(mainButton)
	p.outside()
	p.Open(site + "/page")
	p.at("/login")
}

// behindOAuth2Proxy returns a browser whose user is signed in to an application behind oauth2-proxy.
func behindOAuth2Proxy(t *testing.T) (p *Person, site string) {
	t.Helper()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "lea@garage.example")
	port := freePort(t)
	site = fmt.Sprintf("http://localhost:%d", port)
	oauth2Proxy(t, h, port, h.group(t, m.Login), mirror(t).URL)
	p = h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open(site + "/page")
	p.follow(m.Phone)
	arrives(p, site+"/page")
	return p, site
}

// TestOAuth2Proxy_EndsSessionAfterSignOutAtService signs out at the service alone.
func TestOAuth2Proxy_EndsSessionAfterSignOutAtService(t *testing.T) {
	t.Parallel()
	p, site := behindOAuth2Proxy(t)
	p.Open("/account")
	p.signOut()
	p.closes(site + "/page")
}

// TestOAuth2Proxy_KeepsSessionThroughParallelRequests sends requests as a page with pictures does: all find that the
// session must be refreshed, and each refreshes it with the same refresh token.
func TestOAuth2Proxy_KeepsSessionThroughParallelRequests(t *testing.T) {
	t.Parallel()
	p, site := behindOAuth2Proxy(t)
	cookie := p.cookie("_oauth2_proxy")
	for end, refreshed := time.Now().Add(patience), 0; refreshed < 2; {
		var wait sync.WaitGroup
		answers := make([]*http.Response, 6)
		for i := range answers {
			wait.Go(func() { answers[i] = p.fetch(site+"/picture", cookie) })
		}
		wait.Wait()
		refreshed = 0
		for _, answer := range answers {
			if answer == nil || answer.StatusCode != http.StatusOK || answer.Header.Get("X-Method") != "GET" {
				t.Fatalf("the application does not answer one of the parallel requests: %+v", answer)
			}
			if len(answer.Cookies()) > 0 {
				refreshed++
			}
		}
		if time.Now().After(end) {
			t.Fatal("oauth2-proxy does not refresh")
		}
	}
}

// fetch sends one request with a cookie, and returns nil if there is no answer.
func (p *Person) fetch(address string, cookie *http.Cookie) *http.Response {
	r, err := http.NewRequestWithContext(p.tb.Context(), http.MethodGet, address, nil)
	if err != nil {
		return nil
	}
	r.AddCookie(cookie)
	w, err := loopbackClient.Do(r)
	if err != nil {
		return nil
	}
	w.Body.Close()
	return w
}
