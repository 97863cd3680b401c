package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"barillet/cmd/barillet/cli"
)

// configSize is the most that a configuration file can reasonably be.
const configSize = 256 << 10

// readFile takes the settings from a file. A key that is none of ours stops the start: a misspelt limit would
// otherwise be no limit.
func (c *config) readFile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the configuration: %w", err)
	}
	if len(text) > configSize {
		return fmt.Errorf("%s: is larger than %d KiB: this is no configuration", file, configSize>>10)
	}
	return c.parse(file, string(text))
}

func (c *config) parse(file, text string) error {
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		if at, ok := errors.AsType[toml.ParseError](err); ok {
			return fmt.Errorf("%s: line %d: %s", file, at.Position.Line, at.Message)
		}
		return fmt.Errorf("%s: %w", file, err)
	}
	values, err := flatten(tree)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, s := range settings() {
		value, given := values[s.key]
		if !given {
			continue
		}
		delete(values, s.key)
		if err := s.take(c, value); err != nil {
			return fmt.Errorf("%s: %s: %w", file, s.key, err)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(values)) {
		return cli.WithHint(fmt.Errorf("%s: %s: is no key that the program knows", file, key), "the keys there are: %s", neighbours(key))
	}
	return nil
}

// flatten gives the values below their whole key. A section holds keys, a key no section.
func flatten(tree map[string]any) (map[string]any, error) {
	values := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(tree)) {
		inner, isTable := tree[key].(map[string]any)
		switch {
		case isTable && !slices.Contains(sections(), key):
			return nil, cli.WithHint(fmt.Errorf("[%s]: is no section that the program knows", key), "the sections there are: %s", strings.Join(sections(), ", "))
		case slices.Contains(sections(), key) && !isTable:
			return nil, fmt.Errorf("%s: is a section: write [%s] and its keys below", key, key)
		case !isTable:
			values[key] = tree[key]
		}
		for below, value := range inner {
			values[key+"."+below] = value
		}
	}
	return values, nil
}

// sections are the parts that keys with a dot belong to.
func sections() []string {
	var out []string
	for _, s := range settings() {
		if section, _, has := strings.Cut(s.key, "."); has && !slices.Contains(out, section) {
			out = append(out, section)
		}
	}
	return out
}

// neighbours are the keys of the same section as an unknown one.
func neighbours(key string) string {
	section, _, nested := strings.Cut(key, ".")
	var out []string
	for _, s := range settings() {
		of, name, has := strings.Cut(s.key, ".")
		switch {
		case nested && has && of == section:
			out = append(out, name)
		case !nested && !has:
			out = append(out, s.key)
		}
	}
	return strings.Join(out, ", ")
}
