package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/doctor"
)

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
		if c.Name() != "help" && !c.Hidden {
			walk(c)
		}
	}
}

func TestManual_TableOfChecksMatchesThem(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	want := "| id | what is so in a sound installation |\n|---|---|\n"
	for _, c := range doctor.Checks {
		want += "| `" + c.ID + "` | " + c.Meaning + " |\n"
	}
	if !strings.Contains(string(text), want+"\n") {
		t.Errorf("the manual does not contain\n%s", want)
	}
}
