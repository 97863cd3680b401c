package templates_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"barillet/internal/notice"
	"barillet/templates"

	"github.com/BurntSushi/toml"
)

// catalogue returns the sentences of a locale by key, with plural forms joined.
func catalogue(t *testing.T, lang string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("locales/" + lang + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var tables map[string]map[string]any
	if err := toml.Unmarshal(raw, &tables); err != nil {
		t.Fatal(err)
	}
	for slug, words := range tables["kind"] { // one table for each kind of factor
		tables["kind."+slug] = words.(map[string]any)
	}
	delete(tables, "kind")
	out := map[string]string{}
	for table, messages := range tables {
		for name, m := range messages {
			switch v := m.(type) {
			case string:
				out[table+"."+name] = v
			case map[string]any:
				want := map[string][]string{"fr": {"one", "many", "other"}, "en": {"one", "other"}}[lang]
				for _, form := range want {
					s, _ := v[form].(string)
					if s == "" {
						t.Errorf("%s.%s in %s lacks the form %q", table, name, lang, form)
					}
					out[table+"."+name] += s + "\n"
				}
				if len(v) != len(want) {
					t.Errorf("%s.%s in %s: got %d forms, want %d", table, name, lang, len(v), len(want))
				}
			}
		}
	}
	return out
}

func placeholders(s string) string {
	found := regexp.MustCompile(`{{\.(\w+)}}`).FindAllString(s, -1)
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " ")
}

func TestCatalogue_HasSameKeysAndPlaceholdersInEachLanguage(t *testing.T) {
	fr, en := catalogue(t, "fr"), catalogue(t, "en")
	for key, s := range fr {
		other, ok := en[key]
		if !ok {
			t.Errorf("en lacks %q", key)
		}
		if got, want := placeholders(other), placeholders(s); got != want {
			t.Errorf("%s: placeholders in en are %q, in fr %q", key, got, want)
		}
	}
	for key := range en {
		if _, ok := fr[key]; !ok {
			t.Errorf("fr lacks %q", key)
		}
	}
}

func TestCatalogue_UsesNoBreakSpacesInFrench(t *testing.T) {
	apart := regexp.MustCompile(`\S* [:;?!»]|« \S*|\S*[^\s\d\x{a0}\x{202f}](?:[?!;»]|:(?:\s|$))`)
	for key, sentence := range catalogue(t, "fr") {
		if found := apart.FindString(sentence); found != "" {
			t.Errorf("%s: no no-break space at the sign in %q", key, found)
		}
		if strings.Contains(sentence, "'") {
			t.Errorf("%s: a straight apostrophe in %q", key, sentence)
		}
	}
}

func TestCatalogue_ContainsExactlyTheKeysInUse(t *testing.T) {
	used := map[string]bool{}
	for _, k := range templates.Keys() {
		used[string(k)] = true
	}
	for _, topic := range append(notice.Topics(), notice.TopicInvited) {
		used[string(templates.TopicKey(topic))] = true
	}
	inPage := regexp.MustCompile(`\bt "([a-z0-9_.]+)"`)
	inGo := regexp.MustCompile(`"((?:mail|time|wait|event|problem|notice|request_error)\.[a-z0-9_]+)"`)
	inSubject := regexp.MustCompile(`n\.Context, "([a-z_]+)"`)
	source := func(dir, ext string, each func(string)) {
		names, err := fs.Glob(os.DirFS("."), dir+"/*"+ext)
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s in %s: %v", ext, dir, err)
		}
		for _, n := range names {
			if raw, err := os.ReadFile(n); err != nil {
				t.Fatal(err)
			} else if !strings.HasSuffix(n, "_test.go") {
				each(string(raw))
			}
		}
	}
	pages := func(s string) {
		for _, m := range inPage.FindAllStringSubmatch(s, -1) {
			used[m[1]] = true
		}
	}
	source(".", "layout.html", pages)
	source("pages", ".html", pages)
	source("parts", ".html", pages)
	source(".", ".go", func(s string) {
		for _, m := range inGo.FindAllStringSubmatch(s, -1) {
			used[m[1]] = true
		}
		for _, m := range inSubject.FindAllStringSubmatch(s, -1) {
			used["mail."+m[1]+"_subject"] = true
		}
	})
	fr := catalogue(t, "fr")
	// Package web requires these sentences of each kind of factor (CheckKind). Some have a form for each app.
	ofKind := regexp.MustCompile(`^kind\.[a-z]+\.(name|title|text|full|ask|ask_many)(_okta|_google)?$`)
	for key := range fr {
		if ofKind.MatchString(key) {
			used[key] = true
		}
	}
	for key := range used {
		if fr[key] == "" {
			t.Errorf("no sentence for %q", key)
		}
	}
	for key := range fr {
		if !used[key] {
			t.Errorf("unused key %q", key)
		}
	}
}
