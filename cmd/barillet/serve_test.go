package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"barillet/cmd/barillet/cli"
	"barillet/cmd/barillet/config"
	"barillet/cmd/barillet/datadir"
	"barillet/internal/audit"
	"barillet/internal/secret"
	"barillet/internal/throttle"
	"barillet/store"
)

// testServer is the program, which serves in this process.
type testServer struct {
	address string
	stop    context.CancelFunc
	ended   chan error
}

func startServer(t *testing.T, args ...string) *testServer {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	s := &testServer{stop: stop, ended: make(chan error, 1)}
	said, stderr := io.Pipe()
	over := make(chan struct{})
	t.Cleanup(func() {
		stop()
		<-over // it does not run during the next test
		stderr.Close()
	})
	go func() {
		defer close(over)
		s.ended <- run(ctx, append([]string{"serve", "--listen", "localhost:0"}, args...), strings.NewReader(""), io.Discard, stderr)
	}()
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if url, found := strings.CutPrefix(lines.Text(), "listening on http://"); found {
			s.address = url
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return s
		}
	}
	t.Fatal("the program does not print its address")
	return nil
}

func TestServe_AnswersActiveRequestsAfterSignal(t *testing.T) {
	s := startServer(t, "--data", filepath.Join(t.TempDir(), "data"))
	conn, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answers := bufio.NewReader(conn)
	body := "identifier=nobody%40garage.example&password=none"
	fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nOrigin: http://%s\r\nContent-Type: application/x-www-form-urlencoded\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", s.address, s.address, len(body))
	// net/http sends this answer when the handler reads the body. Without it the header may still be unread, and a
	// server that shuts down drops such a request.
	response, err := http.ReadResponse(answers, nil)
	if err != nil || response.StatusCode != http.StatusContinue {
		t.Fatalf("got %+v, %v, want 100 Continue", response, err)
	}
	s.stop()
	for {
		another, err := net.Dial("tcp", s.address)
		if err != nil {
			break // the listener is closed
		}
		another.Close()
	}
	fmt.Fprint(conn, body)
	response, err = http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatalf("the active request was cut off: %v", err)
	}
	response.Body.Close()
	if response.StatusCode >= 500 {
		t.Errorf("got %s, want the answer of a running service", response.Status)
	}
	if err := <-s.ended; err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestServe_AdminSocketInDirectoryWithLongName(t *testing.T) {
	data := filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 12), "data")
	s := startServer(t, "--data", data)
	var stdout, stderr strings.Builder
	err := run(t.Context(), []string{"token", "create", "--data", data, "--name", "n", "--role", "READ_ONLY_ADMIN"}, strings.NewReader(""), &stdout, &stderr)
	if err != nil || !strings.HasPrefix(stdout.String(), "brl_") {
		t.Errorf("got %v and %q, want a token; stderr:\n%s", err, stdout.String(), stderr.String())
	}
	s.stop()
	if err := <-s.ended; err != nil {
		t.Errorf("got %v, want no error", err)
	}
}

func TestServe_AuditsStartAndStop(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := startServer(t, "--data", data)
	s.stop()
	if err := <-s.ended; err != nil {
		t.Fatal(err)
	}
	c := config.Defaults()
	c.Data = data
	dir, err := datadir.Open(t.Context(), &c, false, now, func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Store.Close()
	a, err := newApp(&c, dir, "http://localhost:1", (&program{cli.Program{Stderr: io.Discard}}).logger("json"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = dir.Store.View(t.Context(), func(s store.Snapshot) error {
		entries, _, err := a.accounts.Log.Scan(s, audit.Query{})
		for _, e := range entries {
			got = append(got, e.Action)
		}
		return err
	})
	if want := "barillet.setup.link_issued barillet.server.started barillet.server.stopped"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %v and %q, want %q", err, got, want)
	}
}

func TestConnLimiter_LimitsTotalAndPerClient(t *testing.T) {
	c := config.Defaults()
	c.Limits.Connections, c.Limits.PerClient = 16, 2
	c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.5/32")}
	crowd := newConnLimiter(nil, &c)
	enter := func(addr string) bool {
		at := netip.MustParseAddr(addr)
		return crowd.acquire(at, throttle.Levels(at))
	}
	for i, step := range []struct {
		name, addr string
		times      int
		want       int // accepted
	}{
		{"a client", "192.0.2.1", 3, 2},
		{"a neighbour in its /24", "192.0.2.2", 3, 2},
		{"the /24 is full", "192.0.2.3", 1, 0},
		{"a trusted proxy", "10.0.0.5", 3, 3},
		{"a /64", "2001:db8::1", 3, 2},
		{"the same /64", "2001:db8::2", 1, 0},
		{"another /64 of its /56", "2001:db8:0:1::1", 3, 2},
		{"the /56 is full", "2001:db8:0:2::1", 1, 0},
		{"another /56 of its /48", "2001:db8:0:100::1", 1, 1},
		{"the last quarter is kept for proxies", "198.51.100.1", 1, 0},
		{"a proxy takes it", "10.0.0.5", 5, 4},
	} {
		got := 0
		for range step.times {
			if enter(step.addr) {
				got++
			}
		}
		if got != step.want {
			t.Errorf("%d, %s: got %d connections, want %d", i, step.name, got, step.want)
		}
	}
	for range 5 {
		crowd.release(throttle.Levels(netip.MustParseAddr("10.0.0.5")))
	}
	crowd.release(throttle.Levels(netip.MustParseAddr("192.0.2.1")))
	if !enter("192.0.2.3") {
		t.Error("a released connection is not reused")
	}
	c.Limits.Connections, c.TrustedProxies = 100, nil
	crowd.set(&c)
	for range 2 {
		enter("10.0.0.5")
	}
	if enter("10.0.0.5") {
		t.Error("an address that is no proxy any more has no limit")
	}
}

func TestTOTPCode_MatchesRFC6238(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" // RFC 6238 appendix B: "12345678901234567890"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 2000000000: "279037"} {
		if got, err := totpCode(secret, time.Unix(at, 0)); err != nil || got != want {
			t.Errorf("at %d: got %s, %v, want %s", at, got, err, want)
		}
	}
}

func TestDemoUser_FormattingHidesSecrets(t *testing.T) {
	a := demoUser{first: "Anne", Password: secret.From("hunter2")}
	if got := fmt.Sprintf("%v %+v", a, a); strings.Contains(got, "hunter2") {
		t.Errorf("got %q, which shows the password", got)
	}
}
