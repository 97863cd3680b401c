package config

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"barillet/internal/input"
)

// Setting is one key of the configuration and the field of a config that holds its value.
type Setting struct {
	Key   string // the key in the file, with its section before a dot
	Tag   reflect.StructTag
	field any // a pointer
}

// Settings returns the settings of c in the order of the struct.
func (c *Config) Settings() (out []Setting) {
	var walk func(section string, v reflect.Value)
	walk = func(section string, v reflect.Value) {
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key, tagged := field.Tag.Lookup("toml")
			if tagged && field.Type.Name() == "" { // an anonymous struct is a section
				walk(key+".", v.Field(i))
			} else if tagged {
				out = append(out, Setting{section + key, field.Tag, v.Field(i).Addr().Interface()})
			}
		}
	}
	walk("", reflect.ValueOf(c).Elem())
	return out
}

// defaults returns a configuration with the default of every setting.
func Defaults() (c Config) {
	for _, s := range c.Settings() {
		if value, has := s.Tag.Lookup("default"); has {
			if err := s.set(value); err != nil {
				panic(fmt.Sprintf("default of %s: %v", s.Key, err)) // each test that loads a configuration would fail
			}
		}
	}
	return c
}

// Source is where the value of a setting comes from.
type Source string

// The sources of values.
const (
	FromDefault     Source = "default"
	FromFile        Source = "file"
	FromEnvironment Source = "environment"
	FromFlag        Source = "flag"
)

// given is a value as its source has it.
type given struct {
	text   string
	source Source
}

// set sets the settings of which a source has a value. An error comes with the key of its setting.
func (c *Config) set(values map[string]string, source Source) (key string, err error) {
	for _, s := range c.Settings() {
		value, has := values[s.Key]
		if !has {
			continue
		}
		if err := s.set(value); err != nil {
			return s.Key, err
		}
		if c.given == nil {
			c.given = map[string]given{}
		}
		c.given[s.Key] = given{value, source}
	}
	return "", nil
}

// Value returns the value of a setting as a file has it, and its source. The value is empty for a setting without value and default.
func (c *Config) Value(s Setting) (value string, source Source) {
	if g, is := c.given[s.Key]; is {
		return s.toml(g.text), g.source
	}
	if text, has := s.Tag.Lookup("default"); has {
		return s.toml(text), FromDefault
	}
	return "", FromDefault
}

// toml returns a value as TOML.
func (s Setting) toml(text string) string {
	switch s.tomlType() {
	case "String":
		return quoteTOML(text)
	case "Array":
		list := items([]byte(text))
		for i, item := range list {
			list[i] = quoteTOML(item)
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	return text
}

// quoteTOML returns a basic string of TOML. A value has no control characters.
func quoteTOML(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// set parses a value of a file, a variable or a flag, and stores it.
func (s Setting) set(text string) error {
	switch field := s.field.(type) {
	case encoding.TextUnmarshaler:
		return field.UnmarshalText([]byte(text))
	case *bool:
		*field = text == "true"
		return s.want(*field || text == "false")
	case *int:
		n, err := strconv.Atoi(text)
		*field = n
		return s.want(err == nil && within(n, s.Tag, strconv.Atoi))
	case *time.Duration:
		d, err := time.ParseDuration(text)
		*field = d
		return s.want(err == nil && within(d, s.Tag, time.ParseDuration))
	case *string:
		oneof, isChoice := s.Tag.Lookup("oneof")
		_, isLabel := s.Tag.Lookup("max") // shown on pages
		printable := utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
		*field = text
		switch {
		case isChoice:
			return s.want(slices.Contains(strings.Split(oneof, ","), text))
		case isLabel:
			name, reason := input.Name(text, len(text))
			*field = name
			return s.want(printable && reason == "" && within(utf8.RuneCountInString(*field), s.Tag, strconv.Atoi))
		case strings.TrimSpace(text) == "":
			return errors.New("is empty: remove the key instead")
		case !printable:
			return errors.New("contains a control character")
		}
		return nil
	}
	panic(fmt.Sprintf("no setting can have the type %T", s.field))
}

// want returns nil if ok, else an error that describes the values of the setting.
func (s Setting) want(ok bool) error {
	least, most, oneof := s.Tag.Get("min"), s.Tag.Get("max"), s.Tag.Get("oneof")
	switch kind := s.tomlType(); {
	case ok:
		return nil
	case kind == "Bool":
		return errors.New("want true or false")
	case kind == "Integer":
		return fmt.Errorf("want a whole number from %s to %s", least, most)
	case kind == "Array":
		return errors.New("want a list of texts in quotes")
	case oneof != "":
		return fmt.Errorf("want one of %s", strings.ReplaceAll(oneof, ",", ", "))
	case s.isDuration():
		return fmt.Errorf("want a duration from %s to %s, such as \"45m\" or \"1h30m\"", least, most)
	case most != "":
		return fmt.Errorf("want %s to %s characters", least, most)
	}
	return errors.New("want a text in quotes")
}

func (s Setting) isDuration() bool {
	return reflect.TypeOf(s.field) == reflect.TypeFor[*time.Duration]()
}

// tomlType returns the type of the setting in a file. A duration is a text.
func (s Setting) tomlType() string {
	switch reflect.TypeOf(s.field).Elem().Kind() {
	case reflect.Bool:
		return "Bool"
	case reflect.Int:
		return "Integer"
	case reflect.Slice, reflect.Struct:
		return "Array"
	}
	return "String"
}

// within reports whether n is within the tags min and max.
func within[N int | time.Duration](n N, tag reflect.StructTag, parse func(string) (N, error)) bool {
	least, err := parse(tag.Get("min"))
	most, err2 := parse(tag.Get("max"))
	return err == nil && err2 == nil && least <= n && n <= most
}

// Flags are the flag --config and the flags that set a setting.
type Flags struct {
	File   string             // of --config
	values map[string]*string // by key
	cobra  *cobra.Command
}

// Register adds --config, --data and the flags of further keys to a command.
func (f *Flags) Register(c *cobra.Command, keys ...string) {
	f.cobra, f.values = c, map[string]*string{}
	c.Flags().StringVar(&f.File, "config", "", "configuration file (TOML)")
	for _, s := range new(Config).Settings() {
		if s.Key == "data" || slices.Contains(keys, s.Key) {
			f.values[s.Key] = c.Flags().String(FlagOf(s.Key), "", s.Tag.Get("usage"))
		}
	}
}

func FlagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// Given returns the values of the flags that the command line sets.
func (f *Flags) Given() map[string]string {
	out := map[string]string{}
	for key, value := range f.values {
		if f.cobra.Flags().Changed(FlagOf(key)) {
			out[key] = *value
		}
	}
	return out
}

// Load returns the configuration of a command.
func (f *Flags) Load(environ []string) (*Config, error) {
	return Load(f.File, environ, f.Given())
}
