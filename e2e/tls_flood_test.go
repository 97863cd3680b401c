package e2e_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// rawHTTP2 is a client of HTTP/2 that obeys no limit.
type rawHTTP2 struct {
	conn   net.Conn
	framer *http2.Framer
	next   uint32 // stream
}

// dialHTTP2 connects from an address.
func dialHTTP2(ctx context.Context, server, from string, roots *x509.CertPool) (*rawHTTP2, error) {
	dialer := tls.Dialer{NetDialer: &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}, Config: &tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"h2"}}}
	conn, err := dialer.DialContext(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	c := &rawHTTP2{conn: conn, framer: http2.NewFramer(conn, conn), next: 1}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return nil, err
	}
	go io.Copy(io.Discard, conn) //nolint:errcheck // until the connection closes
	return c, c.framer.WriteSettings()
}

// post opens a stream for a POST whose body of a declared length does not arrive.
func (c *rawHTTP2) post(host string) (stream uint32, err error) {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", host}, {":path", "/login"},
		{"content-type", "application/x-www-form-urlencoded"}, {"content-length", "60000"}} {
		if err := encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}); err != nil {
			return 0, err
		}
	}
	stream = c.next
	c.next += 2
	return stream, c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
}

// floods are what a connection does with a stream.
var floods = map[string]func(c *rawHTTP2, stream uint32) error{
	"stalled bodies": func(c *rawHTTP2, stream uint32) error {
		return c.framer.WriteData(stream, false, []byte("identifier=a"))
	},
	"rapid reset": func(c *rawHTTP2, stream uint32) error { return c.framer.WriteRSTStream(stream, http2.ErrCodeCancel) },
}

// flood opens 100 streams a second until the server closes the connection or ctx ends. It calls begun after the first 100.
func (c *rawHTTP2) flood(ctx context.Context, host string, act func(*rawHTTP2, uint32) error, begun func()) {
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	defer c.conn.Close()
	for n := 1; ctx.Err() == nil; n++ {
		stream, err := c.post(host)
		if err != nil || act(c, stream) != nil {
			return
		}
		if n%100 == 0 {
			begun()
			pause(ctx)
		}
	}
}

// pause waits a second, as a client at the other end of a network does between two bursts.
func pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
}

// resident returns the memory of the program in bytes.
func (p *Program) resident(t *testing.T) (n int) {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\nVmHWM:")
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// One client opens all connections that it may have, each with as many streams as it likes: other users are served, and the memory of the
// service has a bound.
func TestHTTP2_FloodOfOneClientRefusesNoOtherUser(t *testing.T) {
	const connections = 64
	for name, act := range floods {
		t.Run(name, func(t *testing.T) {
			h, files := overTLS(t, time.Now().AddDate(1, 0, 0), "")
			m := h.Member(t, "amelie@garage.example")
			host := strings.TrimPrefix(h.URL, "https://")
			server := "127.0.0.1" + host[strings.IndexByte(host, ':'):]
			ctx, stop := context.WithCancel(t.Context())
			var all, begun sync.WaitGroup
			begun.Add(connections)
			for range connections {
				all.Go(func() {
					first := sync.OnceFunc(begun.Done)
					defer first()
					for ctx.Err() == nil {
						if c, err := dialHTTP2(ctx, server, "127.0.0.66", files.pool); err == nil {
							c.flood(ctx, host, act, first)
						}
						first()
						pause(ctx)
					}
				})
			}
			begun.Wait()
			for n := range 30 {
				dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(n), 7)}}
				transport := &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: files.pool}, ForceAttemptHTTP2: true}
				res, err := (&http.Client{Transport: transport, Timeout: patience}).Get(h.URL + "/login")
				if err != nil {
					t.Errorf("request %d: %v", n, err)
					continue
				}
				res.Body.Close()
				if res.StatusCode != http.StatusOK {
					t.Errorf("request %d: got %s", n, res.Status)
				}
				transport.CloseIdleConnections()
			}
			m.signIn(h.Visitor(t))
			if most := h.resident(t); most > 400*mebibyte {
				t.Errorf("the service used %d MiB, want at most 400", most/mebibyte)
			} else {
				t.Logf("the service used at most %d MiB", most/mebibyte)
			}
			stop()
			all.Wait()
		})
	}
}
