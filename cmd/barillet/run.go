package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"barillet/cmd/barillet/cli"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is one run of the command line.
type program struct{ cli.Program }

// run is the program: what it prints goes to stdout (results alone) and stderr (everything else), and it
// returns when it is done or ctx has ended.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	p := &program{cli.Program{Stdin: stdin, Stdout: stdout, Stderr: stderr, Environ: os.Environ(), Zone: zone(), Now: now}}
	root := p.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return root.ExecuteContext(ctx)
}

// report says what went wrong, with the cure where we know one, and gives the exit code.
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

// root is the whole command line.
func (p *program) root() *cobra.Command {
	root := cli.Parent("barillet", "the login service of a garage: password, phone or YubiKey, and a way back after a lost phone")
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return cli.WithHint(&cli.UsageError{Err: err}, "%s --help lists the flags", c.CommandPath())
	})
	root.AddCommand(p.serveCommand(), p.versionCommand())
	root.AddCommand(p.manager().Commands()...)
	return root
}
