package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// TestServer_RejectsHeaderOver16KiB checks the limit of promise S5.
func TestServer_RejectsHeaderOver16KiB(t *testing.T) {
	s := startServer(t, "--data", filepath.Join(t.TempDir(), "data"))
	for _, test := range []struct{ bytes, want int }{{15 << 10, http.StatusOK}, {17 << 10, http.StatusRequestHeaderFieldsTooLarge}} {
		conn, err := net.Dial("tcp", s.address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /healthz HTTP/1.1\r\nHost: %s\r\nX-Long: %s\r\n\r\n", s.address, strings.Repeat("a", test.bytes))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		conn.Close()
		if err != nil {
			t.Fatalf("%d bytes: %v", test.bytes, err)
		}
		response.Body.Close()
		if response.StatusCode != test.want {
			t.Errorf("%d bytes: got %s, want %d", test.bytes, response.Status, test.want)
		}
	}
}
