package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"

	"barillet/internal/mail"
)

// mailFaults has the id and the remedy of each fault of a mail server. HOST and PORT stand for those of the server.
var mailFaults = map[mail.Fault]struct{ id, remedy string }{
	mail.FaultResolve:     {"mail.resolve", "correct smtp.host; getent hosts HOST shows its address"},
	mail.FaultRefused:     {"mail.connect", "correct smtp.host and smtp.port; nc -vz HOST PORT shows whether something listens"},
	mail.FaultTimeout:     {"mail.answer", "let the firewall pass port PORT of HOST; many networks close port 25: use 587 or 465"},
	mail.FaultGreeting:    {"mail.answer", "correct smtp.port and smtp.tls: implicit for port 465, starttls for 587"},
	mail.FaultTLS:         {"mail.tls", "set smtp.tls to implicit for port 465, or to starttls and port 587; none only for a server on this host"},
	mail.FaultCertificate: {"mail.certificate", "set smtp.host to the name in the certificate, or renew it: openssl s_client -connect HOST:PORT -starttls smtp"},
	mail.FaultLogin:       {"mail.login", "correct smtp.username and the content of smtp.password_file"},
	mail.FaultSender:      {"mail.sender", "set smtp.from to an address that the account may use"},
}

func (s *Setup) checkMail(ctx context.Context, r *Report) {
	switch {
	case s.Mail == nil:
		r.skip("mail.connect", "[smtp] is not set")
		return
	case s.PasswordFile != "" && s.Mail.Password == "":
		r.skip("mail.connect", "the password file cannot be read")
		return
	}
	server, err := mail.NewSMTP(*s.Mail)
	if err != nil {
		r.fail("mail.connect", "correct [smtp] in the configuration", "%v", err)
		return
	}
	probing, cancel := context.WithTimeout(ctx, netTimeout)
	defer cancel()
	if err := server.Probe(probing); err != nil {
		var at *mail.ProbeError
		if !errors.As(err, &at) {
			r.fail("mail.connect", "correct [smtp] in the configuration", "%v", err)
			return
		}
		fault := mailFaults[at.Fault]
		host, port := server.Address()
		r.fail(fault.id, strings.NewReplacer("HOST", host, "PORT", port).Replace(fault.remedy), "%v", err)
		return
	}
	for _, id := range []string{"mail.resolve", "mail.connect", "mail.answer", "mail.tls", "mail.certificate", "mail.login", "mail.sender"} {
		r.ok(id, "%s", s.Mail.Host)
	}
	s.sendTest(ctx, r, server)
}

// sendTest sends the test mail.
func (s *Setup) sendTest(ctx context.Context, r *Report, server *mail.SMTP) {
	if s.Send == "" {
		r.skip("mail.send", "no recipient was named: barillet check --send ADDRESS")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, netTimeout)
	defer cancel()
	err := server.Send(ctx, mail.Envelope{To: s.Send, Subject: "Barillet: test", Text: "This is the test mail of `barillet check --send`. Sign-ins do not depend on it.\n",
		MessageID: rand.Text() + "@" + s.Mail.HELO, Date: s.Now()})
	if err != nil {
		r.fail("mail.send", "ask the mail server's operator why it refuses the recipient or the content", "sending to %s: %v", s.Send, err)
		return
	}
	r.ok("mail.send", "the mail server took a mail to %s", s.Send)
}
