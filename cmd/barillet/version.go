package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/store"
)

func (p *program) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "version", Short: "print the versions of the program and of the store format",
		Args: cli.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			if p.JSON {
				return p.Result(map[string]any{"version": version(), "storeFormat": store.Format})
			}
			fmt.Fprintf(p.Stdout, "barillet %s, store format %d\n", version(), store.Format)
			return nil
		},
	}
	p.JSONFlag(c)
	return c
}

// version returns the release or the commit from which the program was built.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return "built from source"
}
