package e2e_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// strange contains unusual and malicious input.
var strange = map[string]string{
	"nothing":       "",
	"a NUL":         "\x00",
	"no UTF-8":      "\xff\xfe\xc0",
	"line breaks":   "x\r\nBcc: victim@garage.example\r\n\r\nhello",
	"a script":      `"><script>alert(1)</script>{{.}}`,
	"very long":     strings.Repeat("é", 20000),
	"zero width":    "am\u200belie@garage.example",
	"a Kelvin sign": "\u212aarim@garage.example",
}

// forms maps the forms for unauthenticated clients to their fields.
var forms = map[string][]string{
	"/login":                  {"identifier", "password", "next"},
	"/login/factor":           {"code"},
	"/login/factor/recovery":  {"code"},
	"/login/ticket":           {"ticket"},
	"/login/ticket/renew":     {},
	"/ticket/x":               {"identifier", "password"},
	"/invite/x":               {"password"},
	"/password/x":             {"password"},
	"/forgot":                 {"identifier"},
	"/help/request":           {"email", "topic", "message"},
	"/language":               {"lang", "at"},
	"/enrol/begin":            {"kind", "app"},
	"/enrol/phone":            {"name", "code"},
	"/enrol/later":            {},
	"/enrol/recovery":         {"kept", "list"},
	"/account/prove":          {"code", "next"},
	"/account/password":       {"current", "password"},
	"/account/recovery":       {},
	"/account/devices/x/show": {"name", "code"},
	"/account/devices/x/copy": {"code", "copy"},
}

func TestForm_AcceptsAnyInput(t *testing.T) {
	h := Open(t, EnvOptions{Config: proxied})
	m := h.Member(t, "amelie@garage.example")
	at := 0
	for path, fields := range forms {
		for what, value := range strange {
			form := []string{"", ""}
			for _, field := range fields {
				form = append(form, field, value)
			}
			at++
			stranger := h.from(t, at)
			atPrompt := h.from(t, at)
			if path == "/login/factor" || path == "/login/factor/recovery" {
				m.give(atPrompt)
			}
			for who, v := range map[string]*Visitor{"a stranger": stranger, "somebody at the second step": atPrompt, "somebody signed in": m.Visitor} {
				page := v.Post(path, form...)
				if page.Status >= 500 {
					t.Errorf("%s, %s sent by %s: got status %d", path, what, who, page.Status)
				}
				if strings.Contains(page.Body, "<script>alert") {
					t.Errorf("%s, %s sent by %s: what was typed became a script", path, what, who)
				}
			}
		}
	}
	if !m.signedIn() {
		t.Error("the session of somebody who did nothing wrong ended")
	}
	for _, mail := range h.Mail.All() {
		if len(mail.To) != 1 || mail.To[0] == "victim@garage.example" || mail.Header.Get("Bcc") != "" {
			t.Errorf("a mail went to %q", mail.To)
		}
	}
}

func TestCode_RejectsOtherFormats(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	code := m.Phone.Next()
	for _, typed := range []string{"+" + code[1:], code[:5], code + "0", "0x" + code[:4], code + "\x00", "-" + code} {
		v := h.Visitor(t)
		m.give(v).want(t, "/login/factor")
		if page := v.Post("/login/factor", "code", typed); page.Is("/account") {
			t.Errorf("got signed in by %q, want a refusal", typed)
		}
	}
}

// The keyboard of another language, or a paste from a message, does not change the six digits that a user sees.
func TestCode_AcceptsTheSixDigitsThatAUserSees(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	written := func(zero rune) (out string) {
		for _, digit := range m.Phone.Next() {
			out += string(digit - '0' + zero)
		}
		return out
	}
	for name, typed := range map[string]func() string{
		"full-width":      func() string { return written('\uff10') },
		"Arabic":          func() string { return written('\u0660') },
		"zero-width":      func() string { return "\u200b" + written('0') + "\ufeff" },
		"no-break spaces": func() string { code := written('0'); return code[:3] + "\u00a0" + code[3:] + "\u202f" },
	} {
		v := h.Visitor(t)
		m.give(v).want(t, "/login/factor")
		if page := v.Post("/login/factor", "code", typed()); !page.Is("/account") {
			t.Errorf("%s: got %s, want the account", name, page.Path)
		}
	}
}

func TestPassword_IsComparedWhole(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	long := strings.Repeat("clé de douze et ", 12) + "fin"
	v := h.Visitor(t)
	other := &Member{Visitor: v, Login: "bob@garage.example", Password: h.Secret("long password", long)}
	other.join(h, h.invitation(other.Login, ""))
	cut := h.Visitor(t)
	if cut.Post("/login", "identifier", other.Login, "password", long[:72]).Is("/login/factor") {
		t.Error("the first 72 bytes of a password are taken for the whole")
	}
	if page := cut.Post("/login", "identifier", m.Login, "password", strings.Repeat("x", 1<<20)); page.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("a password of 1 MiB: got status %d, want 413", page.Status)
	}
}

// ask sends one request as it is and gives the status and where it leads, without following.
func (v *Visitor) ask(method, path string, form url.Values, header map[string]string) (int, string) {
	v.tb.Helper()
	request, err := http.NewRequest(method, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.tb.Fatalf("making a request: %v", err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range header {
		if name == "Host" {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	client := *v.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	response, err := client.Do(request)
	if err != nil {
		v.tb.Fatalf("sending a request: %v", err)
	}
	defer response.Body.Close()
	return response.StatusCode, response.Header.Get("Location")
}

func TestRequest_RejectedFromAnotherSite(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	for _, header := range []map[string]string{
		{"Origin": "https://evil.example"},
		{"Origin": "null"},
		{"Origin": h.URL + ".evil.example"},
		{"Sec-Fetch-Site": "cross-site"},
		{"Sec-Fetch-Site": "same-site"},
		{"Referer": h.URL + ".evil.example/"},
	} {
		for _, path := range []string{"/logout", "/account/sessions/end-others", "/account/recovery"} {
			if got, _ := m.ask("POST", path, nil, header); got != http.StatusForbidden {
				t.Errorf("POST %s with %v: got status %d, want 403", path, header, got)
			}
		}
		form := url.Values{"identifier": {m.Login}, "password": {m.Password}}
		if got, _ := h.Visitor(t).ask("POST", "/login", form, header); got != http.StatusForbidden {
			t.Errorf("a sign-in with %v: got status %d, want 403", header, got)
		}
	}
	if got, _ := m.ask("GET", "/logout", nil, nil); got != http.StatusMethodNotAllowed {
		t.Errorf("GET /logout: got status %d, want 405", got)
	}
	for _, host := range []string{"evil.example", "localhost.evil.example"} {
		if got, _ := m.ask("GET", "/login", nil, map[string]string{"Host": host}); got != http.StatusMisdirectedRequest {
			t.Errorf("Host %s: got status %d, want 421", host, got)
		}
	}
	if !m.signedIn() {
		t.Error("another site ended the session")
	}
}

func TestRedirect_StaysOnSite(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	for _, next := range []string{
		"https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, `/\/evil.example`, "http:evil.example",
		"/%09/evil.example", "/\t/evil.example", "/\n/evil.example", "javascript:alert(1)", "data:text/html,x", "@evil.example", "/..//evil.example", "https:/evil.example", " //evil.example",
	} {
		_, to := m.ask("POST", "/language", url.Values{"lang": {"fr"}, "at": {next}}, map[string]string{"Origin": h.URL})
		stays(t, next, to)
		_, to = m.ask("GET", "/login?next="+url.QueryEscape(next), nil, nil)
		stays(t, next, to)
	}
}

// stays fails the test unless a browser that is sent there stays on our site. Browsers take a backslash for a
// slash, and leave tabs and line breaks out (WHATWG URL, 4.4).
func stays(t *testing.T, next, to string) {
	t.Helper()
	read := strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(to)
	if to != "" && (!strings.HasPrefix(read, "/") || strings.HasPrefix(read, "//")) {
		t.Errorf("next %q leads to %q", next, to)
	}
}

func TestCookie_RejectedIfForged(t *testing.T) {
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	home, _ := url.Parse(h.URL)
	stolen := m.client.Jar.Cookies(home)
	copied := h.Visitor(t)
	copied.client.Jar.SetCookies(home, stolen)
	if !copied.signedIn() {
		t.Fatal("a cookie is not what a session is known by")
	}
	m.Post("/logout").want(t, "/logged-out")
	if copied.signedIn() {
		t.Error("a cookie is good after its session was ended")
	}
	// A planted value is not adopted: after a sign-in the browser holds another one.
	planted := h.Visitor(t)
	for _, cookie := range stolen {
		cookie.Value = strings.Repeat("A", 43)
	}
	planted.client.Jar.SetCookies(home, stolen)
	m.signIn(planted)
	for _, cookie := range planted.client.Jar.Cookies(home) {
		if cookie.Value == strings.Repeat("A", 43) {
			t.Errorf("the planted cookie %s was adopted", cookie.Name)
		}
	}
}
