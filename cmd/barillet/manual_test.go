package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// TestManual_ConfigurationTableMatchesTags compares each row with the setting in the same place: key, default, bounds,
// choices and description.
func TestManual_ConfigurationTableMatchesTags(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| key | default | meaning |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	settings := new(config).settings()
	for i, s := range settings {
		if i >= len(rows) || !strings.HasPrefix(rows[i], "| `"+s.key+"` | ") {
			t.Fatalf("row %d of the table is not that of %s", i+1, s.key)
		}
		cells := strings.Split(rows[i], " | ")
		if value, has := s.tag.Lookup("default"); has && cells[1] != "`"+value+"`" {
			t.Errorf("%s: the table has the default %s, the tag %q", s.key, cells[1], value)
		}
		meaning := strings.Join(cells[2:], " | ")
		if !strings.HasPrefix(meaning, s.tag.Get("usage")) {
			t.Errorf("%s: the description in the table does not begin with %q", s.key, s.tag.Get("usage"))
		}
		if most := s.tag.Get("max"); most != "" && !strings.Contains(meaning, s.tag.Get("min")+" to "+most) {
			t.Errorf("%s: the table does not contain the bounds %s to %s", s.key, s.tag.Get("min"), most)
		}
		if choices := s.tag.Get("oneof"); choices != "" && !strings.Contains(meaning, "`"+strings.ReplaceAll(choices, ",", "`, `")+"`") {
			t.Errorf("%s: the table does not contain the choices %s", s.key, choices)
		}
	}
	if len(rows) > len(settings) {
		t.Errorf("the table has a row that is no setting: %s", rows[len(settings)])
	}
}

// commonFlags are the flags that the manual describes once, for every command.
var commonFlags = []string{"config", "data", "help", "json", "public-url", "token-file", "url", "yes", "listen", "key-file", "default-locale", "log-format"}

func TestManual_CommandTableHasEveryCommandAndFlag(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{} // by the command above
	for line := range strings.Lines(string(text)) {
		row, is := strings.CutPrefix(line, "| `barillet ")
		for words := strings.Fields(row); is && len(words) > 0; words = words[:len(words)-1] {
			rows[strings.Trim(strings.Join(words, " "), "`,")] += row
		}
	}
	word := func(row, name string) bool {
		return regexp.MustCompile(`(^|[^\w-])` + regexp.QuoteMeta(name) + `($|[^\w-])`).MatchString(row)
	}
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		if len(c.Commands()) > 0 && c.Name() != "completion" {
			for _, below := range c.Commands() {
				walk(below)
			}
			return
		}
		above := strings.TrimPrefix(strings.TrimPrefix(c.Parent().CommandPath(), "barillet"), " ")
		row := rows[above]
		if above == "" {
			row = rows[c.Name()]
		}
		if !word(row, c.Name()) {
			t.Errorf("the table has no row for the command %s", c.CommandPath())
		}
		for _, flag := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`).FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
			if !slices.Contains(commonFlags, flag[1]) && !word(row, "--"+flag[1]) {
				t.Errorf("the table does not contain --%s of %s", flag[1], c.CommandPath())
			}
		}
	}
	for _, c := range (&program{}).root().Commands() {
		if c.Name() != "help" {
			walk(c)
		}
	}
}

func TestManual_ExampleIsValid(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(text), "```toml\n")
	example, _, ended := strings.Cut(example, "```")
	if !found || !ended {
		t.Fatal("the manual contains no example")
	}
	c := defaults()
	if err := c.parse("example", example); err != nil {
		t.Error(err)
	}
	if err := c.validate("example"); err != nil {
		t.Error(err)
	}
}
