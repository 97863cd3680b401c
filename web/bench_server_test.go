package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server is a process under load: the built program or the floor.
type server struct {
	command *exec.Cmd
	address string
	took    time.Duration  // of the program, from its start to its first 200
	in      io.WriteCloser // of the floor, which ends with it
}

var program struct {
	once sync.Once
	dir  string
	err  error
}

// builtProgram returns the program, built as `make build` does, once for all benchmarks of the process.
func builtProgram(b *testing.B) string {
	b.Helper()
	program.once.Do(func() {
		if program.dir, program.err = os.MkdirTemp("", "barillet-bench-"); program.err != nil {
			return
		}
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program.dir+"/barillet", "barillet/cmd/barillet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			program.err = fmt.Errorf("building the program: %v\n%s", err, out)
		}
	})
	if program.err != nil {
		b.Fatal(program.err)
	}
	return program.dir + "/barillet"
}

// startProgram starts the built program with its own settings, apart from env.
func startProgram(b *testing.B, dir string, env ...string) *server {
	b.Helper()
	binary := builtProgram(b)
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	s := &server{command: exec.CommandContext(b.Context(), binary, "serve"), address: address}
	s.command.Env = append(append(os.Environ(), "BARILLET_DATA="+dir, "BARILLET_LISTEN="+address, "BARILLET_LOG_FORMAT=json",
		"BARILLET_PUBLIC_URL=https://login.example", "BARILLET_TRUSTED_PROXIES=127.0.0.0/8", "BARILLET_FORWARD_AUTH_RULES="+wiki), env...)
	said := &logged{}
	s.command.Stderr = said
	began := time.Now()
	if err := s.command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.command.Process.Kill() }) // of one that was stopped: no such process
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	for !healthy(ctx, address) {
		if ctx.Err() != nil {
			b.Fatalf("the program does not answer:\n%s", said)
		}
		time.Sleep(500 * time.Microsecond)
	}
	s.took = time.Since(began)
	return s
}

func healthy(ctx context.Context, address string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// startFloor starts the floor.
func startFloor(b *testing.B, plan floorPlan) *server {
	b.Helper()
	s := &server{command: exec.CommandContext(b.Context(), os.Args[0])}
	s.command.Env, s.command.Stderr = append(os.Environ(), roleEnv+"=floor"), os.Stderr
	var err error
	if s.in, err = s.command.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := s.command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.command.Process.Kill() })
	if err := json.NewEncoder(s.in).Encode(plan); err != nil {
		b.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("starting the floor: %v", err)
	}
	s.address = strings.TrimSpace(line)
	return s
}

func (s *server) stop(b *testing.B) {
	b.Helper()
	http.DefaultClient.CloseIdleConnections()
	var err error
	if s.in != nil {
		err = s.in.Close()
	} else {
		err = s.command.Process.Signal(syscall.SIGTERM)
	}
	if err == nil {
		err = s.command.Wait()
	}
	if err != nil {
		b.Fatalf("stopping a server: %v", err)
	}
}

// rest waits until the program is at rest: its keys are made, the log of its store has its numbers and is signed, and in more than
// two rounds of the sequencer it wrote nothing and used nearly no CPU.
func (s *server) rest(b *testing.B) {
	b.Helper()
	const quiet, nearlyNone = 2500 * time.Millisecond, 30 * time.Millisecond
	for limit := time.Now().Add(5 * time.Minute); time.Now().Before(limit); {
		cpu, written := s.cpu(b), s.written(b)
		time.Sleep(quiet)
		if s.cpu(b)-cpu <= nearlyNone && s.written(b) == written {
			return
		}
	}
	b.Fatal("the program does not come to rest")
}

// proc returns a file of the process in /proc.
func (s *server) proc(b *testing.B, name string) string {
	b.Helper()
	return readFile(b, fmt.Sprintf("/proc/%d/%s", s.command.Process.Pid, name))
}

// line returns the number after a name and a colon in a file of the process in /proc.
func (s *server) line(b *testing.B, file, name string) int64 {
	b.Helper()
	_, rest, _ := strings.Cut("\n"+s.proc(b, file), "\n"+name+":")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		b.Fatalf("/proc has no %s in %s", name, file)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

// memory returns VmHWM, VmRSS or RssAnon, in MiB. The first two count pages of the mapped store file too.
func (s *server) memory(b *testing.B, name string) float64 {
	return float64(s.line(b, "status", name)) / 1024
}

// written returns the bytes that the process wrote so far, to its store and to its clients. What the kernel calls write_bytes
// counts whole folios of up to 2 MiB.
func (s *server) written(b *testing.B) int64 { return s.line(b, "io", "wchar") }

// cpu returns the CPU that the process has used so far, in steps of 10 ms.
func (s *server) cpu(b *testing.B) time.Duration {
	b.Helper()
	_, rest, _ := strings.Cut(s.proc(b, "stat"), ") ")
	fields, ticks := strings.Fields(rest), int64(0)
	for _, field := range fields[11:13] { // utime and stime: proc_pid_stat(5)
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / 100
}

// copyDir copies a data directory that no process has open, and waits until the copy is on disk: otherwise the first commit of
// the program would.
func copyDir(b *testing.B, from string) string {
	b.Helper()
	to := b.TempDir()
	for _, name := range []string{"barillet.db", "barillet.key"} {
		f, err := os.OpenFile(filepath.Join(to, name), os.O_CREATE|os.O_WRONLY, 0o600)
		if err == nil {
			_, err = f.WriteString(readFile(b, filepath.Join(from, name)))
			err = errors.Join(err, f.Sync(), f.Close())
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return to
}
