package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// languages are the supported languages. The first one is the fallback.
var languages = []string{"fr", "en"}

// Languages returns the languages of pages and emails.
func Languages() []string { return append([]string(nil), languages...) }

// IsLanguage reports whether lang is one of Languages.
func IsLanguage(lang string) bool { return slices.Contains(languages, lang) }

// LanguageOf returns the language of a language tag or a locale, such as "fr" for "fr-CH" and "fr_CH" (RFC 5646 §2.1). It
// returns "" if it is not one of Languages.
func LanguageOf(tag string) string {
	lang, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(tag, "_", "-")), "-")
	if !IsLanguage(lang) {
		return ""
	}
	return lang
}

// catalogue contains the sentences of one language. Sentences without a placeholder are kept in plain, because a page has
// dozens of them and a lookup in the library takes a microsecond.
type catalogue struct {
	lang  string
	plain map[string]string
	loc   *i18n.Localizer
}

// loadCatalogue reads locales/{lang}*.toml of every file system.
func loadCatalogue(from []fs.FS, lang string) (*catalogue, error) {
	tag, err := language.Parse(lang)
	if err != nil {
		return nil, fmt.Errorf("loading catalogue %q: %w", lang, err)
	}
	// Each language has its own bundle, so that a missing sentence is an error and not one of another language.
	b := i18n.NewBundle(tag)
	b.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	c := &catalogue{lang: lang, plain: map[string]string{}, loc: i18n.NewLocalizer(b, lang)}
	for _, f := range from {
		names, err := fs.Glob(f, "locales/"+lang+"*.toml")
		if err == nil && len(names) == 0 {
			err = fmt.Errorf("no file locales/%s.toml", lang)
		}
		if err != nil {
			return nil, fmt.Errorf("loading catalogue: %w", err)
		}
		for _, name := range names {
			if err := c.add(b, f, name); err != nil {
				return nil, fmt.Errorf("loading catalogue %q: %w", name, err)
			}
		}
	}
	return c, nil
}

// add adds the sentences of a file to the catalogue and to the bundle of its language.
func (c *catalogue) add(b *i18n.Bundle, from fs.FS, name string) error {
	raw, err := fs.ReadFile(from, name)
	if err != nil {
		return err
	}
	file, err := b.ParseMessageFileBytes(raw, c.lang+".toml") // the library reads the language from the name
	if err != nil {
		return err
	}
	for _, m := range file.Messages {
		if m.One == "" && m.Many == "" && !strings.Contains(m.Other, "{{") {
			c.plain[m.ID] = m.Other
		}
	}
	return nil
}

// kind returns a sentence about a kind of factor: "kind.{slug}.{word}_{app}" if that key exists, else
// "kind.{slug}.{word}".
func (c *catalogue) kind(slug string, app App, word string) (string, error) {
	key := "kind." + slug + "." + word
	if s, ok := c.plain[key+"_"+string(app)]; ok {
		return s, nil
	}
	return c.sentence(key)
}

// sentence returns the sentence of a key. args are pairs of a placeholder's name and its value. N, an int, selects the
// plural form.
func (c *catalogue) sentence(key string, args ...any) (string, error) {
	if s, ok := c.plain[key]; ok {
		return s, nil
	}
	if len(args)%2 != 0 {
		return "", fmt.Errorf("sentence %q: placeholder without value", key)
	}
	data := make(map[string]any, len(args)/2)
	conf := &i18n.LocalizeConfig{MessageID: key, TemplateData: data}
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return "", fmt.Errorf("sentence %q: argument %d is not the name of a placeholder", key, i)
		}
		data[name] = args[i+1]
		if n, ok := args[i+1].(int); ok && name == "N" {
			conf.PluralCount = n
		}
	}
	s, err := c.loc.Localize(conf)
	if err != nil {
		return "", fmt.Errorf("sentence %q in language %q: %w", key, c.lang, err)
	}
	return s, nil
}

// message returns the sentence of m. N is set unless it is 0 and there are other values: then the sentence has one form.
func (c *catalogue) message(m Message) (string, error) {
	var args []any
	if m.N != 0 || len(m.Args) == 0 {
		args = []any{"N", m.N}
	}
	for name, value := range m.Args {
		args = append(args, name, value)
	}
	return c.sentence(string(m.Key), args...)
}

// translator returns sentences and collects their errors, so that a caller checks err once.
type translator struct {
	*catalogue
	err error
}

func (s *translator) text(key string, args ...any) string {
	out, err := s.sentence(key, args...)
	s.err = errors.Join(s.err, err)
	return out
}

// Match returns the language of a page: the user's choice, else the best match of an Accept-Language header, else def.
// It ignores values that are not supported languages.
func Match(acceptLanguage, chosen, def string) string {
	if IsLanguage(chosen) {
		return chosen
	}
	if !IsLanguage(def) {
		def = languages[0]
	}
	if acceptLanguage == "" || len(acceptLanguage) > 256 {
		return def
	}
	return matchers[def].match(acceptLanguage)
}

// match returns the language for a header. Parsing one takes longer than a check of a session, and few differ.
func (m *languageMatcher) match(header string) string {
	m.mu.RLock()
	lang := m.known[header]
	m.mu.RUnlock()
	if lang != "" {
		return lang
	}
	// The index is used because the returned tag has extensions from the header.
	_, i := language.MatchStrings(m.matcher, header)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) == maxKnown {
		clear(m.known)
	}
	m.known[strings.Clone(header)] = m.langs[i] // without the rest of the request
	return m.langs[i]
}

// maxKnown is how many headers a languageMatcher remembers. A client can send any number.
const maxKnown = 128

// languageMatcher matches a header with the supported languages. The first of langs is its fallback.
type languageMatcher struct {
	langs   []string
	matcher language.Matcher

	mu    sync.RWMutex
	known map[string]string // headers that were matched
}

// matchers maps each default language to its matcher.
var matchers = func() map[string]*languageMatcher {
	m := map[string]*languageMatcher{}
	for _, def := range languages {
		langs := []string{def}
		tags := []language.Tag{language.MustParse(def)}
		for _, l := range languages {
			if l != def {
				langs, tags = append(langs, l), append(tags, language.MustParse(l))
			}
		}
		m[def] = &languageMatcher{langs: langs, matcher: language.NewMatcher(tags), known: map[string]string{}}
	}
	return m
}()
