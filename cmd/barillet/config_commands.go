package main

import (
	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
)

// serveKeys are the settings that are flags of serve.
var serveKeys = []string{"listen", "public_url", "key_file", "default_locale", "log_format"}

func (p *program) configCommand() *cobra.Command {
	example := &cobra.Command{
		Use: "example", Short: "print a configuration file with every setting in a comment",
		Args: cli.ExactArgs(),
		RunE: func(*cobra.Command, []string) error { return p.Line("%s", config.Example()) },
	}
	var flags config.Flags
	check := &cobra.Command{
		Use: "check", Short: "check the configuration and print each setting and its source",
		Long: "Checks the configuration as serve does and prints each setting that has a value, and whether the file, the environment, a flag or the default\n" +
			"sets it. No setting is a secret.",
		Args: cli.ExactArgs(),
		RunE: func(*cobra.Command, []string) error { return p.checkConfig(&flags) },
	}
	flags.Register(check, serveKeys...)
	p.JSONFlag(check)
	return cli.Parent("config", "check the configuration, or print an example", check, example)
}

// checkConfig prints the settings in force.
func (p *program) checkConfig(flags *config.Flags) error {
	c, err := flags.Load(p.Environ)
	if err != nil {
		return err
	}
	for _, w := range c.Warnings {
		p.Note("warning: %s", w)
	}
	rows, all := [][]string{{"setting", "value", "source"}}, []map[string]string{}
	for _, s := range c.Settings() {
		value, source := c.Value(s)
		if value == "" {
			continue
		}
		rows = append(rows, []string{s.Key, value, string(source)})
		all = append(all, map[string]string{"setting": s.Key, "value": value, "source": string(source)})
	}
	if p.JSON {
		return p.Result(map[string]any{"settings": all, "warnings": append([]string{}, c.Warnings...)})
	}
	return p.Table(rows)
}
