package config

import (
	"fmt"
	"strings"
)

// Example returns a configuration file with every setting in a comment: its meaning, the values that it can have, and its default or,
// for a setting without one, an example.
func Example() string {
	var b strings.Builder
	b.WriteString("# Configuration of Barillet. To change a setting, remove the # before its name.\n# `barillet config check` prints the settings in force.\n")
	section := ""
	for _, s := range new(Config).Settings() {
		of, name, nested := strings.Cut(s.Key, ".")
		if !nested {
			of, name = "", s.Key
		}
		if of != section {
			section = of
			fmt.Fprintf(&b, "\n[%s]\n", section)
		}
		value, kind := s.Tag.Get("example"), "Example"
		if text, has := s.Tag.Lookup("default"); has {
			value, kind = text, "Default"
		}
		fmt.Fprintf(&b, "\n# %s\n# %s:\n#%s = %s\n", s.Describe(), kind, name, s.toml(value))
	}
	return b.String()
}

// Describe returns the meaning of a setting and the values that it can have.
func (s Setting) Describe() string {
	text := s.Tag.Get("usage")
	least, most := s.Tag.Get("min"), s.Tag.Get("max")
	switch {
	case most != "" && s.tomlType() == "String" && !s.isDuration():
		text += fmt.Sprintf(", %s to %s characters", least, most)
	case most != "":
		text += fmt.Sprintf(", %s to %s", least, most)
	case s.Tag.Get("oneof") != "":
		text += ": " + strings.ReplaceAll(s.Tag.Get("oneof"), ",", ", ")
	}
	return text
}
