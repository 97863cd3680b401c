package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// bodies is the number of stalled bodies, and connections the setting limits.connections that they exceed.
func bodies() (count, connections int) {
	if torture() {
		return 3500, 2000
	}
	return 800, 400
}

// stall opens connections from one address, each with a POST whose body does not arrive, until the test ends. A connection
// that the server closes is opened again.
func stall(t *testing.T, server, from string, count int) {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	ctx, cancel := context.WithCancel(t.Context())
	var all, begun sync.WaitGroup
	begun.Add(count)
	for range count {
		all.Go(func() {
			first := sync.OnceFunc(begun.Done)
			defer first()
			for ctx.Err() == nil {
				conn, err := dialer.DialContext(ctx, "tcp", server)
				if err != nil {
					first()
					continue
				}
				stop := context.AfterFunc(ctx, func() { conn.Close() })
				fmt.Fprintf(conn, "POST /login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nidentifier=a", server)
				first()
				_, _ = io.Copy(io.Discard, conn)
				stop()
				conn.Close()
				select { // a client waits before the next attempt
				case <-ctx.Done():
				case <-time.After(time.Second):
				}
			}
		})
	}
	begun.Wait()
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
}

// honest sends requests from 77 other addresses and returns how many did not get the page.
func honest(t *testing.T, url string) (failed int) {
	t.Helper()
	for n := range 77 {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n), 7)}}
		transport := &http.Transport{DialContext: dialer.DialContext}
		client := &http.Client{Transport: transport, Timeout: patience}
		res, err := client.Get(url + "/login")
		if err != nil {
			t.Logf("request %d: %v", n, err)
			failed++
			continue
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			t.Logf("request %d: %s, %v", n, res.Status, err)
			failed++
		}
		res.Body.Close()
		transport.CloseIdleConnections()
	}
	return failed
}

// crowded starts a program with a member, and a proxy in front of it unless proxy is nil. It returns the address of the front.
func crowded(t *testing.T, proxy func(port int, backend string)) (h *Env, m *Member, front string) {
	t.Helper()
	_, connections := bodies()
	port, listen := freePort(t), fmt.Sprintf("localhost:%d", freePort(t))
	if proxy == nil {
		listen = fmt.Sprintf("localhost:%d", port)
	}
	front = fmt.Sprintf("localhost:%d", port)
	h = Open(t, EnvOptions{Config: fmt.Sprintf("trusted_proxies = [\"127.0.0.1\", \"::1\"]\nlimits.connections = %d", connections),
		Args: []string{"--listen", listen, "--public-url", "http://" + front}})
	if proxy != nil {
		proxy(port, listen)
	}
	m = h.Member(t, "amelie@garage.example")
	h.URL = "http://" + front
	return h, m, fmt.Sprintf("localhost:%d", port)
}

// caddyInFront runs Caddy with the directive of docs/operations.md.
func caddyInFront(t *testing.T) func(port int, backend string) {
	return func(port int, backend string) {
		const documented = "reverse_proxy 127.0.0.1:8080"
		guide, err := os.ReadFile("../docs/operations.md")
		if err != nil || !strings.Contains(string(guide), documented) {
			t.Fatalf("docs/operations.md has no %q: %v", documented, err)
		}
		site := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n}\nhttp://localhost:%d {\n\tbind 127.0.0.1\n\treverse_proxy %s\n}\n", port, backend)
		file := filepath.Join(t.TempDir(), "Caddyfile")
		if err := os.WriteFile(file, []byte(site), 0o600); err != nil {
			t.Fatal(err)
		}
		startProxy(t, port, "caddy", "run", "--config", file, "--adapter", "caddyfile")
	}
}

// nginxInFront runs nginx with the recipe of docs/operations.md.
func nginxInFront(t *testing.T) func(port int, backend string) {
	return func(port int, backend string) {
		startNginx(t, port, fmt.Sprintf("server {\nlisten 127.0.0.1:%d;\n%s}\n", port, recipe(t, "operations.md", "", "nginx", "127.0.0.1:8080", backend)))
	}
}

func TestStalledBodies_OfOneClientRefuseNoOtherUser(t *testing.T) {
	for name, proxy := range map[string]func(int, string){"behind Caddy": caddyInFront(t), "behind nginx": nginxInFront(t), "without a proxy": nil} {
		t.Run(name, func(t *testing.T) {
			h, m, front := crowded(t, proxy)
			count, _ := bodies()
			if strings.Contains(name, "nginx") {
				count = min(count, 450) // nginx has 512 connections, and keeps bodies from the service
			}
			stall(t, "127.0.0.1"+front[strings.IndexByte(front, ':'):], "127.0.0.66", count)
			if failed := honest(t, h.URL); failed > 0 {
				t.Errorf("got %d of 77 honest requests refused, want 0", failed)
			}
			v := h.Visitor(t)
			began := time.Now()
			m.signIn(v)
			if took := time.Since(began); took > time.Second && !torture() {
				t.Errorf("an honest sign-in took %v, want at most a second", took)
			}
			if failed := honest(t, h.URL); failed > 0 {
				t.Errorf("later: got %d of 77 honest requests refused, want 0", failed)
			}
		})
	}
}
