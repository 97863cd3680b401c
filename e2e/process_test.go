package e2e_test

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lonely is a program whose standard error is a pipe. The test reads its start and closes the pipe.
type lonely struct {
	url    string
	temp   string // its temporary directory
	c      *exec.Cmd
	exited chan error
}

func startLonely(t *testing.T, shell string, args ...string) *lonely {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	p := &lonely{temp: t.TempDir(), exited: make(chan error, 1)}
	p.c = exec.Command("sh", append([]string{"-c", shell + ` exec "$@"`, "sh", executable(t)}, args...)...)
	p.c.Env = append(os.Environ(), programVariable+"=1", "TMPDIR="+p.temp)
	p.c.Stderr = write
	err = p.c.Start()
	write.Close()
	if err != nil {
		t.Fatal(err)
	}
	go func() { p.exited <- p.c.Wait() }()
	t.Cleanup(func() { _ = p.c.Process.Kill() })
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if url, found := strings.CutPrefix(lines.Text(), "listening on "); found {
			p.url = url
			return p
		}
	}
	t.Fatal("the program does not print its address")
	return nil
}

func (p *lonely) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.c.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

func (p *lonely) answers(t *testing.T) {
	t.Helper()
	res, err := http.Get(p.url + "/readyz")
	if err != nil {
		t.Fatalf("the service is gone: %v", err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Errorf("got %s, want 200", res.Status)
	}
}

func (p *lonely) ends(t *testing.T) {
	t.Helper()
	select {
	case err := <-p.exited:
		if err != nil {
			t.Errorf("got %v, want an orderly end", err)
		}
	case <-time.After(patience):
		t.Error("the program does not end")
	}
}

// The service goes on when the reader of its log ends, whether or not the service manager ignores SIGPIPE.
func TestProcess_ReaderOfLogGoesAway(t *testing.T) {
	for name, shell := range map[string]string{"SIGPIPE by default": "", "SIGPIPE ignored": "trap '' PIPE;"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := startLonely(t, shell, "serve", "--data", filepath.Join(t.TempDir(), "data"), "--listen", "localhost:0")
			for range 3 {
				p.signal(t, syscall.SIGHUP) // the service logs it
				p.answers(t)
			}
			p.signal(t, syscall.SIGTERM)
			p.ends(t)
		})
	}
}

func TestProcess_HangupReadsTheConfigurationAndEndsNothing(t *testing.T) {
	t.Parallel()
	p := Serve(t, Options{})
	for range 2 {
		from := p.log.size()
		if err := p.command.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		if p.log.await(from, "read the configuration again", p.exited) == "" {
			t.Fatalf("SIGHUP is not in the log:\n%s", p.log)
		}
	}
}

// A demonstration belongs to its terminal: it ends with it and removes its data.
func TestProcess_TerminalOfDemoCloses(t *testing.T) {
	t.Parallel()
	p := startLonely(t, "", "serve", "--demo", "--listen", "localhost:0")
	p.signal(t, syscall.SIGHUP)
	p.ends(t)
	if left, err := filepath.Glob(filepath.Join(p.temp, "barillet-demo-*")); err != nil || len(left) > 0 {
		t.Errorf("got %q, %v left behind, want nothing", left, err)
	}
}
