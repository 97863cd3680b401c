package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"barillet/internal/mail"
	"barillet/web"
	"barillet/web/reply"
)

// ask sends a request straight to the handler, so that a test can say what no browser would.
func (p *place) ask(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "login.example"
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	return w
}

const formMedia = "application/x-www-form-urlencoded"

func TestMiddleware_RejectsRequests(t *testing.T) {
	p := open(t, nil)
	own, form := "https://login.example", []string{"Content-Type", formMedia}
	tests := []struct {
		name, method, path, body string
		header                   []string
		want                     int
	}{
		{"our own host", "GET", "/login", "", nil, 200},
		{"our own host in capitals with its port", "GET", "/login", "", []string{"Host", "LOGIN.example:443"}, 200},
		{"a foreign host", "GET", "/login", "", []string{"Host", "evil.example"}, 421},
		{"a host that begins like that of the service", "GET", "/login", "", []string{"Host", "login.example.evil.example"}, 421},
		{"no host", "GET", "/login", "", []string{"Host", ""}, 421},
		{"a loopback host at a page", "GET", "/login", "", []string{"Host", "127.0.0.1:8080"}, 421},
		{"a loopback host at a probe", "GET", "/healthz", "", []string{"Host", "127.0.0.1:8080"}, 200},
		{"a loopback host of IPv6 at a probe", "GET", "/readyz", "", []string{"Host", "[::1]:8080"}, 200},
		{"a probe by the address of a container", "GET", "/healthz", "", []string{"Host", "172.17.0.2:8080"}, 200},
		{"a probe by the name of a service", "GET", "/readyz", "", []string{"Host", "barillet.garage.svc"}, 200},
		{"a probe without a host", "GET", "/healthz", "", []string{"Host", ""}, 200},
		{"a path below a probe", "GET", "/healthz/x", "", []string{"Host", "172.17.0.2:8080"}, 421},
		{"a forwarded host changes nothing", "GET", "/login", "", []string{"X-Forwarded-Host", "evil.example", "Forwarded", "host=evil.example"}, 200},
		{"no origin at all, as programs send", "POST", "/logout", "", form, 303},
		{"our own origin", "POST", "/logout", "", append(form, "Origin", own), 303},
		{"a foreign origin", "POST", "/logout", "", append(form, "Origin", "https://evil.example"), 403},
		{"origin null", "POST", "/logout", "", append(form, "Origin", "null"), 403},
		{"our origin by http", "POST", "/logout", "", append(form, "Origin", "http://login.example.evil"), 403},
		{"a cross-site fetch", "POST", "/logout", "", append(form, "Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"), 403},
		{"a sibling host's fetch", "POST", "/logout", "", append(form, "Sec-Fetch-Site", "same-site", "Origin", "https://app.example"), 403},
		{"a same-origin fetch", "POST", "/logout", "", append(form, "Sec-Fetch-Site", "same-origin", "Origin", own), 303},
		{"only a foreign referer", "POST", "/logout", "", append(form, "Referer", "https://evil.example/login.example"), 403},
		{"a look-alike referer", "POST", "/logout", "", append(form, "Referer", "https://login.example.evil.example/"), 403},
		{"a referer with us as its user", "POST", "/logout", "", append(form, "Referer", "https://login.example@evil.example/"), 403},
		{"a referer that is none", "POST", "/logout", "", append(form, "Referer", "://"), 403},
		{"our own referer", "POST", "/logout", "", append(form, "Referer", own+"/account"), 303},
		{"a foreign referer on a link to us", "GET", "/login", "", []string{"Referer", "https://evil.example/"}, 200},
		{"signing out by an image", "GET", "/logout", "", nil, 405},
		{"a method that no route has", "DELETE", "/login", "", nil, 405},
		{"nowhere", "GET", "/nowhere", "", nil, 404},
		{"a dirty path", "GET", "//evil.example/..", "", nil, 307},
		{"a body of 64 KiB and more", "POST", "/login", "identifier=" + strings.Repeat("a", 64<<10), form, 413},
		{"a password of a mebibyte", "POST", "/login", "password=" + strings.Repeat("a", 1<<20), form, 413},
		{"a field beyond its limit", "POST", "/login", "identifier=" + strings.Repeat("a", 2<<10), form, 413},
		{"a form as JSON", "POST", "/login", "{}", []string{"Content-Type", "application/json"}, 415},
		{"a form in parts", "POST", "/login", "--x--", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415},
		{"a field twice", "POST", "/login", "identifier=a&identifier=b&password=c", form, 400},
		{"a field that is not UTF-8", "POST", "/login", "identifier=%ff&password=c", form, 400},
		{"a broken escape", "POST", "/login", "identifier=%zz", form, 400},
		{"a key's answer as a form", "POST", "/login/factor/key", "answer=1", form, 415},
		{"a key's answer with a member too many", "POST", "/login/factor/key", `{"answer":{},"user":"x"}`, []string{"Content-Type", "application/json"}, 400},
		{"a body beyond a mebibyte at the API", "POST", "/api/v1/users", strings.Repeat("a", 1<<20+1), nil, 413},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := p.ask(tt.method, tt.path, tt.body, tt.header...)
			if w.Code != tt.want {
				t.Fatalf("got %d, want %d: %.200s", w.Code, tt.want, w.Body)
			}
			if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") == "" {
				t.Error("405 without Allow")
			}
			page := w.Code >= 400 && w.Code != http.StatusMisdirectedRequest && !strings.HasPrefix(tt.path, "/api/") && !strings.HasSuffix(tt.path, "/key")
			if page && !strings.Contains(w.Body.String(), "<!doctype html>") {
				t.Errorf("a refusal that is no page: %.200s", w.Body)
			}
		})
	}
}

func TestMiddleware_SetsHeaders(t *testing.T) {
	p := open(t, func(c *web.Config) { c.HSTS = "max-age=5" })
	for _, path := range []string{"/login", "/help", "/nowhere", "/ticket/none", "/account", "/healthz"} {
		h := p.ask("GET", path, "").Header()
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin", "X-Frame-Options": "DENY",
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%s of %s: got %q, want %q", name, path, got, want)
			}
		}
		if h.Get("Strict-Transport-Security") != "max-age=5" || h.Get("X-Request-Id") == "" {
			t.Errorf("%s lacks Strict-Transport-Security or the request id", path)
		}
	}
	local := open(t, func(c *web.Config) { c.PublicURL, c.HSTS = "http://localhost:8080", "max-age=5" })
	if got := local.ask("GET", "/login", "", "Host", "localhost:8080").Header().Get("Strict-Transport-Security"); got != "" {
		t.Errorf("Strict-Transport-Security over http: got %q, want none", got)
	}
}

func TestDemo_RejectsForwardedRequests(t *testing.T) {
	p := open(t, func(c *web.Config) { c.Demo = &mail.MemoryTransport{} })
	sent := mail.Envelope{MessageID: "a/b@login.example", To: amelie, Subject: "Hello <you>", Date: p.Clock.Now(),
		Text: "Open https://login.example/ticket/abc_-9.\nNot https://login.example.evil/ticket/x\n"}
	if err := p.demo.Send(t.Context(), sent); err != nil {
		t.Fatal(err)
	}
	list := p.ask("GET", "/demo/mail", "").Body.String()
	id := regexp.MustCompile(`/demo/mail/[0-9a-f]+`).FindString(list)
	if !strings.Contains(list, "Hello &lt;you&gt;") || id == "" {
		t.Errorf("the mailbox does not list the mail: %.300s", list)
	}
	got := p.ask("GET", id, "").Body.String()
	if !strings.Contains(got, `href="https://login.example/ticket/abc_-9"`) || strings.Contains(got, `href="https://login.example.evil`) {
		t.Error("the mail's own link cannot be followed, or a foreign one can")
	}
	if got := p.ask("GET", "/demo/mail/none", "").Code; got != http.StatusNotFound {
		t.Errorf("a mail that is not there: got %d, want 404", got)
	}
	for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via"} {
		if got := p.ask("GET", "/login", "", name, "192.0.2.1").Code; got != http.StatusMisdirectedRequest {
			t.Errorf("behind a proxy that says %s: got %d, want 421", name, got)
		}
	}
	if got := open(t, nil).ask("GET", "/demo/mail", "").Code; got != http.StatusNotFound {
		t.Errorf("the mailbox without the demonstration: got %d, want 404", got)
	}
}

func TestMiddleware_OnlyTrustedProxiesSetTheClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	tests := []struct {
		name, peer string
		hops       []string
		want       string
	}{
		{"no proxy", "192.0.2.1:5", nil, "192.0.2.1"},
		{"an untrusted client with a header", "192.0.2.1:5", []string{"203.0.113.9"}, "192.0.2.1"},
		{"one proxy", "10.0.0.1:5", []string{"203.0.113.9"}, "203.0.113.9"},
		{"what the client wrote is left of it", "10.0.0.1:5", []string{"6.6.6.6, 203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.0.0.1:5", []string{"6.6.6.6, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		{"two headers", "10.0.0.1:5", []string{"6.6.6.6", "203.0.113.9"}, "203.0.113.9"},
		{"rubbish from the right", "10.0.0.1:5", []string{"203.0.113.9, unknown"}, "10.0.0.1"},
		{"with a port", "10.0.0.1:5", []string{"203.0.113.9:4711"}, "203.0.113.9"},
		{"IPv6", "[fd00::1]:5", []string{"[2001:db8::9]:4711"}, "2001:db8::9"},
		{"IPv4 within IPv6", "[::ffff:10.0.0.1]:5", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"a proxy that says nothing", "10.0.0.1:5", nil, "10.0.0.1"},
		{"a socket without an address", "@", []string{"203.0.113.9"}, "invalid IP"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = tt.peer
			for _, h := range tt.hops {
				r.Header.Add("X-Forwarded-For", h)
			}
			if got := reply.ClientAddress(r, trusted).String(); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestMiddleware_PanicIsAnswered500(t *testing.T) {
	p := open(t, func(c *web.Config) {
		c.API = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("hush-hush") })
	})
	w := p.ask("GET", "/api/v1/users", "")
	if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), w.Header().Get("X-Request-Id")) {
		t.Errorf("got %d without its id: %s", w.Code, w.Body)
	}
	if log := p.log.String(); strings.Contains(log, "hush-hush") || !strings.Contains(log, w.Header().Get("X-Request-Id")) {
		t.Error("the log holds what was panicked with, or not the id")
	}
	if got := p.ask("GET", "/login", "").Code; got != http.StatusOK {
		t.Errorf("after a panic: got %d, want 200", got)
	}
}

func TestLog_HidesTheTokenOfEachLink(t *testing.T) {
	p := open(t, nil)
	found := 0
	for _, pattern := range allPatterns(t) {
		method, path, _ := strings.Cut(pattern, " ")
		if !strings.HasSuffix(path, "/{token}") {
			continue
		}
		found++
		p.ask(method, strings.Replace(path, "{token}", "cut-from-a-link", 1), "")
	}
	if log := p.log.String(); found < 8 || strings.Contains(log, "cut-from-a-link") {
		t.Errorf("the log holds the token of one of %d links", found)
	}
}

func TestLog_ContainsNoSecret(t *testing.T) {
	p := open(t, nil)
	u := p.CreateUser(amelie, nil)
	token := p.Invite(u.ID).Reveal()
	p.ask("GET", "/invite/"+token, "")
	p.ask("GET", "/invite/"+token+"/x", "")
	p.ask("GET", "/INVITE/"+token, "")
	p.ask("POST", "/invite/"+token, "password=a+quite+secret+word", "Content-Type", formMedia, "Cookie", "__Host-barillet="+token)
	p.ask("GET", "/login?code=123456&token="+token, "")
	p.ask("GET", "/x%0d%0afake=line", "")
	log := p.log.String()
	for _, secret := range []string{token, "quite", "123456"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %q", secret)
		}
	}
	if !strings.Contains(log, "/invite/{token}") {
		t.Error("the log does not say which page it was")
	}
	if strings.Contains(log, "\nfake") {
		t.Error("a path forged a line of the log")
	}
}

// An application in the window that opened the popup keeps the popup through the sign-in. Other pages share their
// window with no site.
func TestMiddleware_OpenerOfPopup(t *testing.T) {
	p := open(t, nil)
	for path, want := range map[string]string{
		"/oauth2/v1/authorize?client_id=x": "", "/login": "", "/login/factor": "", "/enrol": "", "/account/prove": "", "/help/request": "", "/forgot": "",
		"/account": "same-origin", "/account/password": "same-origin", "/ticket/none": "same-origin", "/invite/none": "same-origin",
		"/password/none": "same-origin", "/device": "same-origin", "/loginx": "same-origin", "/nowhere": "same-origin",
	} {
		if got := p.ask("GET", path, "").Header().Get("Cross-Origin-Opener-Policy"); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
