package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// SMTPConfig configures the connection to a mail server.
type SMTPConfig struct {
	Host     string
	Port     int    // 0: 587 for starttls, 465 for implicit, 25 for none
	TLS      string // "starttls" (default), "implicit" or "none"; there is no fallback
	Username string // empty: no authentication
	Password string
	From     string         // "Name <address>" or a bare address
	HELO     string         // name of this host, usually that of the public URL; empty: localhost
	Roots    *x509.CertPool // nil: those of the system
}

// SMTP is a Transport to a mail server. It opens a connection for each message.
type SMTP struct {
	config SMTPConfig
	from   *netmail.Address
}

var _ Transport = (*SMTP)(nil)

// stepTimeout limits the connection with its greeting, and then the message.
const stepTimeout = 20 * time.Second

// NewSMTP returns a Transport, or an error if config is invalid. It does not connect, so the service starts while the mail
// server is down.
func NewSMTP(config SMTPConfig) (*SMTP, error) {
	if config.Host == "" || strings.ContainsAny(config.Host, " \r\n\t/") {
		return nil, fmt.Errorf("mail server host %q is not a host name", config.Host)
	}
	ports := map[string]int{"starttls": 587, "implicit": 465, "none": 25}
	if config.TLS == "" {
		config.TLS = "starttls"
	}
	port, ok := ports[config.TLS]
	if !ok {
		return nil, fmt.Errorf("mail server tls %q is not starttls, implicit or none", config.TLS)
	}
	if config.Port == 0 {
		config.Port = port
	}
	if config.Port < 1 || config.Port > 65535 {
		return nil, fmt.Errorf("mail server port %d is not within 1 to 65535", config.Port)
	}
	from, err := netmail.ParseAddress(config.From)
	if err != nil {
		return nil, fmt.Errorf("mail sender %q: %w", config.From, err)
	}
	if config.HELO == "" {
		config.HELO = "localhost"
	}
	s := &SMTP{config: config, from: from}
	if _, err := s.client(context.Background()); err != nil {
		return nil, fmt.Errorf("mail server %s: %w", config.Host, err)
	}
	return s, nil
}

// Send delivers a message. It returns nil after the server accepted the data, regardless of later errors on the
// connection.
func (s *SMTP) Send(ctx context.Context, e Envelope) error {
	msg, err := s.message(e)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	client, err := s.client(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	err = client.Send(msg)
	if err == nil || msg.IsDelivered() {
		_ = client.Close() // the server has the message
		return nil
	}
	_ = client.Close()
	return classify(err)
}

// classify returns err wrapped in ErrRefused for a permanent reply (5yz, RFC 5321 §4.2.1), and in ErrUnreachable for
// reply 421 or no reply. Another reply is temporary, and err is returned as it is.
func classify(err error) error {
	var sent *gomail.SendError
	if !errors.As(err, &sent) {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	switch code := sent.ErrorCode(); {
	case code == 421 || code == 0:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case code >= 500:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

func (s *SMTP) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.config.Port),
		gomail.WithTimeout(stepTimeout),
		gomail.WithHELO(s.config.HELO),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}),
		gomail.WithoutNoop(),
	}
	switch s.config.TLS {
	case "starttls":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithDialContextFunc(dialUntil(ctx)))
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithDialContextFunc(dialUntil(ctx)))
	case "implicit":
		// The library must dial: over another connection it does not know that TLS is in use and sends no password.
		options = append(options, gomail.WithSSL())
	}
	if s.config.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.config.Username), gomail.WithPassword(s.config.Password))
	}
	return gomail.NewClient(s.config.Host, options...)
}

// dialUntil returns a dial function whose connection is closed when ctx ends. The library ignores its context after the
// connection is made, so a slow server would delay the end of the program.
func dialUntil(ctx context.Context) gomail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(dialing, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		return conn, nil
	}
}

// message returns a multipart/alternative message, text first. It does not name the library or the machine.
func (s *SMTP) message(e Envelope) (*gomail.Msg, error) {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.FromFormat(s.from.Name, s.from.Address); err != nil {
		return nil, fmt.Errorf("sender: %w", err)
	}
	if err := msg.To(e.To); err != nil {
		return nil, fmt.Errorf("recipient: %w", err)
	}
	msg.SetMessageIDWithValue(e.MessageID)
	msg.SetDateWithValue(e.Date)
	msg.Subject(strings.Join(strings.Fields(e.Subject), " "))
	if e.Lang != "" {
		msg.SetGenHeader(gomail.HeaderContentLang, e.Lang)
	}
	// RFC 3834 §5: automatic responders do not answer a message with this header.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, e.Text)
	if e.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, e.HTML)
	}
	return msg, nil
}
