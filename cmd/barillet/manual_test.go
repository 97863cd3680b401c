package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestTheManualHasEveryKeyAndNoOther(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	manual := string(text)
	known := map[string]bool{}
	for _, s := range settings() {
		known[s.key] = true
		if !strings.Contains(manual, "\n| `"+s.key+"` | ") {
			t.Errorf("the manual has no line for %s", s.key)
		}
	}
	_, table, _ := strings.Cut(manual, "| key | default | meaning |\n| --- | --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		if key := strings.Split(line, "`")[1]; !known[key] {
			t.Errorf("the manual has a line for %s, which is no key", key)
		}
	}
}

// everywhere are the flags that the manual tells of once, for every command.
var everywhere = []string{"config", "data", "help", "json", "public-url", "token-file", "url", "yes", "listen", "key-file", "default-locale", "log-format"}

func TestTheTableOfTheManualHasEveryCommandAndFlag(t *testing.T) {
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
			t.Errorf("the manual has no line for the command %s", c.CommandPath())
		}
		for _, flag := range regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`).FindAllStringSubmatch(c.LocalFlags().FlagUsages(), -1) {
			if !slices.Contains(everywhere, flag[1]) && !word(row, "--"+flag[1]) {
				t.Errorf("the manual does not name --%s of %s", flag[1], c.CommandPath())
			}
		}
	}
	for _, c := range (&program{}).root().Commands() {
		if c.Name() != "help" {
			walk(c)
		}
	}
}

func TestTheExampleOfTheManualIsAConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(text), "```toml\n")
	example, _, ended := strings.Cut(example, "```")
	if !found || !ended {
		t.Fatal("the manual has no example")
	}
	c := defaults()
	if err := c.parse("example", example); err != nil {
		t.Error(err)
	}
	if err := c.agree("example"); err != nil {
		t.Error(err)
	}
}
