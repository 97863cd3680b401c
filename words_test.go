package barillet_test

import (
	"bufio"
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// retired matches citations and words that the glossary has replaced. Each is split here, so that it does not match itself.
var retired = regexp.MustCompile(`(?i)\bwho` + `ever\b|\bthe hou` + `se\b|BA` + `R [A-Z][0-9]|PROTO` + `COL [0-9]|\bFAC` + `TS\b`)

var texts = []string{".go", ".md", ".html", ".toml", ".yaml", ".css", ".js", ".sh", ".txt", ".svg", ""}

func TestTexts_UseNoRetiredWord(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains([]string{".git", "node_modules", "bin"}, entry.Name()):
			return filepath.SkipDir
		case entry.IsDir() || !slices.Contains(texts, filepath.Ext(path)) || entry.Name() == "LICENSE":
			return nil
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			if word := retired.Find(lines.Bytes()); word != nil {
				t.Errorf("%s:%d: %q is not a word of the glossary", path, n, word)
			}
		}
		return lines.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestDocuments_NameTestsThatExist requires that each test that a document names exists.
func TestDocuments_NameTestsThatExist(t *testing.T) {
	named, defined := map[string]string{}, map[string]bool{}
	test, definition := regexp.MustCompile(`\bTest[A-Z]\w+`), regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && entry.Name() == "node_modules" {
			return cmp.Or(err, filepath.SkipDir)
		}
		document, isTest := filepath.Ext(path) == ".md", strings.HasSuffix(path, "_test.go")
		if !document && !isTest {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if document {
			for _, name := range test.FindAllString(string(text), -1) {
				named[name] = path
			}
			return nil
		}
		for _, match := range definition.FindAllSubmatch(text, -1) {
			defined[string(match[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range named {
		if !defined[name] {
			t.Errorf("%s names %s, which does not exist", path, name)
		}
	}
}
