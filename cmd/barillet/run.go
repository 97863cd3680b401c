package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/manual"
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

// root returns the root command.
func (p *program) root() *cobra.Command {
	root := cli.Parent("barillet", "run and administer a login service with a second factor")
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return cli.WithHint(&cli.UsageError{Err: err}, "%s --help lists the flags", c.CommandPath())
	})
	root.AddCommand(p.serveCommand(), p.checkCommand(), p.compactCommand(), p.versionCommand(), manual.Command(version()))
	root.AddCommand(p.manager().Commands()...)
	return root
}
