package certificate_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"barillet/cmd/barillet/certificate"
)

const host = "login.garage.example"

// write writes a pair of files for a host.
func write(t *testing.T, dir, name string, until time.Time) (c certificate.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(until.UnixNano()), DNSNames: []string{name}, NotBefore: until.AddDate(0, -3, 0), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	c = certificate.Config{Host: host, File: filepath.Join(dir, "chain.pem"), KeyFile: filepath.Join(dir, "key.pem"), Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for path, block := range map[string]*pem.Block{c.File: {Type: "CERTIFICATE", Bytes: der}, c.KeyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func TestNew_RejectsFilesThatCannotServe(t *testing.T) {
	now := time.Now()
	for name, c := range map[string]struct {
		host string
		mode os.FileMode
		want string
	}{
		"a good pair":                 {host, 0o600, ""},
		"a key for a group":           {host, 0o640, ""},
		"a key for all users":         {host, 0o644, "has mode 0644"},
		"another host":                {"www.garage.example", 0o600, "not " + host},
		"a name that ends with it":    {"x" + host, 0o600, "not " + host},
		"a wildcard of the same zone": {"*.garage.example", 0o600, ""},
	} {
		conf := write(t, t.TempDir(), c.host, now.AddDate(0, 1, 0))
		if err := os.Chmod(conf.KeyFile, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := certificate.New(conf)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestStatus_NamesTheProblem(t *testing.T) {
	for name, c := range map[string]struct {
		left time.Duration
		want string
	}{
		"20 days left": {20 * 24 * time.Hour, ""},
		"13 days left": {13 * 24 * time.Hour, certificate.Expiring},
		"none left":    {-time.Hour, certificate.Expired},
	} {
		s, err := certificate.New(write(t, t.TempDir(), host, time.Now().Add(c.left)))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Status(); got.Problem != c.want || got.NotAfter.IsZero() {
			t.Errorf("%s: got %+v, want %q", name, got, c.want)
		}
	}
}

// A pair that cannot be used leaves the present one in use. After five minutes it is a problem, until the pair is right.
func TestRun_KeepsThePresentPairAndReportsABrokenOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		conf := write(t, dir, host, time.Now().AddDate(0, 2, 0))
		s, err := certificate.New(conf)
		if err != nil {
			t.Fatal(err)
		}
		first := present(t, s)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		defer func() {
			stop()
			if err := <-done; err != nil {
				t.Error(err)
			}
		}()
		write(t, dir, "www.garage.example", time.Now().AddDate(0, 3, 0))
		time.Sleep(time.Minute)
		if got := s.Status(); got.Problem != "" || got.Err == nil {
			t.Errorf("after a minute: got %+v, want an error and no problem", got)
		}
		time.Sleep(5 * time.Minute)
		if got := s.Status(); got.Problem != certificate.Unreadable {
			t.Errorf("after six minutes: got %+v, want a problem", got)
		}
		write(t, dir, host, time.Now().Add(-time.Hour))
		time.Sleep(time.Minute)
		if got := s.Status(); got.Problem != certificate.Unreadable || !strings.Contains(got.Err.Error(), "expired") {
			t.Errorf("an expired pair: got %+v", got)
		}
		if !present(t, s).Equal(first) {
			t.Error("the present pair is not in use")
		}
		write(t, dir, host, time.Now().AddDate(0, 3, 0))
		time.Sleep(time.Minute)
		if got := s.Status(); got.Problem != "" || got.Err != nil || present(t, s).Equal(first) {
			t.Errorf("a good pair: got %+v, want it in use", got)
		}
	})
}

func present(t *testing.T, s *certificate.Source) *x509.Certificate {
	t.Helper()
	c, err := s.TLSConfig().GetCertificate(&tls.ClientHelloInfo{ServerName: host})
	if err != nil {
		t.Fatal(err)
	}
	return c.Leaf
}

func TestRedirect_TargetIsNeverThatOfTheRequest(t *testing.T) {
	s, err := certificate.New(write(t, t.TempDir(), host, time.Now().AddDate(0, 1, 0)))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		method, target, host string
		status               int
		location             string
	}{
		"a page":      {"GET", "/login?a=1", host, 301, "https://login.garage.example:8443/login?a=1"},
		"with a port": {"GET", "/", host + ":80", 301, "https://login.garage.example:8443/"},
		"two slashes": {"HEAD", "//evil.example", host, 301, "https://login.garage.example:8443//evil.example"},
		"other host":  {"GET", "/", "evil.example", 421, ""},
		"suffix":      {"GET", "/", host + ".evil.example", 421, ""},
		"POST":        {"POST", "/", host, 400, ""},
		"opaque":      {"GET", "x:.evil.example", host, 400, ""},
		"challenge":   {"GET", "/.well-known/acme-challenge/x", host, 404, ""},
	} {
		r := httptest.NewRequest(c.method, "/", nil)
		if r.URL, err = r.URL.Parse(c.target); err != nil {
			t.Fatal(err)
		}
		if name == "two slashes" {
			r.URL.Path, r.URL.Host = "//evil.example", ""
		}
		r.Host = c.host
		w := httptest.NewRecorder()
		s.Redirect("https://login.garage.example:8443").ServeHTTP(w, r)
		if w.Code != c.status || w.Header().Get("Location") != c.location || w.Header().Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: got %d %q, want %d %q", name, w.Code, w.Header().Get("Location"), c.status, c.location)
		}
	}
}

// The directory of keys must be private, and a start does not call the CA.
func TestNew_RejectsADirectoryOfKeysThatOthersCanRead(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "acme")
	conf := certificate.Config{Host: host, Now: time.Now, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), ACME: &certificate.ACME{Directory: "https://localhost:1/dir", Cache: dir}}
	s, err := certificate.New(conf)
	if err != nil {
		t.Fatalf("without a directory: %v", err)
	}
	if _, err := s.TLSConfig().GetCertificate(&tls.ClientHelloInfo{ServerName: host}); err == nil {
		t.Error("there is a certificate although no CA issued one")
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/.well-known/acme-challenge/x", nil)
	r.Host = host
	if s.Redirect("https://"+host).ServeHTTP(w, r); w.Code != http.StatusNotFound {
		t.Errorf("a challenge that is not open: got %d, want 404", w.Code)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := certificate.New(conf); err == nil || !strings.Contains(err.Error(), "has mode 0755") {
		t.Errorf("got %v, want the mode refused", err)
	}
}
