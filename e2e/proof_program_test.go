package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// standIn is a small program with the habits of the real one: it says where
// it listens, reads its clock from the file, and ends at SIGTERM. It proves
// the helpers without the service.
func standIn(args []string, stderr io.Writer) int {
	if len(args) == 0 || args[0] != "serve" {
		fmt.Println("you said " + strings.Join(args, " "))
		return len(args) - 3 // the two of --data are not counted
	}
	var at string
	for i, arg := range args {
		if arg == "--listen" {
			at = args[i+1]
		}
	}
	listener, err := net.Listen("tcp", at)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(stderr, "asked for "+r.URL.Path)
		offset, err := os.ReadFile(os.Getenv(clockVariable))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
		fmt.Fprintf(w, `{"offset": %q}`, offset)
	})}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(stderr, "listening on http://localhost:%d\n", listener.Addr().(*net.TCPAddr).Port)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return 1
	}
	return 0
}

func serveStandIn(t *testing.T) *Program {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Serve(t, Options{Executable: self})
}

func TestProgram_StartsStopsAndRestarts(t *testing.T) {
	p := serveStandIn(t)
	first := p.URL
	for _, end := range []func(){p.Stop, p.Kill, func() {}} {
		NewAPI(t, p.URL, "").Call("GET", "/here", nil).Want(200)
		end()
		p.Restart()
		if p.URL != first {
			t.Errorf("got %s after a restart, want %s as before", p.URL, first)
		}
	}
	NewAPI(t, p.URL, "").Call("GET", "/here", nil).Want(200)
}

func TestProgram_ClockMoves(t *testing.T) {
	p := serveStandIn(t)
	p.Clock.Advance(26 * time.Hour)
	p.Clock.Advance(30 * time.Minute)
	var got struct{ Offset string }
	NewAPI(t, p.URL, "").Call("GET", "/", nil).Want(200).Into(&got)
	if want := "26h30m0s"; got.Offset != want {
		t.Errorf("got the offset %q, want %q", got.Offset, want)
	}
	before := p.Clock.Now().Unix() / 30
	p.Clock.NextStep()
	if after := p.Clock.Now().Unix() / 30; after != before+1 {
		t.Errorf("got step %d after the next step, want %d", after, before+1)
	}
}

func TestProgram_LogIsSearchedForSecrets(t *testing.T) {
	p := serveStandIn(t)
	mark := p.Mark()
	NewAPI(t, p.URL, "").Call("GET", "/hunter2", nil).Want(200)
	if got, want := p.AwaitLog(mark, "asked for "), "/hunter2"; got != want {
		t.Errorf("got the log line %q, want %q", got, want)
	}
	watched := &failures{TB: t}
	searched := &Program{tb: watched, log: p.log}
	searched.Leaks(map[string]string{"password": "hunter2", "code": "123456", "nothing": ""})
	if watched.count != 2 {
		t.Errorf("got %d complaints, want 2: the password, and the secret that is empty", watched.count)
	}
}

func TestProgram_RunsSubcommand(t *testing.T) {
	p := serveStandIn(t)
	done := p.Run("hello")
	if want := "you said hello --data " + p.Data; done.OK(t) != want {
		t.Errorf("got %q, want %q", done.Stdout, want)
	}
	if done := p.Run("a", "b"); done.Code != 1 {
		t.Errorf("got exit code %d, want 1", done.Code)
	}
}

// failures counts what a helper complains about, in place of failing.
type failures struct {
	testing.TB
	count int
}

func (f *failures) Errorf(string, ...any) { f.count++ }
func (f *failures) Error(...any)          { f.count++ }
