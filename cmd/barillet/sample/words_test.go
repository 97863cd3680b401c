package sample_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// sentences returns the texts of one language by name, and the names.
func sentences(t *testing.T, lang string) (all map[string]string, names []string) {
	t.Helper()
	raw, err := os.ReadFile("files/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatalf("%s: %v", lang, err)
	}
	all = map[string]string{}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(name+"."+key, value)
			}
		case string:
			all[name] = v
			names = append(names, name)
		}
	}
	walk("", tree)
	slices.Sort(names)
	return all, names
}

func TestTexts_AreCompleteInBothLanguages(t *testing.T) {
	fr, names := sentences(t, "fr")
	en, others := sentences(t, "en")
	if !slices.Equal(names, others) {
		t.Fatalf("got sentences %q in French and %q in English", names, others)
	}
	for _, name := range names {
		if fr[name] == "" || en[name] == "" {
			t.Errorf("%s is empty in one language", name)
		}
		if fr[name] == en[name] && name != ".name" {
			t.Errorf("%s is not translated: %q", name, fr[name])
		}
	}
}
