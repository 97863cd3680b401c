package barillet_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A citation is "protocol rule 17", "protocol rules 11 and 21" or "promise A11", in any comment of a Go file.
var (
	citedRules    = regexp.MustCompile(`\b[Pp]rotocol rules? (\d+(?:(?:, | and |, and | or | to )\d+)*)`)
	citedPromises = regexp.MustCompile(`\b[Pp]romises? ([A-Z]\d+(?:(?:, | and |, and | or | to )[A-Z]\d+)*)`)
	citedName     = regexp.MustCompile(`[A-Z]?\d+`)

	ruleEntry    = regexp.MustCompile(`(?m)^(\d+)\. `)
	promiseEntry = regexp.MustCompile(`\*\*([A-Z]\d+)\*\*`)
)

func TestComments_CiteRulesAndPromisesThatExist(t *testing.T) {
	entries := func(path string, entry *regexp.Regexp) map[string]bool {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		names := map[string]bool{}
		for _, match := range entry.FindAllSubmatch(text, -1) {
			names[string(match[1])] = true
		}
		if len(names) == 0 {
			t.Fatalf("%s has no entry", path)
		}
		return names
	}
	rules := entries("docs/protocol.md", ruleEntry)
	promises := entries("docs/threat-model.md", promiseEntry)
	eachComment(t, func(at, text string) {
		for _, fault := range citationFaults(text, rules, promises) {
			t.Errorf("%s: %s", at, fault)
		}
	})
}

func TestCitationFaults(t *testing.T) {
	rules, promises := map[string]bool{"1": true, "17": true}, map[string]bool{"A11": true}
	for text, want := range map[string]string{
		"protocol rule 17, promise A11":  "[]",
		"see protocol rules 1 and 17":    "[]",
		"protocol rule 18":               "[protocol rule 18 does not exist]",
		"protocol rules 1, 2 and 3":      "[protocol rule 2 does not exist protocol rule 3 does not exist]",
		"promise D1 and promise A11":     "[promise D1 does not exist]",
		"promises A11 or A12":            "[promise A12 does not exist]",
		"a rule 99 of some other source": "[]",
	} {
		if got := fmt.Sprint(citationFaults(text, rules, promises)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func citationFaults(text string, rules, promises map[string]bool) []string {
	faults := []string{}
	check := func(kind string, cited *regexp.Regexp, known map[string]bool) {
		for _, match := range cited.FindAllStringSubmatch(text, -1) {
			for _, name := range citedName.FindAllString(match[1], -1) {
				if !known[name] {
					faults = append(faults, kind+" "+name+" does not exist")
				}
			}
		}
	}
	check("protocol rule", citedRules, rules)
	check("promise", citedPromises, promises)
	return faults
}

// eachComment calls fn with the position and the text of each comment in the module. A comment of several lines is
// one text without line breaks.
func eachComment(t *testing.T, fn func(at, text string)) {
	t.Helper()
	files := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != "." && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if entry.IsDir() || filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, group := range file.Comments {
			fn(files.Position(group.Pos()).String(), strings.Join(strings.Fields(group.Text()), " "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
