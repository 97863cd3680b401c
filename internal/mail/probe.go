package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/wneessen/go-mail/smtp"
	"golang.org/x/sys/unix"
)

// Fault is the step of a connection to a mail server that failed.
type Fault string

// The faults that Probe distinguishes, in the order of the connection.
const (
	FaultResolve     Fault = "resolve"     // the host name has no address
	FaultRefused     Fault = "refused"     // nothing listens on the port
	FaultTimeout     Fault = "timeout"     // there was no answer in time
	FaultGreeting    Fault = "greeting"    // the answer is not that of a mail server
	FaultTLS         Fault = "tls"         // the server does not offer TLS
	FaultCertificate Fault = "certificate" // its certificate is not valid for the name
	FaultLogin       Fault = "login"       // it refuses the name or the password
	FaultSender      Fault = "sender"      // it refuses the sender
)

// ProbeError is the error of Probe.
type ProbeError struct {
	Fault Fault
	Err   error
}

func (e *ProbeError) Error() string { return e.Err.Error() }
func (e *ProbeError) Unwrap() error { return e.Err }

// Probe connects as Send does, signs in and names the sender, and sends no message. Its error is a *ProbeError. ctx needs a deadline.
func (s *SMTP) Probe(ctx context.Context) error {
	if fault, err := s.probeConnection(ctx); err != nil {
		return s.faultOf(fault, err)
	}
	client, err := s.client(ctx)
	if err != nil {
		return s.faultOf(FaultGreeting, err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return s.faultOf(FaultLogin, err) // the steps before succeeded on the first connection
	}
	defer func() {
		_ = conn.UpdateDeadline(time.Second)
		_ = client.CloseWithSMTPClient(conn)
		_ = conn.Close()
	}()
	err = s.within(conn, s.timeouts.quit, func() error {
		if err := conn.Mail(s.from.Address); err != nil {
			return err
		}
		return conn.Reset()
	})
	if err != nil {
		return s.faultOf(FaultSender, err)
	}
	return nil
}

// faultOf returns the error of a step. What the network says is more exact than the step.
func (s *SMTP) faultOf(fault Fault, err error) error {
	var dns *net.DNSError
	var wait net.Error
	var bad *tls.CertificateVerificationError
	switch {
	case errors.As(err, &dns):
		fault = FaultResolve
	case errors.Is(err, unix.ECONNREFUSED):
		fault = FaultRefused
	case errors.As(err, &bad):
		fault = FaultCertificate
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &wait) && wait.Timeout():
		fault = FaultTimeout
	}
	return &ProbeError{fault, fmt.Errorf("mail server %s: %w", s.address(), err)}
}

// Address returns the host and the port of the mail server.
func (s *SMTP) Address() (host, port string) { return s.config.Host, strconv.Itoa(s.config.Port) }

func (s *SMTP) address() string { return net.JoinHostPort(s.Address()) }

// probeConnection goes as far as TLS, on a connection of its own.
func (s *SMTP) probeConnection(ctx context.Context) (Fault, error) {
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", s.address())
	if err != nil {
		return FaultTimeout, err
	}
	defer raw.Close()
	deadline, _ := ctx.Deadline()
	if err := raw.SetDeadline(deadline); err != nil {
		return FaultGreeting, err
	}
	config := &tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}
	conn := raw
	if s.config.TLS == "implicit" {
		secure := tls.Client(raw, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return FaultTLS, err
		}
		conn = secure
	}
	client, err := smtp.NewClient(conn, s.config.Host)
	if err == nil {
		err = client.Hello(s.config.HELO)
	}
	if err != nil {
		return FaultGreeting, err
	}
	defer func() { _ = client.Quit() }()
	if s.config.TLS != "starttls" {
		return "", nil
	}
	if offered, _ := client.Extension("STARTTLS"); !offered {
		return FaultTLS, errors.New("it does not offer STARTTLS")
	}
	return FaultTLS, client.StartTLS(config)
}
