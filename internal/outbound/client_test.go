package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"barillet/internal/outbound"
)

// receiver is an HTTPS server that counts its connections. Its certificate is also for example.com.
type receiver struct {
	*httptest.Server
	connections atomic.Int32
}

func listen(t *testing.T, serve http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{Server: httptest.NewUnstartedServer(serve)}
	r.Config.ErrorLog = log.New(io.Discard, "", 0)
	r.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			r.connections.Add(1)
		}
	}
	r.StartTLS()
	t.Cleanup(r.Close)
	return r
}

// client returns a Client with an allowed set, whose resolver returns the given addresses.
func (r *receiver) client(t *testing.T, allowed []string, resolved ...string) *outbound.Client {
	t.Helper()
	a, err := outbound.ParseAllowed(allowed)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	c := outbound.Config{Allowed: a, Roots: roots}
	if resolved != nil {
		c.Resolver = nameserver(t, resolved)
	}
	return outbound.New(c)
}

// named returns the URL of the receiver with a host name.
func (r *receiver) named() string {
	_, port, _ := net.SplitHostPort(r.Listener.Addr().String())
	return "https://example.com:" + port + "/hook?key=SECRET"
}

// nameserver returns a resolver that resolves every name to the addresses.
func nameserver(t *testing.T, addresses []string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buffer := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = conn.WriteTo(answer(buffer[:n], addresses), from)
		}
	}()
	t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

// answer returns the DNS response to a question (RFC 1035 §4.1).
func answer(question []byte, addresses []string) []byte {
	end := 12
	for end < len(question) && question[end] != 0 {
		end += 1 + int(question[end])
	}
	end += 5 // the root label, type and class
	isA := binary.BigEndian.Uint16(question[end-4:]) == 1
	out := append([]byte(nil), question[:end]...)
	copy(out[2:], []byte{0x84, 0x00, 0, 1, 0, 0, 0, 0, 0, 0})
	if !isA {
		return out
	}
	binary.BigEndian.PutUint16(out[6:], uint16(len(addresses)))
	for _, a := range addresses {
		ip := netip.MustParseAddr(a).As4()
		out = append(out, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4)
		out = append(out, ip[:]...)
	}
	return out
}

func TestClient_SendsHeadersAndBodyOnly(t *testing.T) {
	r := listen(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.Header.Get("Cookie") != "" || r.Header.Get("Accept-Encoding") != "identity" || r.Header.Get("User-Agent") != "Barillet" {
			t.Errorf("got headers %v", r.Header)
		}
		http.SetCookie(w, &http.Cookie{Name: "a", Value: "b"})
		w.Header().Set("X-Echo", r.Header.Get("X-Sent"))
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(r.Method + " " + string(body)))
	})
	c := r.client(t, []string{"127.0.0.1"})
	for range 2 { // the second request must not send the cookie
		a, err := c.Post(t.Context(), r.URL, http.Header{"X-Sent": {"this"}}, []byte("body"))
		if err != nil || a.Status != http.StatusCreated || string(a.Body) != "POST body" || a.Header.Get("X-Echo") != "this" {
			t.Fatalf("got %v %q, %v", a.Status, a.Body, err)
		}
	}
	if a, err := c.Get(t.Context(), r.URL, nil); err != nil || string(a.Body) != "GET " {
		t.Errorf("got %q, %v", a.Body, err)
	}
	if got := r.connections.Load(); got != 1 {
		t.Errorf("got %d connections for three calls, want 1", got)
	}
}

func TestClient_RejectsAPrivateAddressWhenDialling(t *testing.T) {
	r := listen(t, func(http.ResponseWriter, *http.Request) {})
	for _, to := range [][]string{{"127.0.0.1"}, {"169.254.169.254", "127.0.0.1"}, {"10.0.0.1", "192.168.1.1"}, {"100.100.100.200"}} {
		c := r.client(t, nil, to...)
		if _, err := c.Check(r.named()); err != nil {
			t.Fatalf("Check rejects the name: %v", err)
		}
		_, err := c.Get(t.Context(), r.named(), nil)
		if !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%v: got %v, want ErrForbidden", to, err)
		} else if strings.Contains(err.Error(), to[0]) || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%v: the error contains the address: %v", to, err)
		}
	}
	if got := r.connections.Load(); got != 0 {
		t.Errorf("got %d connections, want none", got)
	}
}

func TestClient_AllowsAPrivateHostButNotAMetadataService(t *testing.T) {
	r := listen(t, func(http.ResponseWriter, *http.Request) {})
	a, err := r.client(t, []string{"example.com"}, "127.0.0.1").Get(t.Context(), r.named(), nil)
	if err != nil || a.Status != 200 {
		t.Errorf("got %d, %v, want 200", a.Status, err)
	}
	for _, to := range []string{"169.254.169.254", "0.0.0.0", "224.0.0.1", "168.63.129.16", "100.100.100.200"} {
		if _, err := r.client(t, []string{"example.com"}, to).Get(t.Context(), r.named(), nil); !errors.Is(err, outbound.ErrForbidden) {
			t.Errorf("%s: got %v, want ErrForbidden", to, err)
		}
	}
	if _, err := r.client(t, []string{"127.0.0.0/8"}, "127.0.0.1").Get(t.Context(), r.named(), nil); err != nil {
		t.Errorf("a name that resolves to an allowed network: %v", err)
	}
}

func TestClient_DoesNotFollowRedirects(t *testing.T) {
	var visited atomic.Bool
	target := listen(t, func(http.ResponseWriter, *http.Request) { visited.Store(true) })
	r := listen(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
	})
	a, err := r.client(t, []string{"127.0.0.1"}).Post(t.Context(), r.URL, nil, []byte("x"))
	if err != nil || a.Status != http.StatusTemporaryRedirect || visited.Load() {
		t.Errorf("got %d, %v, followed %v, want 307 and not followed", a.Status, err, visited.Load())
	}
}

func TestClient_IgnoresAProxyInTheEnvironment(t *testing.T) {
	proxy := listen(t, func(http.ResponseWriter, *http.Request) {})
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	r := listen(t, func(http.ResponseWriter, *http.Request) {})
	if _, err := r.client(t, []string{"example.com"}, "127.0.0.1").Get(t.Context(), r.named(), nil); err != nil || proxy.connections.Load() != 0 {
		t.Errorf("got %v and %d connections to the proxy, want none", err, proxy.connections.Load())
	}
}

func TestClient_LimitsTheResponse(t *testing.T) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 32<<20))
	_ = z.Close()
	if bomb.Len() >= outbound.MaxAnswer {
		t.Fatalf("the bomb has %d bytes, want fewer than MaxAnswer", bomb.Len())
	}
	r := listen(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fits":
			_, _ = w.Write(make([]byte, outbound.MaxAnswer))
		case "/more":
			_, _ = w.Write(make([]byte, outbound.MaxAnswer+1))
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		}
	})
	c := r.client(t, []string{"127.0.0.1"})
	if a, err := c.Get(t.Context(), r.URL+"/fits", nil); err != nil || len(a.Body) != outbound.MaxAnswer {
		t.Errorf("got %d bytes, %v, want %d", len(a.Body), err, outbound.MaxAnswer)
	}
	for _, path := range []string{"/more", "/endless"} {
		if a, err := c.Get(t.Context(), r.URL+path, nil); !errors.Is(err, outbound.ErrTooLarge) || a.Status != 200 || a.Body != nil {
			t.Errorf("%s: got %d, %d bytes, %v, want 200 and ErrTooLarge", path, a.Status, len(a.Body), err)
		}
	}
	if a, err := c.Get(t.Context(), r.URL+"/bomb", nil); err != nil || !bytes.Equal(a.Body, bomb.Bytes()) {
		t.Errorf("got %d bytes, %v, want the %d bytes that were sent", len(a.Body), err, bomb.Len())
	}
	if _, err := c.Get(t.Context(), r.URL+"/header", nil); err == nil || errors.Is(err, outbound.ErrForbidden) {
		t.Errorf("a long header: got %v, want a temporary error", err)
	}
}

func TestClient_EndsAfterFiveSeconds(t *testing.T) {
	r := listen(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte("."))
				_ = http.NewResponseController(w).Flush()
				time.Sleep(20 * time.Millisecond)
			}
		}
		<-r.Context().Done()
	})
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts the connection and sends nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	c := r.client(t, []string{"127.0.0.1"})
	var all sync.WaitGroup
	for name, address := range map[string]string{"stalls": r.URL, "drips": r.URL + "/drip", "no TLS": "https://" + silent.Addr().String()} {
		all.Go(func() {
			begun := time.Now()
			a, err := c.Get(t.Context(), address, nil)
			if took := time.Since(begun); err == nil || errors.Is(err, outbound.ErrForbidden) || took > outbound.Timeout+2*time.Second {
				t.Errorf("%s: got %d, %v after %v, want a temporary error after at most 5s", name, a.Status, err, took)
			}
		})
	}
	all.Wait()
}

func TestClient_RejectsOldTLSAndUntrustedCertificates(t *testing.T) {
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	defer old.Close()
	r := &receiver{Server: old}
	if a, err := r.client(t, []string{"127.0.0.1"}).Get(t.Context(), r.URL, nil); err == nil {
		t.Errorf("TLS 1.1: got %d, want an error", a.Status)
	}
	other := listen(t, func(http.ResponseWriter, *http.Request) {})
	a, err := outbound.ParseAllowed([]string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := outbound.New(outbound.Config{Allowed: a}).Get(t.Context(), other.URL, nil); err == nil {
		t.Errorf("an untrusted certificate: got %d, want an error", got.Status)
	}
}

func TestClient_LimitsConnectionsPerHost(t *testing.T) {
	var now, most atomic.Int32
	r := listen(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		time.Sleep(20 * time.Millisecond)
		now.Add(-1)
	})
	c := r.client(t, []string{"127.0.0.1"})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, err := c.Get(t.Context(), r.URL, nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := most.Load(); got > 4 || got < 2 {
		t.Errorf("got %d concurrent requests, want 2 to 4", got)
	}
}
