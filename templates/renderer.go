package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"time"

	"barillet/internal/notice"
)

//go:embed layout.html parts pages mails locales
var files embed.FS

// Renderer makes pages and mails. It is built once, is safe for concurrent use, and knows every template from the start.
type Renderer struct {
	brand Brand
	files []fs.FS // pages and words: those of this package, then those of the caller
	langs map[string]*voice
	mail  *template.Template
}

// voice is everything of one language.
type voice struct {
	words *catalogue
	pages map[string]*template.Template
}

// New parses every template in every language. asset tells under which path a file of the static package is served:
// "barillet.css" -> "/static/barillet.0f3a….css". A page without its template, and a template without its page, is an error.
// more adds pages/enrol_{slug}.html and locales/{lang}.toml of factor kinds that have their own.
func New(brand Brand, asset func(name string) string, more ...fs.FS) (*Renderer, error) {
	if brand.Name == "" {
		brand.Name = "Barillet"
	}
	r := &Renderer{brand: brand, files: append([]fs.FS{files}, more...), langs: map[string]*voice{}}
	// Nearly all of a start is spent here: each language is parsed beside the others.
	voices, errs := make([]*voice, len(languages)), make([]error, len(languages))
	var parsed sync.WaitGroup
	for i, lang := range languages {
		parsed.Go(func() { voices[i], errs[i] = r.speak(lang, asset) })
	}
	parsed.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i, lang := range languages {
		r.langs[lang] = voices[i]
	}
	var err error
	if r.mail, err = template.New("mail").ParseFS(files, "mails/*.html"); err != nil {
		return nil, fmt.Errorf("parsing mails: %w", err)
	}
	return r, nil
}

// Page writes one page. It is made whole before the first byte is written, so that a failure leaves w as it was.
func (r *Renderer) Page(w io.Writer, page Page) error {
	t := r.in(page.base().Lang).pages[page.template()]
	if t == nil {
		return fmt.Errorf("rendering: no page %q", page.template())
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", page); err != nil {
		return fmt.Errorf("rendering page %q: %w", page.template(), err)
	}
	_, err := b.WriteTo(w)
	return err
}

// Sentence words a message outside a page, for an answer to a script of ours.
func (r *Renderer) Sentence(lang string, m Message) (string, error) {
	return r.in(lang).words.message(m)
}

// in finds a language of ours, the first one for any other.
func (r *Renderer) in(lang string) *voice {
	if v, ok := r.langs[lang]; ok {
		return v
	}
	return r.langs[languages[0]]
}

// speak parses every page for one language, with that language's words bound to the functions of the templates.
func (r *Renderer) speak(lang string, asset func(string) string) (*voice, error) {
	words, err := loadCatalogue(r.files, lang)
	if err != nil {
		return nil, err
	}
	v := &voice{words: words, pages: map[string]*template.Template{}}
	common, err := template.New("common").Funcs(r.funcs(words, asset)).ParseFS(files, "layout.html", "parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("parsing the layout: %w", err)
	}
	for _, p := range pages() {
		if err := v.parse(common, files, p.template()); err != nil {
			return nil, err
		}
	}
	for _, f := range r.files {
		names, err := fs.Glob(f, "pages/"+enrolPage+"*.html")
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if err := v.parse(common, f, strings.TrimSuffix(path.Base(n), ".html")); err != nil {
				return nil, err
			}
		}
	}
	return v, v.unclaimed()
}

// parse adds one page to those of the language.
func (v *voice) parse(common *template.Template, from fs.FS, name string) error {
	t, err := common.Clone()
	if err == nil {
		t, err = t.Option("missingkey=error").ParseFS(from, "pages/"+name+".html")
	}
	if err != nil {
		return fmt.Errorf("parsing page %q: %w", name, err)
	}
	v.pages[name] = t
	return nil
}

// CheckKind returns an error unless there is an enrolment page for the slug, and each of its words in every language.
func (r *Renderer) CheckKind(slug string, words ...string) error {
	for _, lang := range languages {
		v := r.langs[lang]
		if v.pages[enrolPage+slug] == nil {
			return fmt.Errorf("no page %s%s.html", enrolPage, slug)
		}
		for _, word := range words {
			if _, err := v.words.sentence("kind."+slug+"."+word, "Device", ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// unclaimed finds templates that no page struct names.
func (v *voice) unclaimed() error {
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return err
	}
	for _, n := range names {
		if v.pages[strings.TrimSuffix(path.Base(n), ".html")] == nil {
			return fmt.Errorf("parsing pages: no page uses %s", n)
		}
	}
	return nil
}

func (r *Renderer) funcs(c *catalogue, asset func(string) string) template.FuncMap {
	brand := r.brand
	timed := func(f func(*speaker, time.Time, *time.Location) string) func(time.Time) (string, error) {
		return func(at time.Time) (string, error) {
			s := &speaker{catalogue: c}
			return f(s, at, brand.Zone), s.err
		}
	}
	return template.FuncMap{
		"t":       c.sentence,
		"say":     func(m Message) (string, error) { return c.message(m) },
		"asset":   asset,
		"brand":   func() Brand { return brand },
		"langs":   func() []string { return languages },
		"date":    timed((*speaker).date),
		"short":   timed((*speaker).short),
		"machine": func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"zone":    func() string { return zoneOf(brand.Zone).String() },
		"wait":    c.wait,
		"seconds": func(d time.Duration) int { return int((d + time.Second - 1) / time.Second) },
		"topics":  notice.Topics,
		"kind":    c.kind,
		"scan":    ReadScan,
		"event":   func(e Event) (string, error) { return c.sentence(e.key(), "Device", e.Device) },
		"field":   newField,
		// An address that an application registered, which was judged then. html/template would take out any scheme
		// but its own few, and so those of applications on a phone.
		"elsewhere": func(to string) template.URL { return template.URL(to) },
	}
}

// wait tells a duration in a sentence: in seconds below two minutes, else in minutes rounded up.
func (c *catalogue) wait(d time.Duration) (string, error) {
	if d <= 0 {
		return c.sentence("wait.now")
	}
	if d < 2*time.Minute {
		return c.sentence("wait.seconds", "N", int((d+time.Second-1)/time.Second))
	}
	return c.sentence("wait.minutes", "N", int((d+time.Minute-1)/time.Minute))
}
