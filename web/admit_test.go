package web_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// half opens a connection to the service and sends a POST with only a part of its body.
func (p *place) half(t *testing.T, address, path string, length int) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := tls.Dial("tcp", p.server.Listener.Addr().String(), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: login.example\r\nX-Forwarded-For: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\nidentifier=a", path, address, length)
	return conn, bufio.NewReader(conn)
}

func answer(t *testing.T, from *bufio.Reader) *http.Response {
	t.Helper()
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res
}

func TestBody_ThatStallsIsRefusedAfterSeconds(t *testing.T) {
	p := open(t, nil)
	conn, from := p.half(t, "198.51.100.1", "/login", 60000)
	began := time.Now()
	res := answer(t, from)
	if res.StatusCode != http.StatusRequestTimeout || !res.Close {
		t.Errorf("got %s, close %t, want 408 and the end of the connection", res.Status, res.Close)
	}
	if took := time.Since(began); took < 4*time.Second || took > 10*time.Second {
		t.Errorf("got the answer after %v, want 5 s", took)
	}
	if _, err := from.ReadByte(); err != io.EOF {
		t.Errorf("got %v, want the end of the connection", err)
	}
	conn.Close()
}

// A body that is never read holds neither a place nor a connection.
func TestBody_OverTheLimitLeavesTheConnectionAtOnce(t *testing.T) {
	p := open(t, nil)
	_, from := p.half(t, "198.51.100.1", "/login", 65537)
	began := time.Now()
	if res := answer(t, from); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("got %s, want 413", res.Status)
	}
	if _, err := from.ReadByte(); err != io.EOF || time.Since(began) > 3*time.Second {
		t.Errorf("got %v after %v, want the end of the connection at once", err, time.Since(began))
	}
}

// A body in chunks does not say how long it is. It has the same limit.
func TestBody_OfUnknownLengthHasTheLimit(t *testing.T) {
	p := open(t, nil)
	for path, limit := range map[string]int{"/login": 64 << 10, "/api/v1/users": 1 << 20} {
		for length, want := range map[int]bool{limit: false, limit + 1: true} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.server.URL+path, io.LimitReader(endless{}, int64(length)))
			if err != nil {
				t.Fatal(err)
			}
			r.Host = "login.example"
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			res, err := p.server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if res.Body.Close(); (res.StatusCode == http.StatusRequestEntityTooLarge) != want {
				t.Errorf("%d bytes at %s: got %s, want 413: %t", length, path, res.Status, want)
			}
		}
	}
}

// endless reads the same letter without an end.
type endless struct{}

func (endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = 'a'
	}
	return len(b), nil
}

func TestAdmission_ServesOthersAndKnownBrowsersWhileAClientHasNoPlace(t *testing.T) {
	p := open(t, nil)
	b, _, _ := p.signedIn(t)
	cookie := func(name string) []*http.Cookie { return []*http.Cookie{{Name: name, Value: b.cookie(name)}} }
	for range 48 {
		p.half(t, "198.51.100.1", "/login", 60000)
	}
	get := func(path, address string, cookies []*http.Cookie) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "login.example"
		r.Header.Set("X-Forwarded-For", address)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return res
	}
	// The 48 bodies may arrive after the first request. A cookie that the service did not issue gives no place.
	forged := []*http.Cookie{{Name: "__Host-barillet-browser", Value: strings.Repeat("A", 43)}}
	refused := get("/login", "198.51.100.1", forged)
	for end := time.Now().Add(3 * time.Second); refused.StatusCode != http.StatusTooManyRequests && time.Now().Before(end); {
		refused = get("/login", "198.51.100.1", forged)
	}
	if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") == "" || !refused.Close {
		t.Fatalf("the same client: got %s, Retry-After %q, close %t", refused.Status, refused.Header.Get("Retry-After"), refused.Close)
	}
	for what, r := range map[string]*http.Response{
		"another client":                    get("/login", "198.51.100.2", nil),
		"a probe":                           get("/readyz", "198.51.100.1", nil),
		"a session from the same address":   get("/account", "198.51.100.1", cookie("__Host-barillet")),
		"a known browser of the same place": get("/login", "198.51.100.1", cookie("__Host-barillet-browser")),
	} {
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s, want 200", what, r.Status)
		}
	}
}

// A page behind forward-auth asks for a hundred parts at once.
func TestAdmission_AnswersAHundredPartsOfAPageAtOnce(t *testing.T) {
	p := open(t, nil)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			r, _ := http.NewRequest(http.MethodGet, p.server.URL+"/login", nil)
			r.Host = "login.example"
			r.Header.Set("X-Forwarded-For", "198.51.100.1")
			res, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}).Do(r)
			if err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("got %v, %v, want 200", res, err)
				return
			}
			res.Body.Close()
		})
	}
	all.Wait()
}
