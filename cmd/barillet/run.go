package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// program is one run of the command line.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	json           bool // results on stdout as JSON
}

// run is the program: what it prints goes to stdout (results alone) and stderr (everything else), and it
// returns when it is done or ctx has ended.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	p := &program{stdin: stdin, stdout: stdout, stderr: stderr, environ: os.Environ()}
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
	if h, ok := errors.AsType[*hintError](err); ok {
		fmt.Fprintf(stderr, "hint: %s\n", h.hint)
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usageError is a command line that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func misused(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// hintError is an error whose cure we know.
type hintError struct {
	err  error
	hint string
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

func withHint(err error, format string, args ...any) error {
	return &hintError{err, fmt.Sprintf(format, args...)}
}

// note says something that is no result.
func (p *program) note(format string, args ...any) {
	fmt.Fprintf(p.stderr, format+"\n", args...)
}

// root is the whole command line.
func (p *program) root() *cobra.Command {
	root := parent("barillet", "the login service of a garage: password, phone or YubiKey, and a way back after a lost phone")
	root.Version = version()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return withHint(&usageError{err}, "%s --help lists the flags", c.CommandPath())
	})
	root.AddCommand(p.serveCommand(), p.tokenCommand(), p.userCommand(), p.factorsCommand(), p.groupCommand(),
		p.helpRequestCommand(), p.versionCommand())
	return root
}

// parent is a command that does nothing but have others below it.
func parent(name, short string) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return withHint(misused("%s has no command %q", c.CommandPath(), args[0]), "%s --help lists them", c.CommandPath())
		},
		RunE: func(c *cobra.Command, _ []string) error {
			return withHint(misused("%s does nothing alone", c.CommandPath()), "%s --help lists its commands", c.CommandPath())
		},
	}
}

// exactly demands so many arguments, named for the message.
func exactly(names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == len(names):
			return nil
		case len(args) < len(names):
			return withHint(misused("%s: %s is missing", c.CommandPath(), names[len(args)]), "%s --help", c.CommandPath())
		}
		// The argument is not repeated: it may be a secret given in the wrong place.
		return withHint(misused("%s takes %d arguments, not %d", c.CommandPath(), len(names), len(args)), "%s --help", c.CommandPath())
	}
}
