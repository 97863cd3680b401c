package config

import (
	"os"
	"strings"
	"testing"
)

// TestManual_ConfigurationTableMatchesTags compares each row with the setting in the same place: key, default, bounds,
// choices and description.
func TestManual_ConfigurationTableMatchesTags(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| key | default | meaning |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")
	settings := new(Config).Settings()
	for i, s := range settings {
		if i >= len(rows) || !strings.HasPrefix(rows[i], "| `"+s.Key+"` | ") {
			t.Fatalf("row %d of the table is not that of %s", i+1, s.Key)
		}
		cells := strings.Split(rows[i], " | ")
		if value, has := s.Tag.Lookup("default"); has && cells[1] != "`"+value+"`" {
			t.Errorf("%s: the table has the default %s, the tag %q", s.Key, cells[1], value)
		}
		meaning := strings.Join(cells[2:], " | ")
		if !strings.HasPrefix(meaning, s.Tag.Get("usage")) {
			t.Errorf("%s: the description in the table does not begin with %q", s.Key, s.Tag.Get("usage"))
		}
		if most := s.Tag.Get("max"); most != "" && !strings.Contains(meaning, s.Tag.Get("min")+" to "+most) {
			t.Errorf("%s: the table does not contain the bounds %s to %s", s.Key, s.Tag.Get("min"), most)
		}
		if choices := s.Tag.Get("oneof"); choices != "" && !strings.Contains(meaning, "`"+strings.ReplaceAll(choices, ",", "`, `")+"`") {
			t.Errorf("%s: the table does not contain the choices %s", s.Key, choices)
		}
	}
	if len(rows) > len(settings) {
		t.Errorf("the table has a row that is no setting: %s", rows[len(settings)])
	}
}

func TestManual_ExampleIsValid(t *testing.T) {
	text, err := os.ReadFile("../../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, found := strings.Cut(string(text), "```toml\n")
	example, _, ended := strings.Cut(example, "```")
	if !found || !ended {
		t.Fatal("the manual contains no example")
	}
	c := Defaults()
	if err := c.parse("example", example); err != nil {
		t.Error(err)
	}
	if err := c.validate("example"); err != nil {
		t.Error(err)
	}
}
