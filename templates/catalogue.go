package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// languages are ours, the first being the one for whoever asks for none of them.
var languages = []string{"fr", "en"}

// Languages lists the languages that pages and mails come in.
func Languages() []string { return append([]string(nil), languages...) }

// catalogue is the words of one language. Sentences without a placeholder are kept ready: a page has dozens of them and a
// look-up in the library takes a microsecond.
type catalogue struct {
	lang  string
	plain map[string]string
	loc   *i18n.Localizer
}

// loadCatalogue reads locales/<lang>.toml of every file system.
func loadCatalogue(from []fs.FS, lang string) (*catalogue, error) {
	tag, err := language.Parse(lang)
	if err != nil {
		return nil, fmt.Errorf("loading catalogue %q: %w", lang, err)
	}
	// A bundle for each language: none falls back to another's words with its own plural rule.
	b := i18n.NewBundle(tag)
	b.RegisterUnmarshalFunc("toml", toml.Unmarshal)
	c := &catalogue{lang: lang, plain: map[string]string{}, loc: i18n.NewLocalizer(b, lang)}
	name := "locales/" + lang + ".toml"
	for _, f := range from {
		raw, err := fs.ReadFile(f, name)
		if err != nil {
			return nil, fmt.Errorf("loading catalogue: %w", err)
		}
		file, err := b.ParseMessageFileBytes(raw, name)
		if err != nil {
			return nil, fmt.Errorf("loading catalogue %q: %w", name, err)
		}
		for _, m := range file.Messages {
			if m.One == "" && m.Many == "" && !strings.Contains(m.Other, "{{") {
				c.plain[m.ID] = m.Other
			}
		}
	}
	return c, nil
}

// kind words something about a kind of factor: "kind.{slug}.{word}_{app}" if there is such a sentence, else
// "kind.{slug}.{word}".
func (c *catalogue) kind(slug string, app App, word string) (string, error) {
	key := "kind." + slug + "." + word
	if s, ok := c.plain[key+"_"+string(app)]; ok {
		return s, nil
	}
	return c.sentence(key)
}

// sentence words a message. args are names and values in turn; the value of N, an int, chooses the plural form.
func (c *catalogue) sentence(key string, args ...any) (string, error) {
	if s, ok := c.plain[key]; ok {
		return s, nil
	}
	if len(args)%2 != 0 {
		return "", fmt.Errorf("wording %q: a name without a value", key)
	}
	data := make(map[string]any, len(args)/2)
	conf := &i18n.LocalizeConfig{MessageID: key, TemplateData: data}
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return "", fmt.Errorf("wording %q: argument %d is not a name", key, i)
		}
		data[name] = args[i+1]
		if n, ok := args[i+1].(int); ok && name == "N" {
			conf.PluralCount = n
		}
	}
	s, err := c.loc.Localize(conf)
	if err != nil {
		return "", fmt.Errorf("wording %q in %q: %w", key, c.lang, err)
	}
	return s, nil
}

// message words a Message. N is always at hand, so that a sentence may show it.
func (c *catalogue) message(m Message) (string, error) {
	args := []any{"N", m.N}
	for name, value := range m.Args {
		args = append(args, name, value)
	}
	return c.sentence(string(m.Key), args...)
}

// speaker words many sentences and keeps the first errors, so that a mail reads as a list of sentences.
type speaker struct {
	*catalogue
	err error
}

func (s *speaker) say(key string, args ...any) string {
	out, err := s.sentence(key, args...)
	s.err = errors.Join(s.err, err)
	return out
}

// Match picks the language of a page: the one that the person chose, else the best of an Accept-Language header, else def.
// Values that are no language of ours, or no language at all, are passed over.
func Match(acceptLanguage, chosen, def string) string {
	if slices.Contains(languages, chosen) {
		return chosen
	}
	if !slices.Contains(languages, def) {
		def = languages[0]
	}
	if acceptLanguage == "" || len(acceptLanguage) > 256 {
		return def
	}
	// The first of the list is what the matcher falls back to, so the default stands first. Index, not tag: the tag bears
	// extensions that came from the header.
	list := ours[def]
	_, i := language.MatchStrings(list.matcher, acceptLanguage)
	return list.langs[i]
}

// matching is our languages with one of them first.
type matching struct {
	langs   []string
	matcher language.Matcher
}

// ours are the matchers by default language.
var ours = func() map[string]matching {
	m := map[string]matching{}
	for _, def := range languages {
		langs := []string{def}
		tags := []language.Tag{language.MustParse(def)}
		for _, l := range languages {
			if l != def {
				langs, tags = append(langs, l), append(tags, language.MustParse(l))
			}
		}
		m[def] = matching{langs, language.NewMatcher(tags)}
	}
	return m
}()
