package templates

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"barillet/internal/notice"
)

// message is the content of an email in reading order. Its text and HTML forms are both made from it.
type message struct {
	Lang    string
	Brand   Brand
	Subject string
	Greet   string
	Lines   []string // paragraphs
	Quote   string   // text written by another person
	Button  string   // label of Link
	Link    string
	CodeIs  string // label of Code
	Code    string
	After   []string // paragraphs below link and code
	Details []fact
	Advice  string // what to do if it was not you
	HelpURL string
	BlockIs string // label of Block
	Block   string // link that blocks the devices of the recipient
	Foot    string
}

type fact struct{ Label, Value string }

// composer composes messages in the name of the service.
type composer struct {
	brand Brand
}

// Mail returns the email of a notice in a language. Lines of text have at most 72 characters, except links.
func (r *Renderer) Mail(lang string, n notice.Notice) (subject, text, html string, err error) {
	c := &translator{catalogue: r.locale(lang).words}
	defer func() {
		if err != nil {
			err = fmt.Errorf("composing email %q: %w", n.Name(), err)
		}
	}()
	kind, err := noticeKindByName(n.Name())
	if err != nil {
		return "", "", "", err
	}
	m := kind.compose(n, c, composer{r.brand})
	m.Lang, m.Brand, m.Subject = c.lang, r.brand, oneLine(m.Subject)
	if c.err != nil {
		return "", "", "", c.err
	}
	t, err := r.mail()
	if err != nil {
		return "", "", "", err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "message", m); err != nil {
		return "", "", "", err
	}
	return m.Subject, m.plain(), b.String(), nil
}

// oneLine returns s without line breaks, which could forge email headers.
func oneLine(s string) string { return strings.Join(strings.FieldsFunc(s, breakable), " ") }

// breakable reports whether a line can end at r. The no-break spaces of French are not breakable, unlike in strings.Fields.
func breakable(r rune) bool { return r == ' ' || unicode.IsControl(r) }

// plain returns the text form of m.
func (m message) plain() string {
	var b strings.Builder
	para := func(s string) {
		if s != "" {
			b.WriteString(wrap(s, 72) + "\n\n")
		}
	}
	para(m.Greet)
	for _, s := range m.Lines {
		para(s)
	}
	if m.Quote != "" {
		for line := range strings.Lines(wrap(m.Quote, 70)) {
			b.WriteString("> " + line)
		}
		b.WriteString("\n\n")
	}
	if m.Link != "" {
		b.WriteString(m.Button + "\n" + m.Link + "\n\n")
	}
	if m.Code != "" {
		b.WriteString(m.CodeIs + "\n\n    " + m.Code + "\n\n")
	}
	for _, s := range m.After {
		para(s)
	}
	for _, f := range m.Details {
		b.WriteString(wrap(f.Label+" "+f.Value, 72) + "\n")
	}
	if len(m.Details) > 0 {
		b.WriteString("\n")
	}
	para(m.Advice)
	if m.Advice != "" && m.HelpURL != "" {
		b.WriteString(m.HelpURL + "\n\n")
	}
	if m.Block != "" {
		b.WriteString(wrap(m.BlockIs, 72) + "\n" + m.Block + "\n\n")
	}
	b.WriteString("-- \n" + wrap(m.Foot, 72) + "\n")
	return b.String()
}

// wrap breaks lines at spaces so that they have at most width characters. A longer word has its own line.
func wrap(s string, width int) string {
	var out []string
	for para := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
		line := ""
		for word := range strings.FieldsFuncSeq(para, breakable) {
			if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
				out, line = append(out, line), ""
			}
			if line != "" {
				line += " "
			}
			line += word
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

// begin returns a message with the parts of all emails: subject, greeting, details and footer.
func (w composer) begin(c *translator, a notice.Context, subject string, args ...any) message {
	m := message{Subject: c.text("mail."+subject+"_subject", w.withService(args)...)}
	m.Greet = c.text("mail.hello_nobody")
	if a.Name != "" {
		m.Greet = c.text("mail.hello", "Name", oneLine(a.Name))
	}
	if !a.At.IsZero() {
		m.Details = append(m.Details, fact{c.text("mail.fact_when"), c.moment(a.At, w.brand.Zone)})
	}
	if a.Browser != "" {
		m.Details = append(m.Details, fact{c.text("mail.fact_browser"), oneLine(a.Browser)})
	}
	if a.Address != "" {
		m.Details = append(m.Details, fact{c.text("mail.fact_address"), a.Address})
	}
	if a.Freeze != "" {
		m.BlockIs, m.Block = c.text("mail.block"), a.Freeze
	}
	m.Foot = c.text("mail.foot", w.withService(nil)...)
	return m
}

// withService adds the name of the service to the arguments of a sentence.
func (w composer) withService(args []any) []any {
	return append([]any{"Service", w.brand.Name}, args...)
}

// notYou adds the sentence that says what to do if the operation is not expected, and the link to help.
func (m message) notYou(c *translator, w composer, key string) message {
	m.Advice = c.text(key)
	if u, err := url.JoinPath(w.brand.URL, "help", "request"); err == nil && w.brand.URL != "" {
		m.HelpURL = u
	}
	return m
}
