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

// SMTPConfig is how the mail server is reached.
type SMTPConfig struct {
	Host     string
	Port     int    // 0: 587 for starttls, 465 for implicit, 25 for none
	TLS      string // "starttls" (also empty), "implicit" or "none"; the first two are required, not hoped for
	Username string // empty: no authentication
	Password string
	From     string         // "Name <address>" or a bare address
	HELO     string         // our name for the server, as a rule the host of the public URL; empty: localhost
	Roots    *x509.CertPool // nil: the system's
}

// SMTP is the Transport to a mail server. Each message has a connection of its own.
type SMTP struct {
	config SMTPConfig
	from   *netmail.Address
}

var _ Transport = (*SMTP)(nil)

// stepTimeout is for connecting and greeting, and again for the message.
const stepTimeout = 20 * time.Second

// NewSMTP checks the configuration. It connects to nothing, for a mail server that is down must not keep the
// program from starting.
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

// Send delivers one message. It returns nil once the server has answered the end of the data with yes; what
// happens to the connection after that is of no account.
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
		_ = client.Close() // QUIT is a courtesy
		return nil
	}
	_ = client.Close()
	return classify(err)
}

// classify tells a refusal for good from one for now (RFC 5321 section 4.2.1), and both from a server that
// went away: without a code, or with 421, "service not available, closing transmission channel".
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
		// Over a connection of our own the library would not know that it is encrypted, and offer no password.
		options = append(options, gomail.WithSSL())
	}
	if s.config.Username != "" {
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover),
			gomail.WithUsername(s.config.Username), gomail.WithPassword(s.config.Password))
	}
	return gomail.NewClient(s.config.Host, options...)
}

// dialUntil connects, and ends the connection with the context. The library gives each half of the talk a
// time limit but does not look at the context after connecting, and would hold up the end of the program.
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

// message is multipart/alternative, text first. The library's own name and the machine's stay out of it.
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
	// RFC 3834 section 5: what no person wrote says so, and no holiday reply answers it.
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, e.Text)
	if e.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, e.HTML)
	}
	return msg, nil
}
