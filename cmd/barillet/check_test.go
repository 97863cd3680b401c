package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"barillet/cmd/barillet/doctor"
)

// installation is a data directory, a configuration, a proxy that ends TLS, a mail server and an NTP server. A test plants a fault in
// it before the service starts.
type installation struct {
	t         *testing.T
	dir, data string
	config    map[string]string // lines of the configuration file, by key
	env, args []string          // of the check
	clock     time.Duration     // offset of the clock of the check
	user      int               // that runs the check
	limit     int               // of the open files of the service; 0: none

	authority, stranger *authority
	proxy               proxy
	mail                mailServer
	ntpOffset           time.Duration
	running             bool

	service *exec.Cmd
	log     lockedBuffer // of the service
}

// lockedBuffer is what a process has written.
type lockedBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const mailPassword = "the-secret-of-the-mailbox"

// authority issues certificates.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: rand.Text()}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	template, err = x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{template, key}
}

// issue returns a certificate for a name.
func (a *authority) issue(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: time.Unix(0, 0), NotAfter: until}
	raw, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
}

// proxy ends TLS in front of the service.
type proxy struct {
	listener    net.Listener
	target      *url.URL
	certificate tls.Certificate
	plain       bool // it does not speak TLS
	handler     http.Handler
	rewrite     func(*httputil.ProxyRequest) // nil: as docs/operations.md says
}

// serve answers until the test ends.
func (p *proxy) serve(t *testing.T) {
	l := p.listener
	if !p.plain {
		l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{p.certificate}})
	}
	handler := p.handler
	if handler == nil {
		rewrite := p.rewrite
		if rewrite == nil {
			rewrite = func(r *httputil.ProxyRequest) {
				r.Out.Header["X-Forwarded-For"] = r.In.Header["X-Forwarded-For"]
				r.SetXForwarded()
				r.Out.Host = r.In.Host
			}
		}
		handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(p.target); rewrite(r) }}
	}
	server := &http.Server{Handler: handler, ErrorLog: log.New(io.Discard, "", 0)}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close(); p.listener.Close(); <-done })
}

// mailServer is a mail server in some mood.
type mailServer struct {
	certificate        tls.Certificate
	noTLS              bool
	password           string
	sender, recipients error          // their refusal
	raw                func(net.Conn) // instead of a mail server

	mu  sync.Mutex
	got []string
}

func (m *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{m: m}, nil }

type mailSession struct{ m *mailServer }

func (s *mailSession) Reset()                               {}
func (s *mailSession) Logout() error                        { return nil }
func (s *mailSession) Mail(string, *smtp.MailOptions) error { return s.m.sender }
func (s *mailSession) Rcpt(string, *smtp.RcptOptions) error { return s.m.recipients }
func (s *mailSession) AuthMechanisms() []string             { return []string{sasl.Plain} }
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, password string) error {
		if name != "barillet" || password != s.m.password {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *mailSession) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.m.got = append(s.m.got, string(text))
	return err
}

// serve answers until the test ends, and returns the port.
func (m *mailServer) serve(t *testing.T) (port int) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-done })
	if m.raw != nil {
		go func() {
			defer close(done)
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { conn.Close() })
				go m.raw(conn)
			}
		}()
		return l.Addr().(*net.TCPAddr).Port
	}
	server := smtp.NewServer(m)
	server.Domain, server.AllowInsecureAuth, server.ErrorLog = "mail.test", true, log.New(io.Discard, "", 0)
	if !m.noTLS {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{m.certificate}}
	}
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

// serveNTP answers as an SNTP server with a clock that is wrong by offset (RFC 4330 §5).
func serveNTP(t *testing.T, offset time.Duration) (address string) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		for {
			var in, out [48]byte
			_, from, err := conn.ReadFrom(in[:])
			if err != nil {
				return
			}
			at := time.Now().Add(offset)
			seconds, fraction := uint32(at.Unix()+2208988800), uint32(int64(at.Nanosecond())<<32/1e9)
			out[0], out[1] = 4<<3|4, 2
			copy(out[24:32], in[40:48])
			for _, field := range []int{32, 40} {
				for i := range 4 {
					out[field+i], out[field+4+i] = byte(seconds>>(24-8*i)), byte(fraction>>(24-8*i))
				}
			}
			_, _ = conn.WriteTo(out[:], from)
		}
	}()
	return conn.LocalAddr().String()
}

// newInstallation copies a data directory and returns a sound installation with it.
func newInstallation(t *testing.T, template, dir string) *installation {
	t.Helper()
	in := &installation{t: t, dir: dir, data: filepath.Join(dir, "data"), running: true, authority: newAuthority(t), stranger: newAuthority(t)}
	if err := os.CopyFS(in.data, os.DirFS(template)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(in.file("barillet.reserve")); err != nil { // the service makes it
		t.Fatal(err)
	}
	for path, mode := range map[string]os.FileMode{in.dir: 0o711, filepath.Dir(in.dir): 0o711, in.data: 0o700, in.file("barillet.db"): 0o600, in.file("barillet.key"): 0o600} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	in.write("mail-password", mailPassword+"\n", 0o600)
	var err error
	if in.proxy.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	far := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	in.proxy.certificate, in.mail.certificate = in.authority.issue(t, "localhost", far), in.authority.issue(t, "localhost", far)
	in.mail.password = mailPassword
	in.config = map[string]string{
		"data": quote(in.data), "listen": quote(freeAddress(t)), "trusted_proxies": `["127.0.0.1"]`,
		"public_url":    quote(fmt.Sprintf("https://localhost:%d", in.proxy.listener.Addr().(*net.TCPAddr).Port)),
		"support.email": quote("support@garage.example"), "smtp.host": quote("localhost"), "smtp.username": quote("barillet"),
		"smtp.password_file": quote(filepath.Join(in.dir, "mail-password")), "smtp.from": quote("login@garage.example"),
	}
	return in
}

func quote(s string) string { return fmt.Sprintf("%q", s) }

// freeAddress returns an address on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (in *installation) file(name string) string { return filepath.Join(in.data, name) }

func (in *installation) write(name, text string, mode os.FileMode) string {
	path := filepath.Join(in.dir, name)
	if err := errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)); err != nil {
		in.t.Fatal(err)
	}
	return path
}

// do fails the test for an error of planting a fault.
func (in *installation) do(errs ...error) {
	in.t.Helper()
	if err := errors.Join(errs...); err != nil {
		in.t.Fatal(err)
	}
}

// writeConfig writes the configuration file and returns its path.
func (in *installation) writeConfig() string {
	lines := map[string]string{} // by section
	for key, value := range in.config {
		section, name, nested := strings.Cut(key, ".")
		if !nested {
			section, name = "", key
		}
		lines[section] += fmt.Sprintf("%s = %s\n", name, value)
	}
	text := lines[""]
	for section, settings := range lines {
		if section != "" {
			text += "[" + section + "]\n" + settings
		}
	}
	return in.write("barillet.toml", text, 0o644)
}

// configFile returns the path of the configuration file, which it writes unless the test did.
func (in *installation) configFile() string {
	path := filepath.Join(in.dir, "barillet.toml")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return in.writeConfig()
}

// command returns a run of the program in a process of its own.
func (in *installation) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	in.do(err)
	if in.user != 0 {
		text, err := os.ReadFile(self)
		in.do(err)
		self = in.write("program", string(text), 0o755)
	}
	c := exec.Command(self, args...)
	roots := filepath.Join(in.dir, "authority.pem") // written once: the service may read it later
	if _, err := os.Stat(roots); err != nil {
		in.write("authority.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: in.authority.certificate.Raw})), 0o644)
	}
	c.Env = append([]string{programVariable + "=1", "SSL_CERT_FILE=" + roots, "SSL_CERT_DIR=" + in.dir, "PATH=" + os.Getenv("PATH")}, in.env...)
	if in.clock != 0 {
		c.Env = append(c.Env, clockVariable+"="+in.write("clock", in.clock.String(), 0o644))
	}
	if in.user != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(in.user), Gid: uint32(in.user)}}
	}
	return c
}

// start runs the service until the test ends.
func (in *installation) start(config string) {
	c := in.command("serve", "--config", config)
	if in.limit > 0 {
		c.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$@"`, in.limit), "sh", c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
	}
	stderr, err := c.StderrPipe()
	in.do(err, c.Start())
	in.t.Cleanup(func() { _ = c.Process.Signal(syscall.SIGTERM); _ = c.Wait() })
	in.service = c
	lines := bufio.NewScanner(io.TeeReader(stderr, &in.log))
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "listening on ") {
			go func() { _, _ = io.Copy(&in.log, stderr) }()
			return
		}
	}
	in.t.Fatalf("the service does not start:\n%s", in.log.String())
}

// checked is the result of a check.
type checked struct {
	Findings                  []doctor.Finding
	Errors, Warnings, Skipped int
}

// serve starts everything, and returns the path of the configuration.
func (in *installation) serve() (config string) {
	in.t.Helper()
	if in.config["smtp.host"] != "" && in.config["smtp.port"] == "" {
		in.config["smtp.port"] = fmt.Sprint(in.mail.serve(in.t))
	}
	in.proxy.target = &url.URL{Scheme: "http", Host: strings.Trim(in.config["listen"], `"`)}
	in.proxy.serve(in.t)
	config = in.configFile()
	if user := in.user; in.running {
		in.user = 0
		in.start(config)
		in.user = user
	}
	return config
}

// check starts everything and runs the check.
func (in *installation) check() checked {
	in.t.Helper()
	return in.runCheck(in.serve())
}

func (in *installation) runCheck(config string) checked {
	in.t.Helper()
	c := in.command(append([]string{"check", "--json", "--config", config, "--ntp", serveNTP(in.t, in.clock+in.ntpOffset)}, in.args...)...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var got checked
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		in.t.Fatalf("%v: %v\n%s%s", c.Args, err, stdout.String(), stderr.String())
	}
	if failed := err != nil; failed != (got.Errors > 0) || failed && c.ProcessState.ExitCode() != exitFailed {
		in.t.Errorf("got exit code %d for %d errors; stderr:\n%s", c.ProcessState.ExitCode(), got.Errors, stderr.String())
	}
	key, _ := os.ReadFile(in.file("barillet.key"))
	for _, secret := range append(strings.Fields(string(key)), mailPassword) {
		if len(secret) > 20 && strings.Contains(stdout.String()+stderr.String(), secret) {
			in.t.Errorf("the check prints a secret:\n%s", stdout.String())
		}
	}
	return got
}
