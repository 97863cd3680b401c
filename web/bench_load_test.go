package web_test

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// A server and the load on it are processes of their own, so that what the server costs can be separated from what its clients
// cost: the test binary starts itself once more with roleEnv set.
const roleEnv = "BARILLET_BENCH_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(io.Reader, io.Writer) error{"load": bearDown, "floor": serveFloor}
	role := os.Getenv(roleEnv)
	if role == "" {
		code := m.Run()
		os.RemoveAll(program.dir) // "": nothing
		os.Exit(code)
	}
	if err := roles[role](os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, role+":", err)
		os.Exit(1)
	}
}

// job is a load: so many clients at once do one act after another, each with an address of its own.
type job struct {
	Server  string        // address
	Clients int           // virtual clients, each with a connection of its own
	For     time.Duration // no act begins later than that
	Acts    []act
	Repeat  bool // begin again at the end of the list
	Rate    bool // the rate is the figure, and not only the server's CPU
}

// act is what is counted and timed as one: its exchanges in turn. Cookies set by one are sent by the next.
type act []exchange

// exchange is one request and where its answer must lead to ("": any answer below 400; with "?" at the end: with any query).
type exchange struct {
	Method, Path, Cookie, Form string
	To                         string
	WithCode                   bool              // the form has the code in the query that the answer before led to
	Header                     map[string]string // further ones
	From                       string            // the client's address; "": that of the connection
}

// tally is what came of a load.
type tally struct {
	Done     int           // acts
	Took     time.Duration // from the first act's begin to the last one's end, at most For and one act
	P50, P99 time.Duration
	Error    string        // the first that went wrong
	Load     time.Duration // CPU of the load itself

	CPU     time.Duration // of the server, added by the parent
	Written int64         // bytes that the server wrote, the same
}

// load has another process bear down on a server. It fails after an answer that is not as it must be, and if the machine was
// full and the load took more of it than a third: then the figure is one of the load.
func load(b *testing.B, j job, s *server) tally {
	b.Helper()
	j.Server = s.address
	raw, err := json.Marshal(j)
	if err != nil {
		b.Fatal(err)
	}
	child := exec.CommandContext(b.Context(), os.Args[0])
	child.Env, child.Stderr = append(os.Environ(), roleEnv+"=load"), os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	answers := bufio.NewReader(out)
	say := func(line []byte) []byte {
		if _, err := in.Write(append(line, '\n')); err != nil {
			b.Fatal(err)
		}
		answer, err := answers.ReadBytes('\n')
		if err != nil {
			b.Fatalf("reading from the load: %v", err)
		}
		return answer
	}
	say(raw)
	cpu, written := s.cpu(b), s.written(b)
	answer := say([]byte("go"))
	cpu, written = s.cpu(b)-cpu, s.written(b)-written
	t := tally{}
	if err := json.Unmarshal(answer, &t); err != nil {
		b.Fatal(err)
	}
	if err := errors.Join(in.Close(), child.Wait()); err != nil {
		b.Fatal(err)
	}
	t.CPU, t.Written = cpu, written
	if t.Error != "" || t.Done == 0 {
		b.Fatalf("load of %d clients: %d done, %s", j.Clients, t.Done, t.Error)
	}
	if all := t.Took * time.Duration(runtime.NumCPU()); j.Rate && t.CPU+t.Load > all*9/10 && t.Load > all/3 {
		b.Fatalf("load of %d clients: it used %v of %v CPU itself", j.Clients, t.Load, all)
	}
	return t
}

// bearDown is the second process: it reads a job, says that it is ready, waits for a word, and tells the tally.
func bearDown(in io.Reader, out io.Writer) error {
	lines := bufio.NewReader(in)
	line, err := lines.ReadBytes('\n')
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal(line, &j); err != nil {
		return err
	}
	clients, err := connect(j)
	if err != nil {
		return err
	}
	if j.Repeat { // what is made at the first use, such as a key, is not what is measured
		for i, c := range clients {
			if err := c.do(j.Acts[i%len(j.Acts)]); err != nil {
				return err
			}
		}
	}
	fmt.Fprintln(out, "ready")
	if _, err := lines.ReadBytes('\n'); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(run(j, clients))
}

func run(j job, clients []*loadClient) tally {
	var next, done atomic.Int64
	var failed atomic.Pointer[string]
	var all sync.WaitGroup
	before, start := ownCPU(), time.Now()
	for _, c := range clients {
		all.Go(func() {
			for time.Since(start) < j.For {
				i := int(next.Add(1)) - 1
				if i >= len(j.Acts) && !j.Repeat {
					return
				}
				began := time.Now()
				if err := c.do(j.Acts[i%len(j.Acts)]); err != nil {
					text := err.Error()
					failed.CompareAndSwap(nil, &text)
					return
				}
				c.took = append(c.took, time.Since(began))
				done.Add(1)
			}
		})
	}
	all.Wait()
	t := tally{Done: int(done.Load()), Took: time.Since(start)}
	t.Load = ownCPU() - before
	if text := failed.Load(); text != nil {
		t.Error = *text
	}
	var took []time.Duration
	for _, c := range clients {
		took = append(took, c.took...)
	}
	if slices.Sort(took); len(took) > 0 {
		t.P50, t.P99 = took[len(took)/2], took[len(took)*99/100]
	}
	return t
}

// ownCPU is what this process has used so far.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// loadClient is one virtual client: as little as can speak HTTP/1.1, so that it leaves the machine to the server.
type loadClient struct {
	conn    net.Conn
	answers *bufio.Reader
	address string
	took    []time.Duration
	out     bytes.Buffer
}

func connect(j job) ([]*loadClient, error) {
	var clients []*loadClient
	for i := range j.Clients {
		conn, err := net.Dial("tcp", j.Server)
		if err != nil {
			return nil, err
		}
		// RFC 2544 appendix C.2.2: addresses set aside for benchmarks. One each, as behind a proxy.
		address := fmt.Sprintf("198.18.%d.%d", i/200, 1+i%200)
		clients = append(clients, &loadClient{conn: conn, answers: bufio.NewReader(conn), address: address})
	}
	return clients, nil
}

func (c *loadClient) do(a act) error {
	cookies, to := "", ""
	for _, x := range a {
		if x.WithCode {
			_, query, _ := strings.Cut(to, "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				return err
			}
			x.Form += "&code=" + url.QueryEscape(values.Get("code"))
		}
		if x.Cookie != "" {
			cookies = joined(cookies, x.Cookie)
		}
		res, err := c.exchange(x, cookies)
		if err != nil {
			return fmt.Errorf("%s %s: %w", x.Method, x.Path, err)
		}
		to = res.Header.Get("Location")
		path, query, _ := strings.Cut(to, "?")
		if res.StatusCode >= 400 || x.To != "" && to != x.To && (x.To != path+"?" || query == "") {
			return fmt.Errorf("%s %s: got %d to %q, want %q", x.Method, x.Path, res.StatusCode, to, x.To)
		}
		for _, set := range res.Header.Values("Set-Cookie") {
			set, _, _ = strings.Cut(set, ";")
			cookies = joined(cookies, set)
		}
	}
	return nil
}

func joined(cookies, one string) string {
	if cookies == "" {
		return one
	}
	return cookies + "; " + one
}

func (c *loadClient) exchange(x exchange, cookies string) (*http.Response, error) {
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: login.example\r\nX-Forwarded-For: %s\r\nAccept-Language: fr\r\n"+
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n", x.Method, x.Path, cmp.Or(x.From, c.address))
	if cookies != "" {
		c.out.WriteString("Cookie: " + cookies + "\r\n")
	}
	for name, value := range x.Header {
		c.out.WriteString(name + ": " + value + "\r\n")
	}
	if x.Method == http.MethodPost {
		fmt.Fprintf(&c.out, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(x.Form))
	}
	c.out.WriteString("\r\n" + x.Form)
	if _, err := c.conn.Write(c.out.Bytes()); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(c.answers, nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res, errors.Join(err, res.Body.Close())
}
