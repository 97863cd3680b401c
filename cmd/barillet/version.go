package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/store"
)

// The linker sets these with -X if the program is built from an archive, without the repository.
var releaseVersion, releaseCommit, releaseTime string

// build describes how the program was built. An unknown field is empty.
type build struct {
	version, commit, time string // time is that of the commit
	modified              bool   // the source differs from the commit
}

// buildInfo returns what the linker recorded.
func buildInfo() build {
	b := build{version: releaseVersion, commit: releaseCommit, time: releaseTime}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.commit = cmp.Or(b.commit, s.Value)
		case "vcs.time":
			b.time = cmp.Or(b.time, s.Value)
		case "vcs.modified":
			b.modified = s.Value == "true"
		}
	}
	if v := info.Main.Version; v != "(devel)" {
		b.version = cmp.Or(b.version, v)
	}
	return b
}

// version returns the release or the commit from which the program was built.
func version() string {
	b := buildInfo()
	return cmp.Or(b.version, b.commit[:min(12, len(b.commit))], "built from source")
}

func (p *program) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "version", Short: "print the version, the commit and the build of the program, and the version of the store format",
		Args: cli.ExactArgs(),
		RunE: func(*cobra.Command, []string) error {
			b, target := buildInfo(), runtime.GOOS+"/"+runtime.GOARCH
			if p.JSON {
				return p.Result(map[string]any{"version": version(), "storeFormat": store.Format, "commit": b.commit, "commitTime": b.time,
					"modified": b.modified, "go": runtime.Version(), "target": target})
			}
			fmt.Fprintf(p.Stdout, "barillet %s, store format %d\n", version(), store.Format)
			if b.commit != "" {
				fmt.Fprintf(p.Stdout, "commit %s of %s, modified: %t\n", b.commit, b.time, b.modified)
			}
			fmt.Fprintf(p.Stdout, "built with %s for %s\n", runtime.Version(), target)
			return nil
		},
	}
	p.JSONFlag(c)
	return c
}
