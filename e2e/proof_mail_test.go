package e2e_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/smtp"
	"net/textproto"
	"os"
	"strconv"
	"strings"
	"testing"
)

const letter = "Subject: =?UTF-8?q?R=C3=A9initialisation?=\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/alternative; boundary=x\r\n\r\n" +
	"--x\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
	"Votre code=\r\n : K7Q2-9FHT\r\nhttp://localhost:1/ticket/abc=3D.\r\n" +
	"--x\r\nContent-Type: text/html; charset=UTF-8\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+w6k8L3A+\r\n--x--\r\n"

func send(m *MailServer, to string) error {
	address := net.JoinHostPort(m.Host, strconv.Itoa(m.Port))
	client, err := smtp.Dial(address)
	if err != nil {
		return err
	}
	defer client.Close()
	if m.CertFile != "" {
		pem, err := os.ReadFile(m.CertFile)
		if err != nil {
			return err
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(pem)
		if err := client.StartTLS(&tls.Config{ServerName: m.Host, RootCAs: roots}); err != nil {
			return err
		}
	}
	if err := errors.Join(client.Mail("service@garage.example"), client.Rcpt(to)); err != nil {
		return err
	}
	body, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(body, letter); err != nil {
		return err
	}
	return body.Close()
}

func TestMailServer_CollectsEmail(t *testing.T) {
	for name, o := range map[string]MailOptions{"plain": {}, "with STARTTLS": {STARTTLS: true}} {
		t.Run(name, func(t *testing.T) {
			m := StartMail(t, o)
			for _, to := range []string{"anne@garage.example", "bob@garage.example"} {
				if err := send(m, to); err != nil {
					t.Fatal(err)
				}
			}
			mail := m.Wait("bob@garage.example", "initialisation")
			if got, want := mail.Subject, "Réinitialisation"; got != want {
				t.Errorf("got the subject %q, want %q", got, want)
			}
			if got, want := mail.Link(t, "/ticket/"), "http://localhost:1/ticket/abc="; got != want {
				t.Errorf("got the link %q, want %q", got, want)
			}
			if got, want := mail.Find(t, `code : (\S+)`), "K7Q2-9FHT"; got != want {
				t.Errorf("got the code %q, want %q", got, want)
			}
			if got, want := mail.HTML, "<p>é</p>"; got != want {
				t.Errorf("got the HTML %q, want %q", got, want)
			}
			if left := m.Untaken(); len(left) != 1 || left[0].To[0] != "anne@garage.example" {
				t.Errorf("got %v left, want Anne's mail alone", left)
			}
		})
	}
}

func TestMailServer_RequiresTLS(t *testing.T) {
	m := StartMail(t, MailOptions{STARTTLS: true})
	m.CertFile = ""
	if err := send(m, "anne@garage.example"); err == nil || !strings.Contains(err.Error(), "STARTTLS first") {
		t.Errorf("got %v, want a refusal", err)
	}
}

func TestMailServer_FailsAndRecovers(t *testing.T) {
	m := StartMail(t, MailOptions{})
	for _, code := range []int{451, 550} {
		m.Answer(code)
		refusal := (*textproto.Error)(nil)
		if err := send(m, "anne@garage.example"); !errors.As(err, &refusal) || refusal.Code != code {
			t.Errorf("got %v, want code %d", err, code)
		}
	}
	m.Drop()
	if err := send(m, "anne@garage.example"); err == nil {
		t.Error("a mail was taken on a connection that was to be dropped")
	}
	m.Stall()
	sent := make(chan error, 1)
	go func() { sent <- send(m, "anne@garage.example") }()
	if got := len(m.All()); got != 0 {
		t.Errorf("got %d mails from a server that takes none, want 0", got)
	}
	m.Recover()
	if err := <-sent; err != nil {
		t.Errorf("got %v after the server recovered, want the mail taken", err)
	}
	m.Wait("anne@garage.example", "")
	if got, want := m.Tried(), 4; got != want {
		t.Errorf("got %d tries, want %d", got, want)
	}
}
