package mail_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"barillet/internal/mail"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// server is a mail server with configurable replies.
type server struct {
	mu       sync.Mutex
	answer   func(to, data string) error // nil: accepts every message
	rcpt     func(to string) error
	stall    chan struct{} // if not nil, RCPT gets no reply until it is closed
	stalled  chan struct{} // receives a value for each RCPT that waits
	got      []string      // accepted messages
	seen     []string      // received messages, accepted or not
	username string

	smtp  *smtp.Server
	addr  *net.TCPAddr
	roots *x509.CertPool
}

type session struct {
	s    *server
	conn *smtp.Conn
	to   string
}

func (s *server) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, conn: c}, nil }
func (x *session) Reset()                                       {}
func (x *session) Logout() error                                { return nil }
func (x *session) Mail(string, *smtp.MailOptions) error         { return nil }

func (x *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (x *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if password != "right" {
			return errors.New("no")
		}
		x.s.mu.Lock()
		defer x.s.mu.Unlock()
		x.s.username = username
		return nil
	}), nil
}

func (x *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	x.s.mu.Lock()
	stall, rcpt := x.s.stall, x.s.rcpt
	x.s.mu.Unlock()
	if stall != nil {
		x.s.stalled <- struct{}{}
		<-stall
	}
	x.to = to
	if rcpt != nil {
		return rcpt(to)
	}
	return nil
}

func (x *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	x.s.mu.Lock()
	x.s.seen = append(x.s.seen, string(raw))
	answer := x.s.answer
	x.s.mu.Unlock()
	if answer != nil {
		err = answer(x.to, string(raw))
	}
	if err != nil && !errors.Is(err, errDrop) {
		return err
	}
	x.s.set(func() { x.s.got = append(x.s.got, string(raw)) })
	if errors.Is(err, errDrop) { // the message is accepted and the reply lost
		return x.conn.Conn().Close()
	}
	return nil
}

var errDrop = errors.New("drop the connection after the data")

func code(n int, text string) error {
	return &smtp.SMTPError{Code: n, EnhancedCode: smtp.EnhancedCode{n / 100, 0, 0}, Message: text}
}

func (s *server) set(fn func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fn()
}

func (s *server) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.got...)
}

func (s *server) arrived() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.seen...)
}

// listen starts a server with TLS mode "none", "starttls" or "implicit".
func listen(t *testing.T, mode string) *server {
	t.Helper()
	cert, roots := certificate(t)
	s := &server{roots: roots, stalled: make(chan struct{}, 16)}
	s.smtp = smtp.NewServer(s)
	s.smtp.Domain = "mail.test"
	s.smtp.AllowInsecureAuth = true
	s.smtp.ErrorLog = quietLog{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().(*net.TCPAddr)
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	switch mode {
	case "starttls":
		s.smtp.TLSConfig = config
	case "implicit":
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.smtp.Serve(l)
	}()
	t.Cleanup(func() {
		s.set(func() {
			if s.stall != nil {
				close(s.stall)
			}
		})
		_ = s.smtp.Close()
		_ = l.Close() // Serve may not have begun
		<-done
	})
	return s
}

func (s *server) transport(t *testing.T, mode string) *mail.SMTP {
	t.Helper()
	smtp, err := mail.NewSMTP(mail.SMTPConfig{Host: "127.0.0.1", Port: s.addr.Port, TLS: mode, From: "Barillet <no-reply@login.test>", HELO: "login.test", Roots: s.roots})
	if err != nil {
		t.Fatal(err)
	}
	return smtp
}

type quietLog struct{}

func (quietLog) Printf(string, ...any) {}
func (quietLog) Println(...any)        {}

func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), IsCA: true, BasicConstraintsValid: true,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, roots
}

// header returns the value of a header field.
func header(message, name string) string {
	head, _, _ := strings.Cut(message, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if key, value, ok := strings.Cut(line, ": "); ok && strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}

// port returns a port on which no server listens.
func port(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
