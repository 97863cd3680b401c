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
	text "text/template"
	"text/template/parse"
	"time"

	"barillet/internal/notice"
)

//go:embed layout.html parts pages mails locales
var files embed.FS

// Renderer renders pages and composes emails. It parses each template at its first use. It is safe for concurrent use.
type Renderer struct {
	brand Brand
	files []fs.FS // templates and catalogues of this package, then those of the caller
	asset func(name string) string
	langs map[string]*locale
	parts func() (*text.Template, error) // the layout and the parts of pages, without the functions of a language
	mail  func() (*template.Template, error)
}

// locale contains the catalogue and the pages of one language.
type locale struct {
	words *catalogue
	pages map[string]func() (*template.Template, error)
}

// New reads the catalogues. It returns an error if a page has no template, or a template no page.
// asset returns the path of a file of package static, such as "/static/barillet.0f3a….css" for "barillet.css".
// more contains the pages, parts and catalogues (locales/{lang}*.toml) of packages above: pages/enrol_{slug}.html of further
// kinds of factor, and pages/console_*.html of the console.
func New(brand Brand, asset func(name string) string, more ...fs.FS) (*Renderer, error) {
	if brand.Name == "" {
		brand.Name = "Barillet"
	}
	r := &Renderer{brand: brand, files: append([]fs.FS{files}, more...), asset: asset, langs: map[string]*locale{}}
	r.parts = sync.OnceValues(r.parseParts)
	r.mail = sync.OnceValues(func() (*template.Template, error) { return template.New("mail").ParseFS(files, "mails/*.html") })
	from, err := r.sources()
	if err != nil {
		return nil, err
	}
	// The languages are read concurrently, because a start waits for them.
	locales, errs := make([]*locale, len(languages)), make([]error, len(languages))
	var read sync.WaitGroup
	for i, lang := range languages {
		read.Go(func() { locales[i], errs[i] = r.loadLocale(lang, from) })
	}
	read.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i, lang := range languages {
		r.langs[lang] = locales[i]
	}
	return r, nil
}

// Page writes one page. If rendering fails, Page writes nothing.
func (r *Renderer) Page(w io.Writer, page Page) error {
	parsed := r.locale(page.base().Lang).pages[page.Template()]
	if parsed == nil {
		return fmt.Errorf("rendering page %q: no template", page.Template())
	}
	t, err := parsed()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, layoutOf(page.Template()), page); err != nil {
		return fmt.Errorf("rendering page %q: %w", page.Template(), err)
	}
	_, err = b.WriteTo(w)
	return err
}

// layoutOf returns the template that renders a page and calls those of its file.
func layoutOf(page string) string {
	if strings.HasPrefix(page, consolePage) {
		return "console"
	}
	return "layout"
}

// Sentence returns the sentence of a message, for responses to the scripts of the pages.
func (r *Renderer) Sentence(lang string, m Message) (string, error) {
	return r.locale(lang).words.message(m)
}

// Has reports whether there is a sentence without placeholders for a key.
func (r *Renderer) Has(lang string, k Key) bool {
	_, ok := r.locale(lang).words.plain[string(k)]
	return ok
}

// locale returns the locale of lang, or the fallback if lang is not supported.
func (r *Renderer) locale(lang string) *locale {
	if v, ok := r.langs[lang]; ok {
		return v
	}
	return r.langs[languages[0]]
}

// sources returns the file system of each page's template. It returns an error if a page has no template, or a template no
// page.
func (r *Renderer) sources() (map[string]fs.FS, error) {
	from := map[string]fs.FS{}
	for _, f := range r.files {
		for _, prefix := range []string{enrolPage, consolePage} {
			names, err := fs.Glob(f, "pages/"+prefix+"*.html")
			if err != nil {
				return nil, err
			}
			for _, n := range names {
				from[strings.TrimSuffix(path.Base(n), ".html")] = f
			}
		}
	}
	for _, p := range pages() {
		if _, err := fs.Stat(files, "pages/"+p.Template()+".html"); err != nil {
			return nil, fmt.Errorf("finding the template of page %q: %w", p.Template(), err)
		}
		from[p.Template()] = files
	}
	names, err := fs.Glob(files, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		if from[strings.TrimSuffix(path.Base(n), ".html")] == nil {
			return nil, fmt.Errorf("finding the page of a template: no page uses %s", n)
		}
	}
	return from, nil
}

// loadLocale reads the catalogue of one language. from contains the file system of each page's template.
func (r *Renderer) loadLocale(lang string, from map[string]fs.FS) (*locale, error) {
	words, err := loadCatalogue(r.files, lang)
	if err != nil {
		return nil, err
	}
	l := &locale{words: words, pages: map[string]func() (*template.Template, error){}}
	for name, f := range from {
		l.pages[name] = sync.OnceValues(func() (*template.Template, error) {
			t, err := r.parsePage(words, f, name)
			if err != nil {
				return nil, fmt.Errorf("parsing page %q: %w", name, err)
			}
			return t, nil
		})
	}
	return l, nil
}

// parseParts parses the layout and the parts of pages. Its functions are not called: parsePage binds those of a language.
func (r *Renderer) parseParts() (*text.Template, error) {
	t := text.New("parts").Funcs(text.FuncMap(r.funcs(nil)))
	if err := parseForms(t, files, "layout.html", "parts/*.html"); err != nil {
		return nil, fmt.Errorf("parsing the layout: %w", err)
	}
	return t, nil
}

// parsePage parses the template of one page and binds the functions of its templates to a catalogue. The page gets a copy of
// the parts that it uses and of no others, because escaping changes a template in its context, and copies of all parts for
// each page are most of the memory of an idle program.
func (r *Renderer) parsePage(words *catalogue, from fs.FS, name string) (*template.Template, error) {
	parts, err := r.parts()
	if err != nil {
		return nil, err
	}
	all, err := parts.Clone() // shares the trees
	patterns := []string{"pages/" + name + ".html"}
	if strings.HasPrefix(name, consolePage) {
		patterns = append(patterns, "parts/*.html")
	}
	if err == nil {
		err = parseForms(all, from, patterns...)
	}
	if err != nil {
		return nil, err
	}
	page := template.New("").Funcs(r.funcs(words)).Option("missingkey=error")
	return page, addUsed(page, all, layoutOf(name))
}

// addUsed adds copies of a template of all and of the templates that it uses to page.
func addUsed(page *template.Template, all *text.Template, name string) error {
	used := all.Lookup(name)
	switch {
	case used == nil || used.Tree == nil:
		return fmt.Errorf("no template %q", name)
	case page.Lookup(name) != nil:
		return nil
	}
	if _, err := page.AddParseTree(name, used.Tree.Copy()); err != nil {
		return err
	}
	return addCalls(page, all, used.Tree.Root)
}

// addCalls adds copies of the templates that a list of nodes uses.
func addCalls(page *template.Template, all *text.Template, list *parse.ListNode) error {
	if list == nil { // a branch without else
		return nil
	}
	var errs []error
	branch := func(b parse.BranchNode) {
		errs = append(errs, addCalls(page, all, b.List), addCalls(page, all, b.ElseList))
	}
	for _, n := range list.Nodes {
		switch n := n.(type) {
		case *parse.TemplateNode:
			errs = append(errs, addUsed(page, all, n.Name))
		case *parse.IfNode:
			branch(n.BranchNode)
		case *parse.RangeNode:
			branch(n.BranchNode)
		case *parse.WithNode:
			branch(n.BranchNode)
		}
	}
	return errors.Join(errs...)
}

// postForm matches the start of a form that changes something.
var postForm = regexp.MustCompile(`<form [^>]*method="post"[^>]*>`)

// parseForms adds the templates of files to t. Each form gets a field that names the user for whom its page acts.
func parseForms(t *text.Template, from fs.FS, patterns ...string) error {
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
			source := postForm.ReplaceAllString(string(raw), `$0{{with $$.SubjectToken}}<input type="hidden" name="subject" value="{{.}}">{{end}}`)
			if _, err := t.New(path.Base(name)).Parse(source); err != nil {
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

// funcs returns the functions of templates. c is the catalogue of their language.
func (r *Renderer) funcs(c *catalogue) template.FuncMap {
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
		"asset":   r.asset,
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
