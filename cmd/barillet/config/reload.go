package config

import (
	"reflect"
	"strings"
)

// Reloadable reports whether a reload applies the setting.
func (s Setting) Reloadable() bool { return s.Tag.Get("reload") == "true" }

// Reload returns the configuration after a reload: next for the settings that a reload applies, and c for the others. applied and
// restart are the keys of those that differ.
func (c *Config) Reload(next *Config) (merged *Config, applied, restart []string) {
	merged = new(Config)
	*merged = *c
	merged.Warnings, merged.given = next.Warnings, map[string]given{}
	to, from := merged.Settings(), next.Settings()
	for i, s := range to {
		before, _ := c.Value(s)
		after, _ := next.Value(s)
		source := c
		switch fits := s.Reloadable() && !c.appears(next, s); {
		case fits:
			if before != after {
				applied = append(applied, s.Key)
			}
			source = next
			reflect.ValueOf(s.field).Elem().Set(reflect.ValueOf(from[i].field).Elem())
		case before != after:
			restart = append(restart, s.Key)
		}
		if g, is := source.given[s.Key]; is {
			merged.given[s.Key] = g
		}
	}
	return merged, applied, restart
}

// appears reports whether the setting is one of a mail server that is there only before or only after the reload. The outbox waits
// without one, and begins to send at a start only.
func (c *Config) appears(next *Config, s Setting) bool {
	return strings.HasPrefix(s.Key, "smtp.") && (c.SMTP.Host == "") != (next.SMTP.Host == "")
}
