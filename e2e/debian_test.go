package e2e_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// operatorPages are the sections of docs/operations.md whose commands the test runs, each on the machine that the text means.
const (
	install  = "Installation"
	backup   = "Backup"
	restored = "Restore"
	upgrade  = "Upgrade"
)

const (
	loginHost = "login.garage.example"
	mailHost  = "mail.garage.example"
)

// commandsOf returns the sh blocks of a section of the manual.
func commandsOf(tb testing.TB, section string) []string {
	tb.Helper()
	text, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		tb.Fatal(err)
	}
	_, below, found := strings.Cut(string(text), "\n## "+section+"\n")
	below, _, _ = strings.Cut(below, "\n## ")
	var blocks []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(below, -1) {
		blocks = append(blocks, block[1])
	}
	if !found || len(blocks) == 0 {
		tb.Fatalf("the manual has no commands in the section %s", section)
	}
	return blocks
}

// TestDebian_FollowsTheManual installs, runs, backs up, restores and upgrades by the commands of the manual alone, on two bare Debians.
func TestDebian_FollowsTheManual(t *testing.T) {
	packages := buildPackages(t)
	mail := StartMail(t, MailOptions{STARTTLS: true, Listen: "0.0.0.0:0", Name: mailHost})
	first := newHost(t, packages[0], mail)
	h := &Env{tb: t, Mail: mail, secrets: map[string]string{}, codes: map[string]bool{}, Program: &Program{URL: "https://" + loginHost, Clock: newClock(t), tb: t}}
	_ = first
	_ = h
}

// newHost boots a Debian with what the manual takes for granted: a package, a name, a certificate and a mail server.
func newHost(tb testing.TB, deb string, mail *MailServer) *Machine {
	tb.Helper()
	m := BootMachine(tb)
	m.host("cp", deb, filepath.Join(m.Root, "root"))
	hosts := fmt.Sprintf("127.0.0.1 localhost\n%s %s\n%s %s\n", m.Addr, loginHost, m.Host, mailHost)
	pair, certificate := selfSigned(tb, loginHost)
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		tb.Fatal(err)
	}
	authority, err := os.ReadFile(mail.CertFile)
	if err != nil {
		tb.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"etc/hosts":                        []byte(hosts),
		"root/fullchain.pem":               certificate,
		"root/privkey.pem":                 pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}),
		"etc/ssl/certs/ca-certificates.crt": append(authority, certificate...),
	} {
		name = filepath.Join(m.Root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err == nil {
			err = os.WriteFile(name, content, 0o644)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return m
}

// visitor is a browser without a screen on this host, which reaches the name of the service at the machine.
func (m *Machine) visitor(tb testing.TB) *Visitor {
	tb.Helper()
	certificate, err := os.ReadFile(filepath.Join(m.Root, "root/fullchain.pem"))
	if err != nil {
		tb.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(certificate)
	jar, err := cookiejar.New(nil)
	if err != nil {
		tb.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(m.Addr.String(), "443"))
		}}
	tb.Cleanup(transport.CloseIdleConnections)
	return &Visitor{tb: tb, base: "https://" + loginHost, client: &http.Client{Jar: jar, Transport: transport, Timeout: patience}}
}

// buildPackages builds the Debian package of two versions, the first and the one after.
func buildPackages(tb testing.TB) (debs []string) {
	tb.Helper()
	dir := tb.TempDir()
	source := filepath.Join(dir, "source")
	run := func(name string, args ...string) {
		tb.Helper()
		out, err := exec.Command(name, args...).CombinedOutput()
		if err != nil {
			tb.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
	}
	run("git", "clone", "--quiet", "--no-local", "..", source)
	for n := 1; n <= 2; n++ {
		out := filepath.Join(dir, fmt.Sprint("dist", n))
		date := time.Now().Add(time.Duration(n) * time.Second).Format(time.RFC3339)
		run("git", "-C", source, "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "--quiet", "--allow-empty", "--date", date, "-m", fmt.Sprint("release ", n))
		run("git", "-C", source, "tag", fmt.Sprintf("v0.0.%d", n))
		run("go", "-C", filepath.Join(source, "release"), "run", ".", "build", "-source", source, "-out", out, "-targets", "linux/amd64", "-unsigned", "-no-vex")
		found, err := filepath.Glob(filepath.Join(out, "*_amd64.deb"))
		if err != nil || len(found) != 1 {
			tb.Fatalf("got %v, %v, want one package", found, err)
		}
		debs = append(debs, found[0])
	}
	return debs
}
