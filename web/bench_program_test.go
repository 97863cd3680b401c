package web_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"barillet/authn/authntest"
)

// BenchmarkProgram is the built program itself: its size, how long after a clean stop until its first 200, its memory
// before the load, and its highest while 64 clients sign in.
func BenchmarkProgram(b *testing.B) {
	binary := filepath.Join(b.TempDir(), "barillet")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", binary, "barillet/cmd/barillet")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.Fatalf("building the program: %v\n%s", err, out)
	}
	info, err := os.Stat(binary)
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	crowd := authntest.SeedDataDir(b, folder, 1000)
	for b.Loop() { // once: it takes longer than -benchtime
		startProgram(b, binary, folder).stop(b) // the first start checks whatever the crowd left
		p := startProgram(b, binary, folder)
		b.ReportMetric(p.took.Seconds()*1e3, "start-ms")
		time.Sleep(time.Second)
		b.ReportMetric(p.memory(b, "VmRSS"), "idle-MiB")
		j := signInsOf(crowd, crowd.CodeAt(time.Now()), p.address)
		j.Clients, j.For = 64, max(4*legTime(), 4*time.Second)
		t := load(b, j)
		b.ReportMetric(t.rate(), "sign-ins/s")
		b.ReportMetric(p.memory(b, "VmHWM"), "peak-MiB")
		p.stop(b)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size())/1e6, "binary-MB")
}

// running is a program that answers.
type running struct {
	command *exec.Cmd
	address string
	took    time.Duration // from its start to its first 200
}

func startProgram(b *testing.B, binary, folder string) *running {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free now
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	p := &running{command: exec.CommandContext(b.Context(), binary, "serve"), address: address}
	p.command.Env = append(os.Environ(), "BARILLET_DATA="+folder, "BARILLET_LISTEN="+address, "BARILLET_LOG_FORMAT=json",
		"BARILLET_PUBLIC_URL=https://login.example", "BARILLET_TRUSTED_PROXIES=127.0.0.0/8")
	said := &logged{}
	p.command.Stderr = said
	began := time.Now()
	if err := p.command.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { p.command.Process.Kill() }) // of one that was stopped: no such process
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	for !healthy(ctx, address) {
		if ctx.Err() != nil {
			b.Fatalf("the program does not answer:\n%s", said)
		}
		time.Sleep(500 * time.Microsecond)
	}
	p.took = time.Since(began)
	return p
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

func (p *running) stop(b *testing.B) {
	b.Helper()
	http.DefaultClient.CloseIdleConnections()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := p.command.Wait(); err != nil {
		b.Fatalf("stopping the program: %v", err)
	}
}

// memory is a line of the program's /proc/PID/status, in MiB. It counts pages of the mapped store file too.
func (p *running) memory(b *testing.B, line string) float64 {
	b.Helper()
	_, rest, _ := strings.Cut(readFile(b, fmt.Sprintf("/proc/%d/status", p.command.Process.Pid)), line+":")
	rest, _, _ = strings.Cut(rest, "kB")
	n, err := strconv.Atoi(strings.TrimSpace(rest))
	if err != nil {
		b.Fatal(err)
	}
	return float64(n) / 1024
}
