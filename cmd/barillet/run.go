package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/backups"
	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/manual"
	"barillet/cmd/barillet/passwords"
	"barillet/cmd/barillet/restore"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is one run of the program.
type program struct{ cli.Program }

// run runs the program until it is done or ctx ends. It prints only results on stdout, and everything else on stderr.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	p := &program{cli.Program{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: os.Environ(), Zone: zone(), Now: now}}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// report prints an error and its hint, and returns the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "barillet: %v\n", err)
	if h, ok := errors.AsType[*cli.HintError](err); ok {
		fmt.Fprintf(stderr, "hint: %s\n", h.Hint)
	}
	if _, ok := errors.AsType[*cli.UsageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// flagName matches the name of a flag in the help.
var flagName = regexp.MustCompile(`(?m)^ +(?:-\w, )?--([\w-]+)`)

// root returns the root command.
func (p *program) root() *cobra.Command {
	root := cli.Parent("barillet", "run and administer a login service with a second factor")
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		if name, unknown := strings.CutPrefix(err.Error(), "unknown flag: --"); unknown {
			var names []string
			for _, line := range flagName.FindAllStringSubmatch(c.Flags().FlagUsages(), -1) {
				names = append(names, line[1])
			}
			if near := config.Nearest(name, names); near != "" {
				err = fmt.Errorf("%w: did you mean --%s?", err, near)
			}
		}
		return cli.WithHint(&cli.UsageError{Err: err}, "%s --help lists the flags", c.CommandPath())
	})
	root.AddCommand(p.serveCommand(), p.checkCommand(), p.configCommand(), p.compactCommand(), p.versionCommand(), passwords.Command(&p.Program),
		restore.Command(&p.Program, p.openRestored), manual.Command(version()))
	manager := p.manager()
	backup := manager.Backup()
	backup.AddCommand(backups.VerifyCommand(&p.Program))
	root.AddCommand(append(manager.Commands(), backup)...)
	return root
}
