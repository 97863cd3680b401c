package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"time"

	"barillet/authn/account"
	"barillet/authn/admin"
	"barillet/oidc"
	"barillet/oidc/client"
)

// dayClient is a browser or a program at an address behind the proxy.
type dayClient struct {
	day     *attackDay
	address string
	jar     *cookiejar.Jar
	subject string // of the last page
	header  http.Header
}

func (d *attackDay) client(address string) *dayClient {
	jar, err := cookiejar.New(nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return &dayClient{day: d, address: address, jar: jar, header: http.Header{}}
}

// dayAnswer is an answer, with the path of a redirect.
type dayAnswer struct {
	status   int
	location string
	body     string
}

var daySubject = regexp.MustCompile(`<body(?: data-subject="([^"]*)")? data-path`)

// send sends a request: a form of names and values in turn, a JSON text, or neither.
func (c *dayClient) send(method, path string, fields ...string) dayAnswer {
	d := c.day
	body, media := "", ""
	switch {
	case len(fields) == 1:
		body, media = fields[0], "application/json"
	case method == http.MethodPost:
		form := url.Values{"subject": {c.subject}}
		for i := 0; i+1 < len(fields); i += 2 {
			form.Set(fields[i], fields[i+1])
		}
		if strings.HasPrefix(path, "/oauth2/") {
			form.Del("subject")
		}
		body, media = form.Encode(), "application/x-www-form-urlencoded"
	}
	r := httptest.NewRequestWithContext(d.t.Context(), method, d.app.origin+path, strings.NewReader(body))
	r.RemoteAddr = "127.0.0.1:4000"
	r.Header = c.header.Clone()
	r.Header.Set("X-Forwarded-For", c.address)
	r.Header.Set("Accept-Language", "en")
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if method == http.MethodPost && c.header.Get("Authorization") == "" {
		r.Header.Set("Origin", d.app.origin)
	}
	for _, cookie := range c.jar.Cookies(r.URL) {
		r.AddCookie(cookie)
	}
	w := httptest.NewRecorder()
	d.pages.ServeHTTP(w, r)
	res := w.Result()
	c.jar.SetCookies(r.URL, res.Cookies())
	a := dayAnswer{res.StatusCode, res.Header.Get("Location"), w.Body.String()}
	if found := daySubject.FindStringSubmatch(a.body); found != nil {
		c.subject = found[1]
	}
	return a
}

// act sends a request of an honest user and ends the test unless the answer is the wanted one.
func (c *dayClient) act(doing string, want int, location, method, path string, fields ...string) dayAnswer {
	d := c.day
	d.t.Helper()
	a := c.send(method, path, fields...)
	if a.status != want || !strings.HasPrefix(a.location, location) {
		d.t.Fatalf("%s, %s: %s %s: got %d to %q, want %d to %q\n%.2000s", d.since().Round(time.Second), doing, method, path, a.status, a.location, want, location, a.body)
	}
	d.honest++
	return a
}

// attack sends a request of an attacker, and counts those that are refused for a limit.
func (c *dayClient) attack(method, path string, fields ...string) dayAnswer {
	a := c.send(method, path, fields...)
	c.day.sent++
	switch {
	case a.status == http.StatusTooManyRequests:
		c.day.refused++
	case a.status >= 500:
		c.day.t.Errorf("%v: %s %s: got %d\n%.500s", c.day.since(), method, path, a.status, a.body)
	}
	return a
}

func (d *attackDay) code(u *demoUser) string {
	code, err := totpCode(strings.ReplaceAll(u.Key.Reveal(), " ", ""), now())
	if err != nil {
		d.t.Fatal(err)
	}
	return code
}

// signIn signs a user in with the password and a code.
func (c *dayClient) signIn(u *demoUser, doing string) {
	c.day.t.Helper()
	c.act(doing, http.StatusSeeOther, "/login/factor", "POST", "/login", "identifier", u.login(), "password", u.Password.Reveal())
	c.act(doing, http.StatusOK, "", "GET", "/login/factor")
	c.act(doing, http.StatusSeeOther, "/account", "POST", "/login/factor", "code", c.day.code(u))
	c.act(doing, http.StatusOK, "", "GET", "/account")
}

// signInto signs a user with a session in to the application, and the application gets tokens and refreshes them.
func (c *dayClient) signInto(app client.Information) {
	d := c.day
	d.t.Helper()
	const doing = "the application signs a user in"
	query := url.Values{"client_id": {string(app.ID)}, "response_type": {"code"}, "redirect_uri": {app.Redirects[0]}, "scope": {"openid offline_access"},
		"state": {"s"}, "nonce": {"n"}, "code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	back := c.act(doing, http.StatusSeeOther, app.Redirects[0], "GET", oidc.PathAuthorize+"?"+query.Encode())
	to, err := url.Parse(back.location)
	if err != nil || !to.Query().Has("code") {
		d.t.Fatalf("%s: got %q, %v", doing, back.location, err)
	}
	server := d.client("198.18.0.1")
	tokens := func(fields ...string) (refresh string) {
		got := server.act(doing, http.StatusOK, "", "POST", oidc.PathToken, append(fields, "client_id", string(app.ID), "client_secret", app.Secret)...)
		var answer struct {
			Refresh string `json:"refresh_token"`
		}
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || answer.Refresh == "" {
			d.t.Fatalf("%s: got %s, %v", doing, got.body, err)
		}
		return answer.Refresh
	}
	refresh := tokens("grant_type", "authorization_code", "code", to.Query().Get("code"), "redirect_uri", app.Redirects[0],
		"code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
	tokens("grant_type", "refresh_token", "refresh_token", refresh)
}

// join creates a user with a password and a phone.
func (d *attackDay) join(first string, role account.Role) *demoUser {
	d.t.Helper()
	u := &demoUser{first: first, last: "Day", phone: true, role: role}
	for _, step := range []func(context.Context, *app, admin.Principal, *demoUser) error{d.demo.createUser, d.demo.invite} {
		if err := step(d.t.Context(), d.app, operator, u); err != nil {
			d.t.Fatal(err)
		}
	}
	return u
}

// v4 and v6 return addresses of many networks, and of many networks of one site.
func v4(network, host int) string {
	return fmt.Sprintf("%d.%d.%d.%d", 11+network/65536%200, network/256%256, network%256, 1+host%250)
}
func v6(n int) string { return fmt.Sprintf("2001:db8:7:%x::1", n%65536) }
