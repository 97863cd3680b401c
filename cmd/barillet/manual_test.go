package main

import (
	"os"
	"strings"
	"testing"
)

func TestTheManualHasEveryKeyCommandAndNoOther(t *testing.T) {
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
	for _, c := range (&program{}).root().Commands() {
		if c.Name() != "help" && c.Name() != "completion" && !strings.Contains(manual, "| `barillet "+c.Name()) {
			t.Errorf("the manual has no line for the command %s", c.Name())
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
