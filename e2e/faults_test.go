package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"barillet/store/storetest"
)

// inject makes system calls of the running program fail or wait, by strace, until stop is called.
func (p *Program) inject(t *testing.T, fault string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := exec.CommandContext(ctx, "strace", "-f", "-o", os.DevNull, "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:"+fault, "-p", fmt.Sprint(p.command.Process.Pid))
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // it detaches
	said, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	for !lines.Scan() || !strings.Contains(lines.Text(), "attached") {
		if lines.Err() != nil || len(lines.Bytes()) == 0 {
			t.Fatalf("strace does not attach: %q, %v", lines.Text(), c.Wait())
		}
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines.Scan() {
		}
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-read
		_ = c.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// An EIO of a sync may have lost pages that the kernel calls clean: the program stores nothing more until it is started again.
func TestFault_FailedSyncStopsChangesUntilTheRestart(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	stop := h.inject(t, "error=EIO")
	if page := m.give(h.Visitor(t)); page.Status != 503 {
		t.Errorf("a change with EIO: got %d, want 503", page.Status)
	}
	stop()
	if page := m.give(h.Visitor(t)); page.Status != 503 {
		t.Errorf("a change after EIO: got %d, want 503", page.Status)
	}
	h.awaitReady(503, "not ready: store")
	if !m.signedIn() {
		t.Error("a session cannot be used after EIO")
	}
	h.endAnyhow()
	h.Restart()
	h.Run("audit", "verify").OK(t)
	m.signIn(h.Visitor(t))
	h.Stop()
	checkStore(t, filepath.Join(h.Data, "barillet.db"))
	h.Restart()
}

// Each sync takes two seconds: changes wait for it and succeed, and no reader does.
func TestFault_SlowDiskDelaysChangesOnly(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	stop := h.inject(t, "delay_enter=2000000")
	var changed atomic.Bool
	var change sync.WaitGroup
	v := h.Visitor(t)
	change.Go(func() {
		if page, err := v.Try("/login", "identifier", m.Login, "password", m.Password); err != nil || !page.Is("/login/factor") {
			t.Errorf("a change on a slow disk: got %s %d, %v", page.Path, page.Status, err)
		}
		changed.Store(true)
	})
	reads := 0
	for ; !changed.Load(); reads++ {
		if !m.signedIn() {
			t.Fatal("a session cannot be used on a slow disk")
		}
	}
	change.Wait()
	if reads < 5 {
		t.Errorf("got %d reads during a change: they wait for the disk", reads)
	}
	stop()
	m.signIn(h.Visitor(t))
}

func TestFault_ReadOnlyFileSystemStopsTheStartOnly(t *testing.T) {
	executable(t) // once, for both processes
	storetest.OnSmallDisk(t, 128, func(disk string) {
		h := Open(t, EnvOptions{Data: filepath.Join(disk, "data")})
		m := h.Member(t, "amelie@garage.example")
		h.Stop()
		command(t, "mount", "-o", "remount,ro", disk)
		done := runProgram(t, h.executable, h.env, h.args...)
		if done.Code != 1 || !strings.Contains(done.Stderr, "read-only file system") {
			t.Errorf("got code %d, %s, want the cause", done.Code, done.Stderr)
		}
		command(t, "mount", "-o", "remount,rw", disk)
		h.Restart()
		m.signIn(h.Visitor(t))
	})
}

// The program has no descriptor left: it accepts no connection, serves those it has, and goes on when descriptors are free.
func TestFault_NoFileDescriptorsRefusesNewConnectionsOnly(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{})
	m := h.Member(t, "amelie@garage.example")
	pid := fmt.Sprint(h.command.Process.Pid)
	open, err := os.ReadDir("/proc/" + pid + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	command(t, "prlimit", "--pid", pid, fmt.Sprintf("--nofile=%d:", len(open)+8))
	var conns []net.Conn
	for range 100 {
		conn, err := net.Dial("tcp", strings.TrimPrefix(h.URL, "http://"))
		if err != nil {
			break
		}
		conns = append(conns, conn)
	}
	if !m.signedIn() { // by the connection that is open
		t.Error("a session cannot be used without free descriptors")
	}
	for _, conn := range conns {
		conn.Close()
	}
	m.signIn(h.Visitor(t))
}

// Requests that began before the signal get their answers, the program ends well, and nothing that was told is lost.
func TestFault_StopUnderLoadAnswersWhatBegan(t *testing.T) {
	t.Parallel()
	const requests = 200
	h := Open(t, EnvOptions{Config: proxied})
	h.Member(t, "amelie@garage.example")
	address := strings.TrimPrefix(h.URL, "http://")
	body := "email=x%40garage.example&topic=phone_lost&message=x"
	type pending struct {
		conn    net.Conn
		answers *bufio.Reader
	}
	var all []pending
	for n := range requests {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /help/request HTTP/1.1\r\nHost: %s\r\nOrigin: %s\r\nX-Forwarded-For: 10.%d.3.7\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
			address, h.URL, n, len(body))
		answers := bufio.NewReader(conn)
		if res, err := http.ReadResponse(answers, nil); err != nil || res.StatusCode != http.StatusContinue {
			t.Fatalf("request %d: got %v, %v, want 100", n, res, err) // the handler reads the body now
		}
		all = append(all, pending{conn, answers})
	}
	mark := h.Mark()
	if err := h.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	h.AwaitLog(mark, "stopping")
	for _, p := range all {
		fmt.Fprint(p.conn, body)
	}
	for n, p := range all {
		res, err := http.ReadResponse(p.answers, nil)
		if err != nil {
			t.Errorf("request %d was cut off: %v", n, err)
			continue
		}
		res.Body.Close()
		if res.StatusCode >= 500 {
			t.Errorf("request %d: got %s", n, res.Status)
		}
	}
	err := <-h.exited
	h.command = nil
	if err != nil {
		t.Errorf("got %v, want code 0; the log:\n%s", err, h.log)
	}
	h.Restart()
	h.Run("audit", "verify").OK(t)
}

// herd is the number of sessions that come back after a restart.
func herd() int {
	if torture() {
		return 1000
	}
	return 60
}

func TestFault_AllSessionsComeBackAtOnceAfterARestart(t *testing.T) {
	t.Parallel()
	h := Open(t, EnvOptions{Config: proxied})
	const each = 20 // sessions of a user: with more, the first would be over, for each needs a new code
	var members []*Member
	for n := range herd() / each {
		members = append(members, h.Member(t, person(n)))
	}
	var all []*Visitor
	for range each {
		h.Clock.NextStep()
		for _, m := range members {
			v := h.from(t, len(all))
			m.give(v).want(t, "/login/factor")
			v.Post("/login/factor", "code", m.Phone.Code()).want(t, "/account")
			all = append(all, v)
		}
	}
	h.Kill()
	h.Restart()
	var back sync.WaitGroup
	for n, v := range all {
		back.Go(func() {
			if page, err := v.Try("/account"); err != nil || !page.Is("/account") || page.Status != 200 {
				t.Errorf("session %d: got %s %d, %v", n, page.Path, page.Status, err)
			}
		})
	}
	back.Wait()
}

// A burst of passwords is hashed within the memory of a small machine (promise S6).
func TestFault_BurstOfSignInsStaysWithinTheMemory(t *testing.T) {
	t.Parallel()
	const most = 160 * mebibyte
	data := filepath.Join(t.TempDir(), "data")
	h := Open(t, EnvOptions{Config: proxied, Data: data})
	m := h.Member(t, "amelie@garage.example")
	h.env = append(h.env, "GOMEMLIMIT=64MiB")
	h.Restart()
	var burst sync.WaitGroup
	var served, refused atomic.Int64
	for n := range 200 {
		v := h.from(t, n)
		burst.Go(func() {
			page, err := v.Try("/login", "identifier", person(n), "password", m.Password)
			switch {
			case err != nil:
				t.Errorf("sign-in %d: %v", n, err)
			case page.Status == 503 || page.Status == 429:
				refused.Add(1)
			default:
				served.Add(1)
			}
		})
	}
	burst.Wait()
	if served.Load() == 0 {
		t.Error("no password was judged")
	}
	t.Logf("%d judged, %d refused, at most %d MiB", served.Load(), refused.Load(), h.resident(t)/mebibyte)
	if got := h.resident(t); got > most {
		t.Errorf("the program used %d MiB, want at most %d", got/mebibyte, most/mebibyte)
	}
	m.signIn(h.Visitor(t))
}
