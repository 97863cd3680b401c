package e2e_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// MailServer is an SMTP server that keeps what it is given.
type MailServer struct {
	Host string
	Port int

	// CertFile holds the certificate of a server with TLS. A program trusts
	// it by the environment SSL_CERT_FILE.
	CertFile string

	tb    testing.TB
	ended context.Context // when the test ends, stalled deliveries do too
	mu    sync.Mutex
	mails []Mail
	taken map[int]bool
	more  chan struct{} // closed at the next mail
	mood  func(*smtp.Conn) error
	tried int
	stall chan struct{} // closed when deliveries may go on
}

// MailOptions say what kind of server it is. The zero value speaks plain
// SMTP: the program needs tls = "none".
type MailOptions struct {
	STARTTLS bool   // offer TLS and demand it before any mail
	Name     string // in its certificate; empty: localhost
	Listen   string // address and port; empty: a free port of localhost
}

// StartMail starts a mail server on a free port; it ends with the test.
func StartMail(tb testing.TB, o MailOptions) *MailServer {
	tb.Helper()
	ended, end := context.WithCancel(context.Background())
	m := &MailServer{tb: tb, ended: ended, taken: map[int]bool{}, more: make(chan struct{})}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &delivery{server: m, conn: c, tls: o.STARTTLS}, nil
	}))
	server.Domain = "localhost"
	server.MaxMessageBytes = 1 << 20
	server.EnableSMTPUTF8 = true
	server.ErrorLog = quiet{}
	if o.STARTTLS {
		pair, pem := selfSigned(tb, cmp.Or(o.Name, "localhost"))
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
		m.CertFile = filepath.Join(tb.TempDir(), "mail.pem")
		if err := os.WriteFile(m.CertFile, pem, 0o600); err != nil {
			tb.Fatalf("writing the mail server's certificate: %v", err)
		}
	}
	listener, err := net.Listen("tcp", cmp.Or(o.Listen, "localhost:0"))
	if err != nil {
		tb.Fatalf("listening for mail: %v", err)
	}
	at := listener.Addr().(*net.TCPAddr)
	m.Host, m.Port = "localhost", at.Port
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	tb.Cleanup(func() {
		end()
		_ = server.Close()
		if err := <-served; err != nil && !errors.Is(err, smtp.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
			tb.Errorf("serving mail: %v", err)
		}
	})
	return m
}

// Answer makes the server refuse every mail with this SMTP code: 451 for
// later, 550 for never.
func (m *MailServer) Answer(code int) {
	m.feel(func(*smtp.Conn) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: "the test says no"}
	})
}

// Drop makes the server close the connection in the middle of every mail.
func (m *MailServer) Drop() {
	m.feel(func(c *smtp.Conn) error {
		_ = c.Conn().Close()
		return io.ErrUnexpectedEOF
	})
}

// Stall makes the server take no mail and refuse none until Recover.
func (m *MailServer) Stall() {
	until := make(chan struct{})
	m.feel(func(*smtp.Conn) error {
		select {
		case <-until:
			return nil
		case <-m.ended.Done():
			return io.ErrUnexpectedEOF
		}
	})
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stall = until
}

// Recover makes the server well again.
func (m *MailServer) Recover() { m.feel(nil) }

func (m *MailServer) feel(mood func(*smtp.Conn) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood = mood
	if m.stall != nil {
		close(m.stall)
		m.stall = nil
	}
}

// Wait gives the oldest mail to this address whose subject holds these words
// and that no Wait has given before. It waits until there is one.
func (m *MailServer) Wait(to, subject string) Mail {
	m.tb.Helper()
	limit := time.After(patience)
	for {
		mail, found, more := m.take(to, subject)
		if found {
			return mail
		}
		select {
		case <-more:
		case <-limit:
			m.tb.Fatalf("no mail to %s with %q in its subject; there are:\n%s", to, subject, m.list())
		}
	}
}

func (m *MailServer) take(to, subject string) (Mail, bool, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, mail := range m.mails {
		if !m.taken[i] && slices.Contains(mail.To, to) && strings.Contains(mail.Subject, subject) {
			m.taken[i] = true
			return mail, true, nil
		}
	}
	return Mail{}, false, m.more
}

// All are the mails so far, given by Wait or not.
func (m *MailServer) All() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mails)
}

// Untaken returns the emails that no Wait returned: at the end of a story, the unexpected ones.
func (m *MailServer) Untaken() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	var left []Mail
	for i, mail := range m.mails {
		if !m.taken[i] {
			left = append(left, mail)
		}
	}
	return left
}

// Tried is how many deliveries were begun, refused ones too.
func (m *MailServer) Tried() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tried
}

func (m *MailServer) list() string {
	var lines strings.Builder
	for _, mail := range m.All() {
		lines.WriteString("  to " + strings.Join(mail.To, ", ") + ": " + mail.Subject + "\n")
	}
	return lines.String()
}

// delivery is one SMTP session.
type delivery struct {
	server *MailServer
	conn   *smtp.Conn
	tls    bool
	from   string
	to     []string
}

func (d *delivery) Mail(from string, _ *smtp.MailOptions) error {
	if _, secure := d.conn.TLSConnectionState(); d.tls && !secure {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "STARTTLS first"}
	}
	d.from = from
	return nil
}

func (d *delivery) Rcpt(to string, _ *smtp.RcptOptions) error {
	d.to = append(d.to, to)
	return nil
}

func (d *delivery) Data(r io.Reader) error {
	m := d.server
	m.mu.Lock()
	m.tried++
	mood := m.mood
	m.mu.Unlock()
	if mood != nil {
		if err := mood(d.conn); err != nil {
			return err
		}
	}
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	mail, err := readMail(bytes.Clone(raw))
	if err != nil {
		m.tb.Errorf("a mail that cannot be read: %v\n%s", err, raw)
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "not a mail"}
	}
	mail.From, mail.To = d.from, slices.Clone(d.to)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mails = append(m.mails, mail)
	close(m.more)
	m.more = make(chan struct{})
	return nil
}

func (d *delivery) Reset()        { d.from, d.to = "", nil }
func (d *delivery) Logout() error { return nil }

// quiet drops what the server logs about connections that the test cut.
type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}
