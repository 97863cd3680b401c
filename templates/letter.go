package templates

import (
	"bytes"
	"fmt"
	"net/url"
	"strings"
	"unicode"

	"barillet/internal/notice"
)

// message is a mail in its parts, in the order of reading. Text and HTML are both made from it, so they say the same.
type message struct {
	Lang    string
	Brand   Brand
	Subject string
	Greet   string
	Lines   []string // paragraphs
	Quote   string   // words of somebody else, kept apart
	Button  string   // label of Link
	Link    string
	CodeIs  string // label of Code
	Code    string
	After   []string // paragraphs below link and code
	Facts   []fact
	Advice  string // what to do if it was not you
	HelpURL string
	Foot    string
}

type fact struct{ Label, Value string }

// writer makes letters: it knows the house and tells times.
type writer struct {
	brand Brand
}

// Mail words one mail in a language. The text has lines of at most 72 characters, links excepted.
func (r *Renderer) Mail(lang string, m notice.Notice) (subject, text, html string, err error) {
	c := &speaker{catalogue: r.in(lang).words}
	defer func() {
		if err != nil {
			err = fmt.Errorf("wording mail %q: %w", m.Name(), err)
		}
	}()
	kind, err := noticeKindByName(m.Name())
	if err != nil {
		return "", "", "", err
	}
	l := kind.compose(m, c, writer{r.brand})
	l.Lang, l.Brand, l.Subject = c.lang, r.brand, oneLine(l.Subject)
	if c.err != nil {
		return "", "", "", c.err
	}
	var b bytes.Buffer
	if err := r.mail.ExecuteTemplate(&b, "letter", l); err != nil {
		return "", "", "", err
	}
	return l.Subject, l.plain(), b.String(), nil
}

// oneLine keeps a name with a line break in it from forging headers of a mail.
func oneLine(s string) string { return strings.Join(strings.FieldsFunc(s, breakable), " ") }

// breakable are the blanks at which a line may end: not the no-break spaces of French, which strings.Fields takes for blanks.
func breakable(r rune) bool { return r == ' ' || unicode.IsControl(r) }

func (l message) plain() string {
	var b strings.Builder
	para := func(s string) {
		if s != "" {
			b.WriteString(wrap(s, 72) + "\n\n")
		}
	}
	para(l.Greet)
	for _, s := range l.Lines {
		para(s)
	}
	if l.Quote != "" {
		for line := range strings.Lines(wrap(l.Quote, 70)) {
			b.WriteString("> " + line)
		}
		b.WriteString("\n\n")
	}
	if l.Link != "" {
		b.WriteString(l.Button + "\n" + l.Link + "\n\n")
	}
	if l.Code != "" {
		b.WriteString(l.CodeIs + "\n\n    " + l.Code + "\n\n")
	}
	for _, s := range l.After {
		para(s)
	}
	for _, f := range l.Facts {
		b.WriteString(wrap(f.Label+" "+f.Value, 72) + "\n")
	}
	if len(l.Facts) > 0 {
		b.WriteString("\n")
	}
	para(l.Advice)
	if l.Advice != "" && l.HelpURL != "" {
		b.WriteString(l.HelpURL + "\n\n")
	}
	b.WriteString("-- \n" + wrap(l.Foot, 72) + "\n")
	return b.String()
}

// wrap breaks lines at blanks so that none is longer than width characters, where it has a blank to break at.
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

// begin fills what all mails have: greeting, circumstances, foot.
func (w writer) begin(c *speaker, a notice.Context, subject string, args ...any) message {
	l := message{Subject: c.say("mail."+subject+"_subject", w.house(args)...)}
	l.Greet = c.say("mail.hello_nobody")
	if a.Name != "" {
		l.Greet = c.say("mail.hello", "Name", oneLine(a.Name))
	}
	if !a.At.IsZero() {
		l.Facts = append(l.Facts, fact{c.say("mail.fact_when"), c.moment(a.At, w.brand.Zone)})
	}
	if a.Browser != "" {
		l.Facts = append(l.Facts, fact{c.say("mail.fact_browser"), oneLine(a.Browser)})
	}
	if a.Address != "" {
		l.Facts = append(l.Facts, fact{c.say("mail.fact_address"), a.Address})
	}
	l.Foot = c.say("mail.foot", w.house(nil)...)
	return l
}

func (w writer) house(args []any) []any { return append([]any{"House", w.brand.Name}, args...) }

// notYou adds what to do if it was not the reader, with the way to help.
func (l message) notYou(c *speaker, w writer, key string) message {
	l.Advice = c.say("mail." + key)
	if u, err := url.JoinPath(w.brand.URL, "help", "request"); err == nil && w.brand.URL != "" {
		l.HelpURL = u
	}
	return l
}
