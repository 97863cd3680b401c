// Package manual writes the man pages of the program from its commands and its settings.
package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
)

// Command returns the hidden command that writes the pages into a directory. The release calls it.
func Command(version string) *cobra.Command {
	return &cobra.Command{
		Use: "manual DIR", Short: "write the man pages into a directory", Hidden: true,
		Args: cli.ExactArgs("DIR"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("writing man pages: %w", err)
			}
			pages := map[string]string{"barillet.toml.5": Settings(version)}
			collect(c.Root(), version, pages)
			for name, text := range pages {
				if err := os.WriteFile(filepath.Join(args[0], name), []byte(text), 0o644); err != nil {
					return fmt.Errorf("writing man page: %w", err)
				}
			}
			return nil
		},
	}
}

// collect adds the pages of a command and of those below it, by file name.
func collect(c *cobra.Command, version string, pages map[string]string) {
	if c.Hidden || c.Name() == "help" {
		return
	}
	pages[pageName(c)+".1"] = Page(c, version)
	for _, below := range c.Commands() {
		collect(below, version, pages)
	}
}

// pageName returns the name of the page of a command: "barillet-user-add".
func pageName(c *cobra.Command) string { return strings.ReplaceAll(c.CommandPath(), " ", "-") }

// Page returns the page of a command in the macros of man(7).
func Page(c *cobra.Command, version string) string {
	c.InitDefaultHelpFlag()
	var b strings.Builder
	fmt.Fprintf(&b, ".TH %s 1 \"\" \"barillet %s\" \"Barillet\"\n", quote(strings.ToUpper(pageName(c))), escape(version))
	fmt.Fprintf(&b, ".SH NAME\n%s \\- %s\n", escape(pageName(c)), escape(c.Short))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B %s\n", escape(c.UseLine()))
	if c.Long != "" {
		fmt.Fprintf(&b, ".SH DESCRIPTION\n%s", text(c.Long))
	}
	if flags := c.NonInheritedFlags(); flags.HasAvailableFlags() {
		fmt.Fprintf(&b, ".SH OPTIONS\n.nf\n%s.fi\n", text(strings.TrimRight(flags.FlagUsages(), "\n")))
	}
	if c.Example != "" {
		fmt.Fprintf(&b, ".SH EXAMPLES\n.nf\n%s.fi\n", text(c.Example))
	}
	var also []string
	if c.HasParent() {
		also = append(also, pageName(c.Parent()))
	}
	for _, below := range c.Commands() {
		if !below.Hidden && below.Name() != "help" {
			also = append(also, pageName(below))
		}
	}
	b.WriteString(".SH SEE ALSO\n")
	for _, name := range also {
		fmt.Fprintf(&b, ".BR %s (1),\n", escape(name))
	}
	b.WriteString(".BR barillet.toml (5)\n")
	return b.String()
}

// Settings returns the page of the configuration file.
func Settings(version string) string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH BARILLET.TOML 5 \"\" \"barillet %s\" \"Barillet\"\n", escape(version))
	b.WriteString(".SH NAME\nbarillet.toml \\- configuration of barillet\n.SH DESCRIPTION\n")
	b.WriteString("A TOML file. A dot in the name of a setting separates the section from the key.\nEvery setting is also an environment variable: " +
		"BARILLET_SMTP_HOST is smtp.host.\nA flag overrides the environment, and the environment the file.\n.SH SETTINGS\n")
	for _, s := range new(config.Config).Settings() {
		fmt.Fprintf(&b, ".TP\n.B %s\n%s.\n", escape(s.Key), escape(upper(s.Tag.Get("usage"))))
		if words := s.Tag.Get("oneof"); words != "" {
			fmt.Fprintf(&b, "One of: %s.\n", escape(strings.ReplaceAll(words, ",", ", ")))
		}
		if least := s.Tag.Get("min"); least != "" {
			fmt.Fprintf(&b, "From %s to %s.\n", escape(least), escape(s.Tag.Get("max")))
		}
		if value, has := s.Tag.Lookup("default"); has {
			fmt.Fprintf(&b, "Default: %s.\n", escape(value))
		}
	}
	b.WriteString(".SH SEE ALSO\n.BR barillet (1),\n.BR barillet-serve (1)\n")
	return b.String()
}

// text returns lines that man(7) does not read as requests. It ends with a line break.
func text(s string) string {
	lines := strings.Split(escape(s), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		} else if line == "" {
			lines[i] = ".sp"
		}
	}
	return strings.Join(lines, "\n") + "\n"
}

func escape(s string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(s)
}

func quote(s string) string { return `"` + escape(s) + `"` }

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
