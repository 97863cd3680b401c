package e2e_test

import (
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Visitor is a browser without a screen: cookies and forms over HTTP, for tests that need many at once. It
// behaves as a browser with JavaScript off does.
type Visitor struct {
	Address string // client address, sent in the header of a trusted proxy; "": the address of the connection

	tb      testing.TB
	base    string
	client  *http.Client
	mu      sync.Mutex
	subject string // of the last page
}

// Visitor starts one without cookies. Its connections are its own.
func (h *Env) Visitor(tb testing.TB) *Visitor {
	tb.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatalf("making a cookie jar: %v", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if h.trusts != nil {
		transport.TLSClientConfig = &tls.Config{RootCAs: h.trusts}
	}
	tb.Cleanup(transport.CloseIdleConnections)
	return &Visitor{tb: tb, base: h.URL, client: &http.Client{Jar: jar, Transport: transport, Timeout: patience}}
}

// Sheet is the page that a request ended on.
type Sheet struct {
	Status int
	Path   string // with the query
	Header http.Header
	Body   string
}

// Try sends one request, a POST when there are fields, and follows redirects. Fields are names and values in
// turn; a POST without fields has one pair of empty strings.
func (v *Visitor) Try(path string, fields ...string) (Sheet, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if len(fields) > 0 {
		form := url.Values{}
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] != "" {
				form.Set(fields[i], fields[i+1])
			}
		}
		v.mu.Lock()
		form.Set("subject", v.subject)
		v.mu.Unlock()
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	if strings.HasPrefix(path, "/") {
		path = v.base + path
	}
	request, err := http.NewRequest(method, path, body)
	if err != nil {
		return Sheet{}, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		request.Header.Set("Origin", v.base)
	}
	if v.Address != "" {
		request.Header.Set("X-Forwarded-For", v.Address)
	}
	request.Header.Set("Accept-Language", "fr")
	return v.follow(request)
}

func (v *Visitor) follow(request *http.Request) (Sheet, error) {
	response, err := v.client.Do(request)
	if err != nil {
		return Sheet{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return Sheet{}, err
	}
	if found := subjects.FindSubmatch(text); found != nil {
		v.mu.Lock()
		v.subject = string(found[1])
		v.mu.Unlock()
	}
	return Sheet{Status: response.StatusCode, Path: response.Request.URL.RequestURI(), Header: response.Header, Body: string(text)}, nil
}

// subjects finds the user for whom a page acts.
var subjects = regexp.MustCompile(`<body(?: data-subject="([^"]*)")? data-path`)

// Get opens a page.
func (v *Visitor) Get(path string) Sheet {
	v.tb.Helper()
	return v.must(v.Try(path))
}

// Post sends a form.
func (v *Visitor) Post(path string, fields ...string) Sheet {
	v.tb.Helper()
	if len(fields) == 0 {
		fields = []string{"", ""}
	}
	return v.must(v.Try(path, fields...))
}

func (v *Visitor) must(s Sheet, err error) Sheet {
	v.tb.Helper()
	if err != nil {
		v.tb.Fatalf("visiting: %v", err)
	}
	return s
}

// Is reports whether the page has this path, with any query.
func (s Sheet) Is(path string) bool {
	at, _, _ := strings.Cut(s.Path, "?")
	return at == path
}

// Says reports whether the page contains this text.
func (s Sheet) Says(text string) bool {
	return strings.Contains(plain(html.UnescapeString(s.Body)), plain(text))
}

// want fails the test unless the page is this one.
func (s Sheet) want(tb testing.TB, path string) Sheet {
	tb.Helper()
	if !s.Is(path) {
		tb.Fatalf("got the page %s with status %d, want %s; it says:\n%s", s.Path, s.Status, path, s.words())
	}
	return s
}

var tags = regexp.MustCompile(`(?s)<(?:head|script|style|svg).*?</(?:head|script|style|svg)>|<[^>]*>`)

// words is what a person reads of the page, roughly.
func (s Sheet) words() string { return plain(html.UnescapeString(tags.ReplaceAllString(s.Body, " "))) }

// find gives what the first group of a pattern matches in the page.
func (s Sheet) find(tb testing.TB, pattern string) string {
	tb.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(s.Body)
	if found == nil {
		tb.Fatalf("the page %s has nothing like %s:\n%s", s.Path, pattern, s.words())
	}
	return html.UnescapeString(found[1])
}

// Member is a signed-in visitor with a phone, a password and recovery codes.
type Member struct {
	*Visitor
	Login, Password string
	Phone           *Phone
	Codes           []string
}

// Member invites a user and enrols a phone.
func (h *Env) Member(tb testing.TB, login string) *Member {
	tb.Helper()
	m := &Member{Visitor: h.Visitor(tb), Login: login, Password: h.Secret("password of "+login, "sept marteaux et une enclume")}
	m.join(h, h.invitation(login, ""))
	return m
}

// join accepts an invitation and enrols a phone.
func (m *Member) join(h *Env, link string) {
	m.tb.Helper()
	m.Post(link, "password", m.Password).want(m.tb, "/enrol")
	m.enrol(h)
}

// codesList finds the list of recovery codes that a page shows.
const codesList = `name="list" value="([^"]+)"`

// enrol enrols a phone in a login that may.
func (m *Member) enrol(h *Env) {
	m.tb.Helper()
	page := m.Post("/enrol/begin", "kind", "totp", "app", "other").want(m.tb, "/enrol/phone")
	m.Phone = &Phone{env: h, Secret: h.Secret("otpauth secret", page.find(m.tb, `data-copy="([A-Z2-7]+)"`))}
	m.Post("/enrol/phone", "name", "Téléphone", "code", m.Phone.Next()).want(m.tb, "/enrol/second")
	page = m.Post("/enrol/later").want(m.tb, "/enrol/recovery")
	m.Codes = nil
	for _, found := range regexp.MustCompile(`<code>([^<]+)</code>`).FindAllStringSubmatch(page.Body, -1) {
		m.Codes = append(m.Codes, h.Secret("recovery code", found[1]))
	}
	m.Post("/enrol/recovery", "kept", "yes", "list", page.find(m.tb, codesList)).want(m.tb, "/account")
}

// give proves the password in a visitor.
func (m *Member) give(v *Visitor) Sheet {
	v.tb.Helper()
	return v.Post("/login", "identifier", m.Login, "password", m.Password)
}

// signIn signs in as a visitor with the phone's next code.
func (m *Member) signIn(v *Visitor) {
	v.tb.Helper()
	m.give(v).want(v.tb, "/login/factor")
	v.Post("/login/factor", "code", m.Phone.Next()).want(v.tb, "/account")
}

// signedIn reports whether the visitor has a session.
func (v *Visitor) signedIn() bool {
	v.tb.Helper()
	return v.Get("/account").Is("/account")
}

// person is the name of the n-th of many people.
func person(n int) string { return fmt.Sprintf("technicien%03d@garage.example", n) }
