package e2e_test

import (
	"bytes"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before a test gives up. It is long,
// since it is met by broken programs only: nothing here measures time.
const patience = 60 * time.Second

// built is the program, built once a run.
var built struct {
	once   sync.Once
	folder string
	path   string
	err    error
}

// Options say how a program is started. The zero value serves with the
// program's own defaults in an empty data folder.
type Options struct {
	Executable string   // empty: cmd/barillet
	Config     string   // the text of the TOML file; empty: no file
	Data       string   // the data folder; empty: a new one
	Args       []string // further arguments of serve
	Env        []string // further environment, NAME=value
	Own        bool     // Args are all arguments, for --demo and for stand-ins
}

// Program is a running service.
type Program struct {
	URL   string // http://localhost:PORT, no slash at the end
	Data  string
	Clock *Clock

	tb         testing.TB
	executable string
	args       []string
	env        []string
	command    *exec.Cmd
	log        *logBuffer
	said       *logBuffer // on its standard output
	exited     chan error
}

// Serve starts the program and waits until it says that it listens. It is
// stopped when the test ends.
func Serve(tb testing.TB, o Options) *Program {
	tb.Helper()
	p := &Program{Data: o.Data, Clock: newClock(tb), tb: tb, executable: o.Executable, log: &logBuffer{}, said: &logBuffer{}}
	if p.executable == "" {
		p.executable = executable(tb)
	}
	if p.Data == "" {
		p.Data = filepath.Join(tb.TempDir(), "data")
	}
	p.env = append(append(os.Environ(), programVariable+"=1", clockVariable+"="+p.Clock.file), o.Env...)
	p.args = o.Args
	if !o.Own {
		p.args = append([]string{"serve", "--data", p.Data, "--listen", "localhost:0"}, o.Args...)
	}
	if o.Config != "" {
		file := filepath.Join(tb.TempDir(), "barillet.toml")
		if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
			tb.Fatalf("writing the configuration: %v", err)
		}
		p.args = append(p.args, "--config", file)
	}
	tb.Cleanup(func() {
		if p.command != nil {
			p.Stop()
		}
	})
	p.start()
	return p
}

// builtVariable names the program for test binaries that a test starts.
const builtVariable = "BARILLET_TESTING_BUILT"

// executable builds the test binary of cmd/barillet, which acts as the
// program and has a clock that can be moved.
func executable(tb testing.TB) string {
	tb.Helper()
	built.once.Do(func() {
		if built.path = os.Getenv(builtVariable); built.path != "" {
			return
		}
		if built.folder, built.err = os.MkdirTemp("", "barillet-e2e-"); built.err != nil {
			return
		}
		built.path = filepath.Join(built.folder, "barillet")
		out, err := exec.Command("go", "test", "-c", "-o", built.path, "barillet/cmd/barillet").CombinedOutput()
		if err != nil {
			built.err = errors.New(err.Error() + "\n" + string(out))
			return
		}
		built.err = os.Setenv(builtVariable, built.path)
	})
	if built.err != nil {
		tb.Fatalf("building the program: %v", built.err)
	}
	return built.path
}

func (p *Program) start() {
	p.tb.Helper()
	p.command = exec.Command(p.executable, p.args...)
	p.command.Env = p.env
	p.command.Stderr, p.command.Stdout = p.log, p.said
	from := p.log.size()
	if err := p.command.Start(); err != nil {
		p.tb.Fatalf("starting the program: %v", err)
	}
	p.exited = make(chan error, 1)
	go func(c *exec.Cmd, exited chan<- error) { exited <- c.Wait() }(p.command, p.exited)
	line := p.log.await(from, "listening on ", p.exited)
	if line == "" {
		command := p.command
		p.command = nil
		_ = command.Process.Kill()
		p.tb.Fatalf("the program does not say that it listens; its log:\n%s", p.log)
	}
	p.URL = strings.TrimRight(strings.Fields(line)[0], "/\"")
	// A second start takes the same port: browsers and mails know it.
	if at, err := url.Parse(p.URL); err == nil {
		for i, arg := range p.args {
			if arg == "localhost:0" {
				p.args[i] = "localhost:" + at.Port()
			}
		}
	}
}

// Stop asks the program to end, as an operator would, and fails the test if
// it does not end well.
func (p *Program) Stop() {
	p.tb.Helper()
	if err := p.end(syscall.SIGTERM); err != nil {
		p.tb.Errorf("stopping the program: %v; its log:\n%s", err, p.log)
	}
}

// Kill ends the program as a power cut would.
func (p *Program) Kill() {
	p.tb.Helper()
	if err := p.end(syscall.SIGKILL); err == nil {
		p.tb.Error("the program ended well although it was killed")
	}
}

func (p *Program) end(signal syscall.Signal) error {
	p.tb.Helper()
	command := p.command
	if command == nil {
		p.tb.Fatal("the program does not run")
	}
	p.command = nil
	if err := command.Process.Signal(signal); err != nil {
		p.tb.Errorf("telling the program %v: %v", signal, err)
	}
	select {
	case err := <-p.exited:
		return err
	case <-time.After(patience):
		_ = command.Process.Kill()
		return errors.New("it does not end")
	}
}

// Restart starts the program again on the same data and port, after Stop or
// Kill or in their place.
func (p *Program) Restart() {
	p.tb.Helper()
	if p.command != nil {
		p.Stop()
	}
	p.start()
}

// Done is what a subcommand said.
type Done struct {
	Stdout, Stderr string
	Code           int
}

// Run runs a subcommand, with --data after its arguments, and with the same
// clock as the service.
func (p *Program) Run(args ...string) Done {
	p.tb.Helper()
	return runProgram(p.tb, p.executable, p.env, append(args, "--data", p.Data)...)
}

func runProgram(tb testing.TB, executable string, env []string, args ...string) Done {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(tb.Context(), executable, args...)
	command.Env, command.Stdout, command.Stderr = env, &stdout, &stderr
	err := command.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		tb.Fatalf("running %q: %v", args, err)
	}
	return Done{Stdout: stdout.String(), Stderr: stderr.String(), Code: command.ProcessState.ExitCode()}
}

// OK fails the test unless the subcommand succeeded, and gives its output
// without the end of the line.
func (d Done) OK(tb testing.TB) string {
	tb.Helper()
	if d.Code != 0 {
		tb.Fatalf("got exit code %d, want 0; it said:\n%s", d.Code, d.Stderr)
	}
	return strings.TrimRight(d.Stdout, "\n")
}
