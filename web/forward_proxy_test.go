package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestForwardAuth_AcceptsOnlyTrustedProxies(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	cookies := entered(t, p, b, wiki, "/")
	for name, k := range map[string]struct {
		knock
		want int
	}{
		"another address":        {knock{remote: "192.0.2.7:5000"}, 403},
		"no method":              {knock{header: map[string]string{"X-Forwarded-Method": ""}}, 400},
		"no path":                {knock{header: map[string]string{"X-Forwarded-Uri": ""}}, 400},
		"an address as the path": {knock{uri: "https://wiki.garage.example/"}, 400},
		"plain http":             {knock{header: map[string]string{"X-Forwarded-Proto": "http"}}, 403},
		"a WebSocket":            {knock{header: map[string]string{"X-Forwarded-Proto": "wss"}}, 200},
		"the port said":          {knock{host: wiki + ":443"}, 200},
		"another port":           {knock{host: wiki + ":8443"}, 403},
		"upper case":             {knock{host: strings.ToUpper(wiki)}, 200},
		"a session's cookie":     {knock{cookies: map[string]string{"__Host-barillet-forward": b.cookie("__Host-barillet")}}, 401},
		"no cookie":              {knock{cookies: map[string]string{"a": "b"}}, 401},
		"a health check":         {knock{cookies: map[string]string{"a": "b"}, header: map[string]string{"User-Agent": "GoogleHC/1.0"}}, 401},
	} {
		k.path = "/forward-auth?answer=status"
		if k.host == "" {
			k.host = wiki
		}
		if k.uri == "" {
			k.uri = "/"
		}
		if k.cookies == nil {
			k.cookies = cookies
		}
		res := p.knock(t, k.knock)
		if res.StatusCode != k.want {
			t.Errorf("%s: got %d, want %d", name, res.StatusCode, k.want)
		}
		if res.StatusCode != http.StatusOK && (res.Header.Get("Remote-User") != "" || res.Header.Get("Strict-Transport-Security") != "") {
			t.Errorf("%s: a refusal bears %v", name, res.Header)
		}
	}
	for _, path := range []string{"/login", "/forward-auth/sign-in", "/forward-auth/other", "/forward-authentic", "/api/v1/users"} {
		if res := p.knock(t, knock{path: path, host: wiki, uri: "/"}); res.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("%s by another Host: got %d, want 421", path, res.StatusCode)
		}
	}
}

func TestForwardAuth_RejectsRepeatedHeader(t *testing.T) {
	p := guarded(t, wiki)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:8080/forward-auth", nil)
	r.RemoteAddr = "127.0.0.1:5000"
	for name, value := range map[string]string{"X-Forwarded-Method": "GET", "X-Forwarded-Proto": "https", "X-Forwarded-Host": wiki, "X-Forwarded-Uri": "/"} {
		r.Header.Set(name, value)
	}
	r.Header.Add("X-Forwarded-Host", "shop.garage.example")
	w := httptest.NewRecorder()
	if p.handler.ServeHTTP(w, r); w.Code != http.StatusBadRequest {
		t.Errorf("got %d, want 400", w.Code)
	}
}

func TestForwardAuth_NginxUsesStartAndReturn(t *testing.T) {
	p := guarded(t, wiki)
	_, phone, _ := p.Member(amelie, nil)
	b := p.browser(t)
	b.signIn(amelie, phone)
	res := p.knock(t, knock{path: "/forward-auth/start", host: wiki, uri: "/deep?x=1"})
	cookies := map[string]string{}
	for _, c := range res.Cookies() {
		cookies[c.Name] = c.Value
	}
	back := b.shows(location(t, res).RequestURI()).goesOn()
	u, err := url.Parse(back)
	if err != nil {
		t.Fatal(err)
	}
	res = p.knock(t, knock{path: "/forward-auth/return", host: wiki, uri: u.RequestURI(), cookies: cookies})
	if res.StatusCode != http.StatusFound || location(t, res).String() != "https://"+wiki+"/deep?x=1" || len(res.Cookies()) != 2 {
		t.Errorf("got %d, %v", res.StatusCode, res.Header)
	}
	if res := p.knock(t, knock{path: "/forward-auth/start", host: wiki, uri: "/", header: map[string]string{"Sec-Fetch-Mode": "cors"}}); res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a script at the start: got %d, want 401", res.StatusCode)
	}
	if res := p.knock(t, knock{path: "/forward-auth/start", host: "elsewhere.example", uri: "/", header: map[string]string{"Sec-Fetch-Mode": "cors"}}); res.StatusCode != http.StatusForbidden {
		t.Errorf("a host without a rule: got %d, want 403", res.StatusCode)
	}
}
