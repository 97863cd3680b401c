package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// settingFlags are the flags that are settings too, and where the configuration file is.
type settingFlags struct {
	file   string
	values map[string]*string // by key
	cobra  *cobra.Command
}

// usages are what --help says of a setting.
var usages = map[string]string{
	"data":           "data folder",
	"listen":         "host and port to listen at; port 0 takes a free one",
	"public_url":     "what browsers type: https, or http://localhost",
	"key_file":       "keys of the house (default DATA/" + keyName + ")",
	"default_locale": "language of whoever shows none: fr or en",
	"log_format":     "text or json",
}

// register adds --config, --data and the flags of further keys to a command.
func (f *settingFlags) register(c *cobra.Command, keys ...string) {
	f.cobra, f.values = c, map[string]*string{}
	c.Flags().StringVar(&f.file, "config", "", "configuration file (TOML)")
	for _, key := range append([]string{"data"}, keys...) {
		f.values[key] = c.Flags().String(flagOf(key), "", usages[key])
	}
}

func flagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// given are the values of the flags that stand on the line.
func (f *settingFlags) given() map[string]string {
	out := map[string]string{}
	for key, value := range f.values {
		if f.cobra.Flags().Changed(flagOf(key)) {
			out[key] = *value
		}
	}
	return out
}

// load reads the configuration.
func (f *settingFlags) load(p *program) (*config, error) {
	return load(f.file, p.Environ, f.given())
}
