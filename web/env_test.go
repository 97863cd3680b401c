package web_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/authn"
	"barillet/authn/account"
	"barillet/authn/authntest"
	"barillet/internal/mail"
	"barillet/internal/notice"
	"barillet/internal/secret"
	"barillet/static"
	"barillet/templates"
	view "barillet/templates/console"
	"barillet/web"
	"barillet/web/apidocs"
	"barillet/web/console"
	"barillet/web/site"
)

// place is a running service and its log.
type place struct {
	*authntest.Env
	handler http.Handler
	log     *logged
	demo    *mail.MemoryTransport
	url     string
	server  *httptest.Server
}

// logged is a log that a test can read.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// looks is what all services at one URL share: parsing the pages takes longer than most tests.
type looks struct {
	files    *static.Files
	renderer *templates.Renderer
	docs     func() (*apidocs.Document, error)
	err      error
}

var allLooks sync.Map // of functions that return looks, by URL

func looksOf(url string) looks {
	l, _ := allLooks.LoadOrStore(url, sync.OnceValue(func() (l looks) {
		if l.files, l.err = static.New(""); l.err == nil {
			l.renderer, l.err = templates.New(templates.Brand{URL: url}, l.files.URL, view.Files)
		}
		l.docs = sync.OnceValues(func() (*apidocs.Document, error) { return apidocs.New(url) })
		return l
	}))
	return l.(func() looks)()
}

// config returns a configuration with all parts.
func config(t testing.TB, h *authntest.Env) (web.Config, *logged) {
	t.Helper()
	l := looksOf(h.Accounts.Policy.PublicURL)
	if l.err != nil {
		t.Fatal(l.err)
	}
	log := &logged{}
	rings.Store(h.Accounts, h.Ring)
	return web.Config{Accounts: h.Accounts, Sessions: h.Sessions, Authn: h.Authn, Enrolment: h.Enrolment, HelpDesk: h.Directory.HelpDesk, Directory: h.Directory, Handover: h.Handover, Renderer: l.renderer, Static: l.files, PublicURL: h.Accounts.Policy.PublicURL,
		DefaultLocale: "en", Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(log, nil)),
		Docs:           l.docs,
		Console:        &console.Config{Approvals: h.Approvals, Outbox: h.Outbox, Ring: h.Ring},
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		API:            http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })}, log
}

// open starts a service at https://login.example, or at the URL that change sets.
func open(t testing.TB, change func(*web.Config)) *place {
	t.Helper()
	h := authntest.New(t)
	c, log := config(t, h)
	if change != nil {
		change(&c)
	}
	handler, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &place{Env: h, handler: handler, log: log, demo: c.Demo, url: c.PublicURL}
	p.server = httptest.NewUnstartedServer(handler)
	if strings.HasPrefix(c.PublicURL, "https:") {
		p.server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t)}}
		p.server.StartTLS()
	} else {
		p.server.Start()
	}
	t.Cleanup(p.server.Close)
	return p
}

var newCertificate = sync.OnceValues(func() (c tls.Certificate, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})

// certificate returns the one certificate of these servers. Its ECDSA key signs much faster than the RSA key of
// httptest; a handshake is in nearly every test.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	c, err := newCertificate()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// browser is the browser of a user. It keeps cookies and does not follow redirects.
type browser struct {
	t      testing.TB
	place  *place
	client *http.Client
	header http.Header // of every request
}

func (p *place) browser(t testing.TB) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	address := p.server.Listener.Addr().String()
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	transport := &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t: t, place: p, header: http.Header{}, client: &http.Client{Jar: jar, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer with its body.
type page struct {
	*http.Response
	body string
}

// next returns the target of a redirect.
func (p page) next() string { return p.Header.Get("Location") }

func (b *browser) do(method, path, media, body string) page {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.place.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if media != "" {
		r.Header.Set("Content-Type", media)
	}
	if method == http.MethodPost {
		r.Header.Set("Origin", b.place.url)
	}
	if method == http.MethodPost && media == "application/json" {
		r.Header.Set("Barillet-Subject", b.subject(path))
	}
	for k, v := range b.header {
		r.Header[k] = v
	}
	res, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	read, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return page{res, string(read)}
}

func (b *browser) get(path string) page {
	b.t.Helper()
	return b.do(http.MethodGet, path, "", "")
}

// subject returns what a page with a form for this path contains: the token of the user for whom it acts.
func (b *browser) subject(path string) string {
	b.t.Helper()
	prefix := ""
	if strings.HasPrefix(b.place.url, "https:") {
		prefix = "__Host-"
	}
	if login := b.cookie(prefix + "barillet-login"); login != "" && (strings.HasPrefix(path, "/login/") || strings.HasPrefix(path, "/enrol/")) {
		st, err := b.place.Authn.Transaction(b.t.Context(), secret.From(login))
		if err == nil && (st.Step == authn.StepEnrol || strings.HasPrefix(path, "/login/")) {
			return b.place.subjectOf(st.User)
		}
	}
	info, err := b.place.Sessions.Authenticate(b.t.Context(), secret.From(b.cookie(prefix+"barillet")))
	if err != nil {
		return ""
	}
	return b.place.subjectOf(info.User)
}

// subjectOf returns the token of a user in the pages.
func (p *place) subjectOf(id account.UserID) string {
	s := site.New(site.Config{Accounts: p.Accounts, Sessions: p.Sessions})
	return s.SubjectToken(id)
}

// post sends a form as the page does that is shown now; fields alternates names and values.
func (b *browser) post(path string, fields ...string) page {
	b.t.Helper()
	v := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		v.Add(fields[i], fields[i+1])
	}
	if subject := b.subject(path); subject != "" && !v.Has("subject") && b.header.Get("Origin") == "" {
		v.Set("subject", subject) // unless another site posts
	}
	return b.do(http.MethodPost, path, "application/x-www-form-urlencoded", v.Encode())
}

// goes posts a form and fails unless the answer redirects to a path.
func (b *browser) goes(to, path string, fields ...string) page {
	b.t.Helper()
	p := b.post(path, fields...)
	if p.StatusCode != http.StatusSeeOther || p.next() != to {
		b.t.Fatalf("POST %s: got %d to %q, want 303 to %q\n%s", path, p.StatusCode, p.next(), to, problemIn(p.body))
	}
	return p
}

// shows returns a page and fails unless the status is 200.
func (b *browser) shows(path string) page {
	b.t.Helper()
	p := b.get(path)
	if p.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: got %d to %q, want 200", path, p.StatusCode, p.next())
	}
	return p
}

// problemIn returns the problem that a page shows.
func problemIn(body string) string {
	_, rest, ok := strings.Cut(body, `<p class="what">`)
	if !ok {
		return ""
	}
	s, _, _ := strings.Cut(rest, "</p>")
	return s
}

// secretIn returns the secret that a page shows.
func secretIn(t testing.TB, body string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, `data-copy="`)
	if !ok {
		t.Fatalf("no key on the page:\n%s", body)
	}
	s, _, _ := strings.Cut(rest, `"`)
	return s
}

// cookie returns the value of a cookie; "" if there is none.
func (b *browser) cookie(name string) string {
	u, err := url.Parse(b.place.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// signIn completes both steps of a sign-in.
func (b *browser) signIn(login string, phone *authntest.Phone) {
	b.t.Helper()
	b.goes("/login/factor", "/login", "identifier", login, "password", authntest.Password)
	b.goes("/account", "/login/factor", "code", string(phone.Next()))
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// mailed returns the newest email of a kind to an address.
func mailed[M notice.Notice](t testing.TB, p *place, to string) M {
	t.Helper()
	var last M
	found := false
	for _, m := range p.Mails() {
		if what, ok := m.What.(M); ok && m.To == to {
			last, found = what, true
		}
	}
	if !found {
		t.Fatalf("no %T for %s", last, to)
	}
	return last
}

// reset removes the devices of a user and mails a ticket.
func (p *place) reset(id account.UserID) {
	p.T.Helper()
	_, err := account.Update(p.T.Context(), p.Accounts, p.Accounts.NewOperation(account.RequestInfo{}), func(tx *account.Tx) (struct{}, error) {
		u, err := tx.User(id)
		if err != nil {
			return struct{}{}, err
		}
		if _, err := tx.ResetDevices(&u); err != nil {
			return struct{}{}, err
		}
		if _, err := p.Authn.MailTicket(tx, &u); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, tx.Save(&u)
	})
	if err != nil {
		p.T.Fatal(err)
	}
}

// setCookie sets a cookie, as another tab of the browser could have.
func (b *browser) setCookie(name, value string) {
	b.t.Helper()
	u, err := url.Parse(b.place.url)
	if err != nil {
		b.t.Fatal(err)
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: u.Scheme == "https"}})
}
