package e2e_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// certificateFiles are the files of a certificate for localhost.
type certificateFiles struct {
	folder string
	pool   *x509.CertPool // trusts every certificate that was written
}

func newCertificateFiles(tb testing.TB, until time.Time) *certificateFiles {
	c := &certificateFiles{tb.TempDir(), x509.NewCertPool()}
	c.replace(tb, until)
	return c
}

func (c *certificateFiles) chain() string { return filepath.Join(c.folder, "chain.pem") }
func (c *certificateFiles) key() string   { return filepath.Join(c.folder, "key.pem") }

// make makes a pair that clients of the pool trust.
func (c *certificateFiles) make(tb testing.TB, until time.Time) (made tls.Certificate, chain, key []byte) {
	tb.Helper()
	made, chain = selfSignedUntil(tb, "localhost", until)
	der, err := x509.MarshalPKCS8PrivateKey(made.PrivateKey)
	if err != nil || !c.pool.AppendCertsFromPEM(chain) {
		tb.Fatalf("encoding the certificate: %v", err)
	}
	return made, chain, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// replace writes another pair, one file after the other.
func (c *certificateFiles) replace(tb testing.TB, until time.Time) tls.Certificate {
	tb.Helper()
	made, chain, key := c.make(tb, until)
	for name, content := range map[string][]byte{c.chain(): chain, c.key(): key} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return made
}

// overTLS starts a program that ends TLS itself.
func overTLS(t *testing.T, until time.Time, more string) (*Env, *certificateFiles) {
	t.Helper()
	files := newCertificateFiles(t, until)
	address := fmt.Sprintf("localhost:%d", freePort(t))
	h := Open(t, EnvOptions{Config: fmt.Sprintf("listen = %q\npublic_url = \"https://%s\"\ntls.certificate_file = %q\ntls.key_file = %q\n%s\n",
		address, address, files.chain(), files.key(), more), Args: []string{"--listen", address}})
	h.trusts = files.pool
	h.Admin.client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: files.pool}}
	return h, files
}

// presented returns the certificate that the program presents, and the protocol that it chooses.
func presented(t *testing.T, address, name string, roots *x509.CertPool) (*x509.Certificate, string) {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, ServerName: name, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], conn.ConnectionState().NegotiatedProtocol
}

func (p *Program) hangUp(t *testing.T) {
	t.Helper()
	if err := p.command.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

func TestTLS_ServesUsersOverHTTP2(t *testing.T) {
	t.Parallel()
	h, files := overTLS(t, time.Now().AddDate(1, 0, 0), "")
	m := h.Member(t, "amelie@garage.example")
	page := h.Visitor(t).Get("/login")
	if page.Status != 200 || page.Header.Get("Strict-Transport-Security") != "max-age=63072000" {
		t.Errorf("got %d with HSTS %q, want 200 with two years", page.Status, page.Header.Get("Strict-Transport-Security"))
	}
	m.signIn(h.Visitor(t))
	roots := filepath.Join(t.TempDir(), "roots.pem")
	chain, err := os.ReadFile(files.chain())
	if err == nil {
		err = os.WriteFile(roots, chain, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "curl", "--silent", "--show-error", "--http2", "--cacert", roots, "--output", os.DevNull, "--write-out", "%{http_version} %{http_code}", h.URL+"/login").CombinedOutput()
	if err != nil || string(out) != "2 200" {
		t.Errorf("curl: got %q, %v, want HTTP/2 and 200", out, err)
	}
	if _, err := tls.Dial("tcp", strings.TrimPrefix(h.URL, "https://"), &tls.Config{RootCAs: files.pool, MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
}

func TestTLS_BrowserEnrolsAKeyAndSignsInWithIt(t *testing.T) {
	t.Parallel()
	h, files := overTLS(t, time.Now().AddDate(1, 0, 0), "")
	m := h.Member(t, "amelie@garage.example")
	leaf, _ := presented(t, strings.TrimPrefix(h.URL, "https://"), "localhost", files.pool)
	pin := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	p := h.Person(t, m.Login, m.Password, BrowserOptions{KeyPin: base64.StdEncoding.EncodeToString(pin[:])})
	p.Plug()
	p.signIn(m.Phone)
	p.addKey(m.Phone, "Clé bleue")
	p.signOut()
	p.give()
	p.byKey()
	if got := run(p.Browser, chromedp.Evaluate[string]("performance.getEntriesByType('navigation')[0].nextHopProtocol")); got != "h2" {
		t.Errorf("the browser speaks %q, want h2", got)
	}
}

// Clients connect without a pause while the files are replaced, also by pairs that do not fit.
func TestTLS_ReloadsFilesWithoutAFailedRequest(t *testing.T) {
	t.Parallel()
	h, files := overTLS(t, time.Now().AddDate(1, 0, 0), "")
	address := strings.TrimPrefix(h.URL, "https://")
	pool := files.pool
	var next []tls.Certificate
	type pair struct{ chain, key []byte }
	var pairs []pair
	for range 5 { // before the clients begin: they read the pool
		made, chain, key := files.make(t, time.Now().AddDate(1, 0, 0))
		next, pairs = append(next, made), append(pairs, pair{chain, key})
	}
	ctx, stop := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	var served atomic.Int64
	for range 4 {
		clients.Go(func() {
			for ctx.Err() == nil {
				transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
				res, err := (&http.Client{Transport: transport, Timeout: patience}).Get(h.URL + "/healthz")
				if err != nil {
					t.Errorf("a request failed: %v", err)
					return
				}
				res.Body.Close()
				served.Add(1)
				transport.CloseIdleConnections()
			}
		})
	}
	for i, made := range next {
		mark := h.Mark()
		if err := os.WriteFile(files.chain(), pairs[i].chain, 0o600); err != nil {
			t.Fatal(err)
		}
		h.hangUp(t) // the key is still that of the old certificate
		h.AwaitLog(mark, "getting a new certificate: the present one stays in use")
		mark = h.Mark()
		if err := os.WriteFile(files.key(), pairs[i].key, 0o600); err != nil {
			t.Fatal(err)
		}
		h.hangUp(t)
		h.AwaitLog(mark, "using a new certificate")
		if got, _ := presented(t, address, "localhost", pool); !got.Equal(mustParse(t, made)) {
			t.Errorf("replacement %d is not presented", i)
		}
	}
	stop()
	clients.Wait()
	if served.Load() == 0 {
		t.Error("no request was served")
	}
	// Without a signal, the files are read as well.
	made := files.replace(t, time.Now().AddDate(1, 0, 0))
	for end := time.Now().Add(patience); ; <-time.After(100 * time.Millisecond) {
		if got, _ := presented(t, address, "localhost", pool); got.Equal(mustParse(t, made)) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the files are not read without a signal")
		}
	}
}

func mustParse(t *testing.T, c tls.Certificate) *x509.Certificate {
	t.Helper()
	leaf, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func TestTLS_UnusableFilesStopTheStart(t *testing.T) {
	t.Parallel()
	files := newCertificateFiles(t, time.Now().AddDate(1, 0, 0))
	data := filepath.Join(t.TempDir(), "data")
	start := func(host string) Done {
		return runProgram(t, executable(t), append(os.Environ(), programVariable+"=1", "BARILLET_TLS_CERTIFICATE_FILE="+files.chain(), "BARILLET_TLS_KEY_FILE="+files.key()),
			"serve", "--data", data, "--listen", "localhost:0", "--public-url", "https://"+host)
	}
	if err := os.Chmod(files.key(), 0o644); err != nil {
		t.Fatal(err)
	}
	if done := start("localhost:8443"); done.Code != 1 || !strings.Contains(done.Stderr, "has mode 0644") {
		t.Errorf("a key that all users can read: got %d, %s", done.Code, done.Stderr)
	}
	if err := os.Chmod(files.key(), 0o640); err != nil {
		t.Fatal(err)
	}
	if done := start("login.garage.example"); done.Code != 1 || !strings.Contains(done.Stderr, "login.garage.example") {
		t.Errorf("a certificate for another host: got %d, %s", done.Code, done.Stderr)
	}
	if err := os.WriteFile(files.chain(), []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if done := start("localhost:8443"); done.Code != 1 || !strings.Contains(done.Stderr, "reading certificate") {
		t.Errorf("no certificate: got %d, %s", done.Code, done.Stderr)
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("a data directory was created")
	}
}

func TestTLS_WarnsOnceOfACertificateThatExpires(t *testing.T) {
	t.Parallel()
	h, files := overTLS(t, time.Now().Add(60*24*time.Hour), "")
	if n := h.events("barillet.certificate.problem"); n != 0 {
		t.Errorf("got %d warnings of a good certificate", n)
	}
	h.Clock.Advance(47 * 24 * time.Hour)
	h.Restart()
	h.AwaitLog(0, "the certificate has a problem")
	h.Restart()
	h.Mail.Wait(support, "problème de certificat")
	if n := h.events("barillet.certificate.problem"); n != 1 {
		t.Errorf("got %d events, want one over two starts", n)
	}
	files.replace(t, time.Now().AddDate(1, 0, 0))
	mark := h.Mark()
	h.Restart()
	h.AwaitLog(mark, "the certificate is in order again")
	if n := h.events("barillet.certificate.recovered"); n != 1 {
		t.Errorf("got %d events of the end, want one", n)
	}
	if n := h.messages(support, "certificat"); n != 1 {
		t.Errorf("got %d warnings to support, want one", n)
	}
}

// TestTLS_RedirectsOnlyItsOwnName asks the plain listener, which has no challenge open.
func TestTLS_RedirectsOnlyItsOwnName(t *testing.T) {
	t.Parallel()
	plain := fmt.Sprintf("localhost:%d", freePort(t))
	h, _ := overTLS(t, time.Now().AddDate(1, 0, 0), fmt.Sprintf("tls.listen_http = %q", plain))
	for name, c := range map[string]struct {
		request, status, location string
	}{
		"a page":            {"GET /login?next=%2Faccount HTTP/1.1\r\nHost: localhost", "301", h.URL + "/login?next=%2Faccount"},
		"HEAD":              {"HEAD / HTTP/1.1\r\nHost: LOCALHOST:80", "301", h.URL + "/"},
		"two slashes":       {"GET //evil.example/x HTTP/1.1\r\nHost: localhost", "301", h.URL + "//evil.example/x"},
		"an absolute URL":   {"GET http://localhost/a HTTP/1.1\r\nHost: evil.example", "301", h.URL + "/a"},
		"another URL":       {"GET http://evil.example/a HTTP/1.1\r\nHost: localhost", "421", ""},
		"another host":      {"GET / HTTP/1.1\r\nHost: evil.example", "421", ""},
		"a longer host":     {"GET / HTTP/1.1\r\nHost: localhost.evil.example", "421", ""},
		"no host":           {"GET / HTTP/1.0", "421", ""},
		"POST":              {"POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0", "400", ""},
		"opaque":            {"GET localhost:x HTTP/1.1\r\nHost: localhost", "400", ""},
		"no challenge":      {"GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: localhost", "404", ""},
		"another challenge": {"GET /.well-known/acme-challenge/x HTTP/1.1\r\nHost: evil.example", "421", ""},
	} {
		status, location := ask(t, plain, c.request)
		if status != c.status || location != c.location {
			t.Errorf("%s: got %s %q, want %s %q", name, status, location, c.status, c.location)
		}
	}
}

// ask sends the lines of a request and returns the status and the Location of the response.
func ask(t *testing.T, address, request string) (status, location string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "%s\r\nConnection: close\r\n\r\n", request); err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, 0, 4096)
	for part := make([]byte, 4096); ; {
		n, err := conn.Read(part)
		raw = append(raw, part[:n]...)
		if err != nil {
			break
		}
	}
	head, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	fields := strings.Fields(head)
	if len(fields) < 2 {
		t.Fatalf("%q: got %q", request, raw)
	}
	for line := range strings.SplitSeq(head, "\r\n") {
		if value, is := strings.CutPrefix(line, "Location: "); is {
			location = value
		}
		if strings.HasPrefix(line, "Strict-Transport-Security") {
			t.Errorf("%q: HSTS over http", request)
		}
	}
	return fields[1], location
}
