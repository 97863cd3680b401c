package e2e_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"regexp"
	"strings"
	"testing"
)

// Mail is one delivered mail. From and To are those of the envelope.
type Mail struct {
	From    string
	To      []string
	Header  mail.Header
	Subject string
	Text    string // the part in plain text
	HTML    string
	Raw     []byte
}

// readMail decodes headers and the parts in text and HTML.
func readMail(raw []byte) (Mail, error) {
	message, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{Header: message.Header, Raw: raw}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject")); err != nil {
		return Mail{}, fmt.Errorf("reading the subject: %w", err)
	}
	return m, m.part(message.Header.Get("Content-Type"), message.Header.Get("Content-Transfer-Encoding"), message.Body)
}

// part reads one part, or all parts of a multipart one.
func (m *Mail) part(kind, encoding string, body io.Reader) error {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil {
		return fmt.Errorf("reading the media type %q: %w", kind, err)
	}
	if strings.HasPrefix(media, "multipart/") {
		parts := multipart.NewReader(body, params["boundary"])
		for {
			part, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("reading a part: %w", err)
			}
			if err := m.part(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("reading a part of type %s: %w", media, err)
	}
	switch media {
	case "text/plain":
		m.Text += strings.ReplaceAll(string(text), "\r\n", "\n")
	case "text/html":
		m.HTML += string(text)
	default:
		return fmt.Errorf("a part of type %s, neither text nor HTML", media)
	}
	return nil
}

// Link gives the first address in the plain text that holds these words.
func (m Mail) Link(tb testing.TB, holding string) string {
	tb.Helper()
	for _, link := range regexp.MustCompile(`https?://[^\s<>"]+`).FindAllString(m.Text, -1) {
		if strings.Contains(link, holding) {
			return strings.TrimRight(link, ".,)")
		}
	}
	tb.Fatalf("the mail %q has no link with %q:\n%s", m.Subject, holding, m.Text)
	return ""
}

// Find gives what the first group of a pattern matches in the plain text.
func (m Mail) Find(tb testing.TB, pattern string) string {
	tb.Helper()
	found := regexp.MustCompile(pattern).FindStringSubmatch(m.Text)
	if len(found) < 2 {
		tb.Fatalf("the mail %q has nothing like %s:\n%s", m.Subject, pattern, m.Text)
	}
	return found[1]
}
