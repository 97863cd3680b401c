package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// acmeHost is the name for which the CA issues certificates. The DNS server of the CA answers every name with 127.0.0.1.
const acmeHost = "login.garage.example"

// authority is Pebble, a CA that speaks ACME.
type authority struct {
	directory string
	trusts    string // a file of the certificate of its API
	run       func() (stop func())
	roots     func() *x509.CertPool // of the certificates that it issues
}

// newAuthority prepares a CA that connects to these ports for challenges, and issues certificates for a lifetime.
func newAuthority(t *testing.T, tlsPort, httpPort int, lifetime time.Duration) *authority {
	t.Helper()
	folder := t.TempDir()
	files := newCertificateFiles(t, time.Now().AddDate(1, 0, 0))
	api, management := freePort(t), freePort(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": fmt.Sprintf("127.0.0.1:%d", api), "managementListenAddress": fmt.Sprintf("127.0.0.1:%d", management),
		"certificate": files.chain(), "privateKey": files.key(), "httpPort": httpPort, "tlsPort": tlsPort,
		"profiles": map[string]any{"default": map[string]any{"description": "the only one", "validityPeriod": int(lifetime.Seconds())}},
	}})
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "pebble.json"), config, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	dns := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	names := exec.Command(clientProgram(t, "pebble-challtestsrv", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"), "-dnsserver", dns, "-defaultIPv6", "",
		"-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	stopOf(t, names)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: files.pool}}, Timeout: patience}
	a := &authority{directory: fmt.Sprintf("https://localhost:%d/dir", api), trusts: files.chain()}
	a.run = func() func() {
		t.Helper()
		c := exec.Command(clientProgram(t, "pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble"), "-config", filepath.Join(folder, "pebble.json"), "-dnsserver", dns)
		c.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1")
		stop := stopOf(t, c)
		for end := time.Now().Add(patience); ; <-time.After(50 * time.Millisecond) {
			if res, err := client.Get(a.directory); err == nil {
				res.Body.Close()
				return stop
			}
			if time.Now().After(end) {
				t.Fatal("the CA does not answer")
			}
		}
	}
	a.roots = func() *x509.CertPool {
		t.Helper()
		res, err := client.Get(fmt.Sprintf("https://localhost:%d/roots/0", management))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		root, err := io.ReadAll(res.Body)
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(root) {
			t.Fatalf("reading the root: %v", err)
		}
		return pool
	}
	return a
}

// stopOf starts a program, and returns what stops it. It is also stopped at the end of the test.
func stopOf(t *testing.T, c *exec.Cmd) (stop func()) {
	t.Helper()
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// withACME starts a program whose certificate comes from a CA.
func withACME(t *testing.T, a *authority, port int, more string) *Program {
	t.Helper()
	return Serve(t, Options{Args: []string{"--listen", fmt.Sprintf("127.0.0.1:%d", port)}, Env: []string{"SSL_CERT_FILE=" + a.trusts},
		Config: fmt.Sprintf("public_url = \"https://%s\"\ntls.acme = true\ntls.acme_agree_terms = true\ntls.acme_email = \"it@garage.example\"\ntls.acme_directory = %q\n%s\n", acmeHost, a.directory, more)})
}

// overACME is a client that finds acmeHost at a port of this host.
func overACME(port int, roots *x509.CertPool) *http.Client {
	return &http.Client{Timeout: patience, Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, fmt.Sprintf("127.0.0.1:%d", port))
		}}}
}

func TestACME_IssuesByEachChallengeAndRestartsWithoutTheCA(t *testing.T) {
	for _, challenge := range []string{"TLS-ALPN-01", "HTTP-01"} {
		t.Run(challenge, func(t *testing.T) {
			t.Parallel()
			port, plain := freePort(t), freePort(t)
			tlsPort, httpPort := port, freePort(t)
			if challenge == "HTTP-01" {
				tlsPort, httpPort = freePort(t), plain
			}
			a := newAuthority(t, tlsPort, httpPort, 90*24*time.Hour)
			stop := a.run()
			p := withACME(t, a, port, fmt.Sprintf("tls.listen_http = \"127.0.0.1:%d\"", plain))
			p.AwaitLog(0, "using a new certificate")
			roots := a.roots()
			res, err := overACME(port, roots).Get("https://" + acmeHost + "/login")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 200 || res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") == "" {
				t.Errorf("got %s by %s, HSTS %q, want 200 by HTTP/2 with HSTS", res.Status, res.Proto, res.Header.Get("Strict-Transport-Security"))
			}
			if status, location := ask(t, fmt.Sprintf("127.0.0.1:%d", plain), "GET /login HTTP/1.1\r\nHost: "+acmeHost); status != "301" || location != "https://"+acmeHost+"/login" {
				t.Errorf("plain HTTP: got %s %q", status, location)
			}
			first, _ := presented(t, fmt.Sprintf("127.0.0.1:%d", port), acmeHost, roots)
			checkPrivate(t, filepath.Join(p.Data, "acme"))
			stop()
			p.Kill()
			p.Restart()
			if again, _ := presented(t, fmt.Sprintf("127.0.0.1:%d", port), acmeHost, roots); !again.Equal(first) {
				t.Error("the restart presents another certificate")
			}
			stop = a.run() // another CA, which does not know the account
			defer stop()
			p.Run("user", "list").OK(t) // the admin socket
		})
	}
}

// checkPrivate fails the test unless a directory has the account key and the certificate, for its owner only.
func checkPrivate(t *testing.T, folder string) {
	t.Helper()
	info, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("%s has mode %04o", folder, info.Mode().Perm())
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o, %v", entry.Name(), info.Mode().Perm(), err)
		}
		names = append(names, entry.Name())
	}
	if got := strings.Join(names, " "); got != "acme_account+key "+acmeHost {
		t.Errorf("got the files %s, want the account key and the certificate", got)
	}
}

func TestACME_RenewsBeforeTheCertificateExpires(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	a := newAuthority(t, port, freePort(t), 45*time.Second)
	a.run()
	p := withACME(t, a, port, "")
	p.AwaitLog(0, "using a new certificate")
	first, _ := presented(t, fmt.Sprintf("127.0.0.1:%d", port), acmeHost, a.roots())
	mark := p.Mark()
	p.AwaitLog(mark, "using a new certificate")
	if second, _ := presented(t, fmt.Sprintf("127.0.0.1:%d", port), acmeHost, a.roots()); !second.NotAfter.After(first.NotAfter) {
		t.Errorf("the renewed certificate expires at %v, the first at %v", second.NotAfter, first.NotAfter)
	}
	stored, err := os.ReadFile(filepath.Join(p.Data, "acme", acmeHost))
	if err != nil {
		t.Fatal(err)
	}
	if block, rest := pem.Decode(stored); block == nil || block.Type != "EC PRIVATE KEY" || !strings.Contains(string(rest), "CERTIFICATE") {
		t.Error("the renewed certificate is not stored with its key")
	}
}

// A CA that cannot be reached, then one that cannot connect: the service starts, tells why, and tries again.
func TestACME_StartsWithoutACertificateAndTellsTheReason(t *testing.T) {
	t.Parallel()
	port, plain := freePort(t), freePort(t)
	a := newAuthority(t, freePort(t), freePort(t), time.Hour)
	p := withACME(t, a, port, fmt.Sprintf("tls.listen_http = \"127.0.0.1:%d\"", plain))
	p.AwaitLog(0, "connection refused")
	address := fmt.Sprintf("127.0.0.1:%d", port)
	if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true}); err == nil {
		t.Error("a certificate is presented although the CA issued none")
	}
	// No handshake asks for a certificate of another name, and none starts a request to the CA.
	for _, name := range []string{"evil.example", acmeHost} {
		if _, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, ServerName: name, NextProtos: []string{"acme-tls/1"}}); err == nil {
			t.Errorf("a challenge for %s is answered although none is open", name)
		}
	}
	p.Run("user", "list").OK(t)
	a.run()
	mark := p.Mark()
	p.hangUp(t)
	line := p.log.await(mark, "getting a new certificate", p.exited)
	if !strings.Contains(line, "the last refusal: http-01: ") && !strings.Contains(line, "the last refusal: tls-alpn-01: ") {
		t.Errorf("got the line %q, want the reason of the CA", line)
	}
}
