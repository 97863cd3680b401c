package console_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"barillet/templates/console/samples"
)

// The pages name each event and each kind of email in both languages.
func TestCatalogue_NamesEachEventAndEmail(t *testing.T) {
	for _, of := range []struct{ file, find, prefix string }{
		{"../../internal/audit/actions.go", `= "([a-z0-9_]+\.[a-z0-9_.]+)"`, "log.type."},
		{"../../internal/notice/notice.go", `Name\(\) string \{ return "(\w+)" \}`, "mail.kind."},
	} {
		source, err := os.ReadFile(of.file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(of.find).FindAllStringSubmatch(string(source), -1)
		if len(found) < 30 {
			t.Fatalf("got %d names in %s, want at least 30", len(found), of.file)
		}
		for _, lang := range []string{"en", "fr"} {
			sentences := catalogue(t, lang)
			for _, m := range found {
				if key := of.prefix + strings.ReplaceAll(m[1], ".", "_"); sentences[key] == "" {
					t.Errorf("%s lacks %q", lang, key)
				}
			}
		}
	}
}

// The header names the administrator, and no field of a page hides this name or the path.
func TestPage_KeepsTheNameOfTheAdministrator(t *testing.T) {
	r := open(t)
	for _, s := range samples.All("en") {
		var b strings.Builder
		if err := r.Page(&b, s.Page); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), "Jeanne Martin</a><form") || !regexp.MustCompile(`data-path="/console[^"]*"`).MatchString(b.String()) {
			t.Errorf("%s: the header does not have the name, or the page another path", s.Name)
		}
	}
}
