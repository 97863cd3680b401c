package e2e_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// freePort returns a port that was free a moment ago, for programs that cannot report which port they use.
func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("looking for a free port: %v", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// recipe returns the first block of a language below a heading of a document, or in the whole document if the heading is
// "". swap has pairs: a text of the block, and what replaces it.
func recipe(tb testing.TB, document, heading, language string, swap ...string) string {
	tb.Helper()
	raw, err := os.ReadFile("../docs/" + document)
	if err != nil {
		tb.Fatalf("reading the recipes: %v", err)
	}
	_, rest, found := strings.Cut(string(raw), heading)
	if found {
		_, rest, found = strings.Cut(rest, "```"+language+"\n")
	}
	block, _, ended := strings.Cut(rest, "```")
	if !found || !ended {
		tb.Fatalf("docs/%s has no %s recipe %s", document, language, heading)
	}
	for i := 0; i+1 < len(swap); i += 2 {
		if !strings.Contains(block, swap[i]) {
			tb.Fatalf("the %s recipe has no %q", language, swap[i])
		}
		block = strings.ReplaceAll(block, swap[i], swap[i+1])
	}
	return block
}

// mirror is an application without a sign-in. It shows the identity headers that it receives: Remote-User and its
// relatives, or those named.
func mirror(tb testing.TB, names ...string) *httptest.Server {
	tb.Helper()
	if names == nil {
		names = []string{"Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if odd(w, r) {
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("X-Connection", r.Header.Get("Connection"))
		fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Wiki</title><link rel="icon" href="data:,"><main><h1>Wiki</h1><p id="path">%s</p>`, r.URL.RequestURI())
		for _, name := range names {
			fmt.Fprintf(w, `<p id="%s">%s</p>`, strings.ToLower(name), strings.Join(r.Header.Values(name), "|"))
		}
	}))
	tb.Cleanup(s.Close)
	return s
}

// startProxy runs a proxy until the test ends and waits until it listens.
func startProxy(tb testing.TB, port int, name string, args ...string) {
	tb.Helper()
	runProxy(tb, port, tool(tb, name, name), args...)
}

// runProxy is startProxy for a program that the tests built.
func runProxy(tb testing.TB, port int, program string, args ...string) {
	tb.Helper()
	name := filepath.Base(program)
	log := &logBuffer{}
	c := exec.Command(program, args...)
	c.Stdout, c.Stderr = log, log
	c.Env = append(os.Environ(), "HOME="+tb.TempDir())
	if err := c.Start(); err != nil {
		tb.Fatalf("starting %s: %v", name, err)
	}
	exited := make(chan error, 1)
	go func() { exited <- c.Wait() }()
	tb.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		<-exited
		if tb.Failed() {
			tb.Logf("the log of %s:\n%s", name, log)
		}
	})
	for end := time.Now().Add(patience); ; {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			return
		}
		select {
		case err := <-exited:
			exited <- err
			tb.Fatalf("%s ended: %v\n%s", name, err, log)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			tb.Fatalf("%s does not listen\n%s", name, log)
		}
	}
}

// host is where a program listens, without its scheme.
func host(address string) string { return strings.TrimPrefix(address, "http://") }

// nginx stands before an application.
func nginx(tb testing.TB, port int, name, barillet, application string) {
	tb.Helper()
	server := recipe(tb, "applications.md", "", "nginx", "listen 443 ssl;", fmt.Sprintf("listen 127.0.0.1:%d;", port), "wiki.garage.example", name,
		"127.0.0.1:8080", host(barillet), "127.0.0.1:3000", host(application))
	startNginx(tb, port, server)
}

// startNginx runs nginx with these server blocks.
func startNginx(tb testing.TB, port int, servers string) {
	tb.Helper()
	folder := tb.TempDir()
	config := fmt.Sprintf("daemon off; pid %[1]s/pid; error_log stderr; worker_processes 1; events { }\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;\n%[2]s}\n",
		folder, servers)
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		tb.Fatalf("writing nginx's configuration: %v", err)
	}
	startProxy(tb, port, "nginx", "-p", folder, "-c", file, "-e", "stderr")
}

// The recipe of docs/operations.md serves a public URL with a port of its own, as a test installation has.
func TestProxy_PublicURLWithPort(t *testing.T) {
	t.Parallel()
	port, listen := freePort(t), fmt.Sprintf("localhost:%d", freePort(t))
	public := fmt.Sprintf("http://localhost:%d", port)
	startNginx(t, port, fmt.Sprintf("server {\nlisten 127.0.0.1:%d;\n%s}\n", port, recipe(t, "operations.md", "", "nginx", "127.0.0.1:8080", listen)))
	h := Open(t, EnvOptions{Config: `trusted_proxies = ["127.0.0.1", "::1"]`, Args: []string{"--listen", listen, "--public-url", public}})
	m := h.Member(t, "lea@garage.example")
	p := h.Person(t, m.Login, m.Password, BrowserOptions{})
	p.Open(public + "/account")
	p.follow(m.Phone)
	p.at("/account")
}

// caddy stands before an application.
func caddy(tb testing.TB, port int, name, barillet, application string) {
	tb.Helper()
	site := recipe(tb, "applications.md", "", "caddy", "wiki.garage.example {", fmt.Sprintf("http://%s:%d {", name, port),
		"127.0.0.1:8080", host(barillet), "127.0.0.1:3000", host(application))
	file := filepath.Join(tb.TempDir(), "Caddyfile")
	if err := os.WriteFile(file, []byte("{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n"+site), 0o600); err != nil {
		tb.Fatalf("writing Caddy's configuration: %v", err)
	}
	startProxy(tb, port, "caddy", "run", "--config", file, "--adapter", "caddyfile")
}

// haproxy stands before an application.
func haproxy(tb testing.TB, port int, _, barillet, application string) {
	tb.Helper()
	folder := tb.TempDir()
	script, err := os.ReadFile("../docs/barillet.lua")
	if err != nil {
		tb.Fatal(err)
	}
	asks := strings.NewReplacer(`{ "https" }`, `{ "http" }`, "127.0.0.1:8080", strings.Replace(host(barillet), "localhost", "127.0.0.1", 1))
	config := "defaults\nmode http\ntimeout connect 5s\ntimeout client 60s\ntimeout server 60s\n" + // as in Debian's file
		recipe(tb, "applications.md", "", "haproxy", "/etc/haproxy/barillet.lua", filepath.Join(folder, "barillet.lua"),
			":443 ssl crt /etc/haproxy/wiki.pem", fmt.Sprintf("127.0.0.1:%d", port), "127.0.0.1:3000", host(application))
	for name, text := range map[string]string{"barillet.lua": asks.Replace(string(script)), "haproxy.cfg": config} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			tb.Fatalf("writing HAProxy's configuration: %v", err)
		}
	}
	startProxy(tb, port, "haproxy", "-db", "-f", filepath.Join(folder, "haproxy.cfg"))
}
