package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
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
	config   SMTPConfig
	from     *netmail.Address
	timeouts timeouts
}

var _ Transport = (*SMTP)(nil)

// timeouts limits the phases of a delivery. A server that is slow, for example because it scans the message, must not get it twice.
type timeouts struct {
	connect time.Duration // of TCP, except with implicit TLS
	begin   time.Duration // of the connection, the greeting, TLS and the authentication together
	command time.Duration // of MAIL and of RCPT
	data    time.Duration // of DATA, and of the message
	end     time.Duration // of the reply to the final dot
	quit    time.Duration
}

// rfc5321Timeouts are the least times of RFC 5321 §4.5.3.2. The last two steps have other ones: nothing depends on them.
var rfc5321Timeouts = timeouts{connect: 30 * time.Second, begin: 5 * time.Minute, command: 5 * time.Minute, data: 3 * time.Minute, end: 10 * time.Minute, quit: 5 * time.Second}

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
	s := &SMTP{config: config, from: from, timeouts: rfc5321Timeouts}
	if _, err := s.client(context.Background()); err != nil {
		return nil, fmt.Errorf("mail server %s: %w", config.Host, err)
	}
	return s, nil
}

// Send delivers a message. It returns nil after the server accepted the data, regardless of later errors on the
// connection. It returns when ctx ends. With implicit TLS, the connection then ends only with its timeout or the program.
func (s *SMTP) Send(ctx context.Context, e Envelope) error {
	msg, err := s.message(e)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan error, 1)
	go func() { sent <- s.deliver(ctx, msg) }()
	select {
	case err := <-sent:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	}
}

// deliver connects and sends a message, with a limit for each phase.
func (s *SMTP) deliver(ctx context.Context, msg *gomail.Msg) error {
	from, err := msg.GetSender(false)
	if err != nil {
		return fmt.Errorf("%w: sender: %w", ErrRefused, err)
	}
	to, err := msg.GetRecipients()
	if err != nil {
		return fmt.Errorf("%w: recipient: %w", ErrRefused, err)
	}
	client, err := s.client(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	conn, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() {
		_ = conn.UpdateDeadline(s.timeouts.quit)
		_ = client.CloseWithSMTPClient(conn)
		_ = conn.Close() // if QUIT had no answer
	}()
	if err := s.within(conn, s.timeouts.command, func() error { return conn.Mail(from) }); err != nil {
		if replyCode(err) != 0 {
			return classify(err)
		}
		return fmt.Errorf("%w: %w", ErrUnreachable, err) // no recipient is involved yet
	}
	for _, address := range to {
		if err := s.within(conn, s.timeouts.command, func() error { return conn.Rcpt(address) }); err != nil {
			return classify(err)
		}
	}
	var body io.WriteCloser
	if err := s.within(conn, s.timeouts.data, func() (err error) { body, err = conn.Data(); return err }); err != nil {
		return classify(err)
	}
	if err := s.within(conn, s.timeouts.data, func() error { _, err := msg.WriteTo(body); return err }); err != nil {
		return classify(err)
	}
	return classify(s.within(conn, s.timeouts.end, body.Close))
}

// within runs one phase with its limit.
func (s *SMTP) within(conn *smtp.Client, limit time.Duration, phase func() error) error {
	if err := conn.UpdateDeadline(limit); err != nil {
		return err
	}
	return phase()
}

// classify returns err wrapped in ErrRefused for a permanent reply (5yz, RFC 5321 §4.2.1), and in ErrUnreachable for
// reply 421. Another reply is temporary, and so is none: it can be due to this recipient or message, and other messages must
// not wait for it. If the server is down, the next connection fails.
func classify(err error) error {
	switch code := replyCode(err); {
	case err == nil:
		return nil
	case code == 421:
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	case code >= 500:
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}

// replyCode returns the code of the reply that caused an error; 0 if there was no reply.
func replyCode(err error) int {
	if reply := (*textproto.Error)(nil); errors.As(err, &reply) {
		return reply.Code
	}
	return 0
}

func (s *SMTP) client(ctx context.Context) (*gomail.Client, error) {
	options := []gomail.Option{
		gomail.WithPort(s.config.Port),
		gomail.WithTimeout(s.timeouts.begin),
		gomail.WithHELO(s.config.HELO),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.config.Host, RootCAs: s.config.Roots, MinVersion: tls.VersionTLS12}),
		gomail.WithoutNoop(),
	}
	switch s.config.TLS {
	case "starttls":
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory), gomail.WithDialContextFunc(s.dialUntil(ctx)))
	case "none":
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS), gomail.WithDialContextFunc(s.dialUntil(ctx)))
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
func (s *SMTP) dialUntil(ctx context.Context) gomail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: s.timeouts.connect}).DialContext(dialing, network, address)
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
