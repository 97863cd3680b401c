package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"barillet/cmd/barillet/cli"
)

// maxConfigSize is the maximum size of a configuration file in bytes.
const maxConfigSize = 256 << 10

// parse sets the settings of a TOML document. An unknown key is an error: a misspelt limit would otherwise be no limit.
// Values are decoded into a map and not into the struct: package toml would ignore the case of keys, and visit them in
// random order, so that the error of two faults would be random.
func (c *Config) parse(file, text string) error {
	var tree map[string]any
	meta, err := toml.Decode(text, &tree)
	if at, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Errorf("%s: line %d: %s", file, at.Position.Line, at.Message)
	} else if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	known := map[string]Setting{}
	sections := map[string][]string{} // the keys of each section; "" is the top level
	for _, s := range c.Settings() {
		known[s.Key] = s
		section, name, nested := strings.Cut(s.Key, ".")
		if nested {
			sections[section] = append(sections[section], name)
		}
		if !slices.Contains(sections[""], section) {
			sections[""] = append(sections[""], section)
		}
	}
	values := map[string]string{}
	for _, key := range meta.Keys() { // in the order of the file
		s, isSetting := known[key.String()]
		switch {
		case sections[key.String()] != nil && meta.Type(key...) == "Hash":
		case sections[key.String()] != nil:
			return fmt.Errorf("%s: %s is a section: write [%s] and its keys below", file, key, key)
		case !isSetting:
			return unknownKey(file, key, sections)
		default:
			if values[s.Key], err = s.textOf(tree, meta.Type(key...)); err != nil {
				return fmt.Errorf("%s: %s: %w", file, s.Key, err)
			}
		}
	}
	if key, err := c.set(values, FromFile); err != nil {
		return fmt.Errorf("%s: %s: %w", file, key, err)
	}
	return nil
}

// unknownKey returns the error for a key, with the known one that is spelt most like it, or all of its section.
func unknownKey(file string, key toml.Key, sections map[string][]string) error {
	section, name := strings.Join(key[:len(key)-1], "."), key[len(key)-1]
	known, isSection := sections[section]
	if !isSection {
		section, name, known = "", key.String(), sections[""]
	}
	prefix := ""
	if section != "" {
		prefix = section + "."
	}
	if near := Nearest(name, known); near != "" {
		return fmt.Errorf("%s: unknown key %q: did you mean %q?", file, key, prefix+near)
	}
	return cli.WithHint(fmt.Errorf("%s: unknown key %q", file, key), "known keys: %s", strings.Join(known, ", "))
}

// textOf returns the value of the setting in a file as set reads it.
func (s Setting) textOf(tree map[string]any, tomlType string) (string, error) {
	section, name, nested := strings.Cut(s.Key, ".")
	if nested {
		tree, _ = tree[section].(map[string]any)
	} else {
		name = section
	}
	list, isList := tree[name].([]any)
	if err := s.want(tomlType == s.tomlType()); err != nil || !isList {
		return fmt.Sprint(tree[name]), err
	}
	items := make([]string, len(list))
	for i, item := range list {
		var ok bool
		if items[i], ok = item.(string); !ok {
			return "", s.want(false)
		}
		if strings.Contains(items[i], ",") {
			return "", fmt.Errorf("%q contains a comma", items[i])
		}
	}
	return strings.Join(items, ","), nil
}

// Variables returns the environment variables of Barillet. An empty variable counts as unset.
func Variables(environ []string) map[string]string {
	found := map[string]string{}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && value != "" && strings.HasPrefix(name, "BARILLET_") {
			found[name] = value
		}
	}
	return found
}

// variableOf returns the environment variable of a key, or the common prefix of those of a section.
func variableOf(key string) string {
	return "BARILLET_" + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// parseEnvironment sets the settings of the environment. An unknown variable that begins like those of a section, or is spelt
// almost like a known one, is an error. Another unknown one is a warning, because container platforms define variables of that form.
func (c *Config) parseEnvironment(env map[string]string) error {
	values := map[string]string{}
	known := []string{"BARILLET_CONFIG", "BARILLET_URL", "BARILLET_TOKEN"} // not settings
	sections := map[string]bool{}
	for _, s := range c.Settings() {
		name := variableOf(s.Key)
		known = append(known, name)
		if value, given := env[name]; given {
			values[s.Key] = value
		}
		if section, _, nested := strings.Cut(s.Key, "."); nested {
			sections[variableOf(section)+"_"] = true
		}
	}
	if key, err := c.set(values, FromEnvironment); err != nil {
		return fmt.Errorf("environment: %s: %w", variableOf(key), err)
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		if slices.Contains(known, name) {
			continue
		}
		if near := nearestVariable(name, known); near != "" {
			return fmt.Errorf("environment: unknown variable %s: did you mean %s?", name, near)
		}
		for prefix := range sections {
			if strings.HasPrefix(name, prefix) {
				return fmt.Errorf("environment: unknown variable %s", name)
			}
		}
		c.Warnings = append(c.Warnings, fmt.Sprintf("ignoring unknown environment variable %s", name))
	}
	return nil
}
