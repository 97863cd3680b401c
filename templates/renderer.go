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
	"regexp"
	"strings"
	"sync"
	"time"

	"barillet/internal/notice"
)

//go:embed layout.html parts pages mails locales
var files embed.FS

// Renderer renders pages and composes emails. It is safe for concurrent use.
type Renderer struct {
	brand Brand
	files []fs.FS // templates and catalogues of this package, then those of the caller
	langs map[string]*locale
	mail  *template.Template
}

// locale contains the catalogue and the pages of one language.
type locale struct {
	words *catalogue
	pages map[string]*template.Template
}

// New parses every template in every language. It returns an error if a page has no template, or a template no page.
// asset returns the path of a file of package static, such as "/static/barillet.0f3a….css" for "barillet.css".
// more contains pages/enrol_{slug}.html and locales/{lang}.toml of further kinds of factor.
func New(brand Brand, asset func(name string) string, more ...fs.FS) (*Renderer, error) {
	if brand.Name == "" {
		brand.Name = "Barillet"
	}
	r := &Renderer{brand: brand, files: append([]fs.FS{files}, more...), langs: map[string]*locale{}}
	// The languages are parsed concurrently, because parsing takes most of the program's start.
	voices, errs := make([]*locale, len(languages)), make([]error, len(languages))
	var parsed sync.WaitGroup
	for i, lang := range languages {
		parsed.Go(func() { voices[i], errs[i] = r.loadLocale(lang, asset) })
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

// Page writes one page. If rendering fails, Page writes nothing.
func (r *Renderer) Page(w io.Writer, page Page) error {
	t := r.locale(page.base().Lang).pages[page.template()]
	if t == nil {
		return fmt.Errorf("rendering page %q: no template", page.template())
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", page); err != nil {
		return fmt.Errorf("rendering page %q: %w", page.template(), err)
	}
	_, err := b.WriteTo(w)
	return err
}

// Sentence returns the sentence of a message, for responses to the scripts of the pages.
func (r *Renderer) Sentence(lang string, m Message) (string, error) {
	return r.locale(lang).words.message(m)
}

// locale returns the locale of lang, or the fallback if lang is not supported.
func (r *Renderer) locale(lang string) *locale {
	if v, ok := r.langs[lang]; ok {
		return v
	}
	return r.langs[languages[0]]
}

// loadLocale parses every page for one language and binds the functions of the templates to its catalogue.
func (r *Renderer) loadLocale(lang string, asset func(string) string) (*locale, error) {
	words, err := loadCatalogue(r.files, lang)
	if err != nil {
		return nil, err
	}
	v := &locale{words: words, pages: map[string]*template.Template{}}
	common := template.New("common").Funcs(r.funcs(words, asset))
	if err := parseForms(common, files, "layout.html", "parts/*.html"); err != nil {
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
	return v, v.checkUnused()
}

// parse adds the template of one page.
func (v *locale) parse(common *template.Template, from fs.FS, name string) error {
	t, err := common.Clone()
	if err == nil {
		err = parseForms(t.Option("missingkey=error"), from, "pages/"+name+".html")
	}
	if err != nil {
		return fmt.Errorf("parsing page %q: %w", name, err)
	}
	v.pages[name] = t
	return nil
}

// postForm matches the start of a form that changes something.
var postForm = regexp.MustCompile(`<form [^>]*method="post"[^>]*>`)

// parseForms adds the templates of files to t. Each form gets a field that names the user for whom its page acts.
func parseForms(t *template.Template, from fs.FS, patterns ...string) error {
	for _, pattern := range patterns {
		names, err := fs.Glob(from, pattern)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return fmt.Errorf("no file %s", pattern)
		}
		for _, name := range names {
			raw, err := fs.ReadFile(from, name)
			if err != nil {
				return err
			}
			text := postForm.ReplaceAllString(string(raw), `$0{{with $$.SubjectToken}}<input type="hidden" name="subject" value="{{.}}">{{end}}`)
			if _, err := t.New(path.Base(name)).Parse(text); err != nil {
				return err
			}
		}
	}
	return nil
}

// CheckKind returns an error unless the kind with this slug has an enrolment page and the given sentences in every
// language.
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

// checkUnused returns an error if no page uses one of the templates.
func (v *locale) checkUnused() error {
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
	timed := func(f func(*translator, time.Time, *time.Location) string) func(time.Time) (string, error) {
		return func(at time.Time) (string, error) {
			s := &translator{catalogue: c}
			return f(s, at, brand.Zone), s.err
		}
	}
	return template.FuncMap{
		"t":       c.sentence,
		"say":     func(m Message) (string, error) { return c.message(m) },
		"asset":   asset,
		"brand":   func() Brand { return brand },
		"langs":   func() []string { return languages },
		"date":    timed((*translator).date),
		"short":   timed((*translator).short),
		"machine": func(at time.Time) string { return at.UTC().Format(time.RFC3339) },
		"zone":    func() string { return zoneOf(brand.Zone).String() },
		"wait":    c.wait,
		"seconds": func(d time.Duration) int { return int((d + time.Second - 1) / time.Second) },
		"topics":  notice.Topics,
		"kind":    c.kind,
		"scan":    ReadScan,
		"event":   func(e Event) (string, error) { return c.sentence(e.sentenceKey(), "Device", e.Device) },
		"field":   newField,
		// A redirect URI, which was checked at its registration. html/template would remove the custom schemes of
		// applications on a phone.
		"elsewhere": func(to string) template.URL { return template.URL(to) },
	}
}

// wait returns a sentence with a duration: in seconds below two minutes, else in minutes rounded up.
func (c *catalogue) wait(d time.Duration) (string, error) {
	if d <= 0 {
		return c.sentence("wait.now")
	}
	if d < 2*time.Minute {
		return c.sentence("wait.seconds", "N", int((d+time.Second-1)/time.Second))
	}
	return c.sentence("wait.minutes", "N", int((d+time.Minute-1)/time.Minute))
}
