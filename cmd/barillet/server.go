package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"barillet/internal/throttle"
)

// newServer is a server with the limits of the house (BAR S5, FACTS H5): nobody holds a connection by being slow.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16<<10 - 4<<10,                                    // net/http reads 4 KiB beyond it before it refuses
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // broken handshakes and hung-up clients
	}
}

// crowd is a listener that keeps the number of connections in bounds. One too many is closed at once, which
// costs next to nothing.
type crowd struct {
	net.Listener
	most, perClient int
	exempt          func(netip.Addr) bool // proxies: many people stand behind one of them

	mu  sync.Mutex
	all int
	by  map[string]int
}

// limitConnections wraps a listener.
func limitConnections(l net.Listener, c *config) *crowd {
	return &crowd{Listener: l, most: c.Limits.Connections, perClient: c.Limits.PerClient, by: map[string]int{},
		exempt: func(addr netip.Addr) bool {
			if addr.IsLoopback() {
				return true
			}
			for _, p := range c.TrustedProxies {
				if p.Contains(addr) {
					return true
				}
			}
			return false
		}}
}

// Accept implements net.Listener.
func (c *crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := remoteAddress(conn)
		who := throttle.Network(addr)
		if addr.Is4() {
			who = throttle.Address(addr) // a workshop behind one router shares a /24, an attacker owns a /64
		}
		if !c.enter(who, c.exempt(addr)) {
			conn.Close()
			continue
		}
		return &counted{Conn: conn, leave: sync.OnceFunc(func() { c.exit(who) })}, nil
	}
}

func remoteAddress(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (c *crowd) enter(who string, exempt bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all >= c.most || !exempt && c.by[who] >= c.perClient {
		return false
	}
	c.all++
	c.by[who]++
	return true
}

func (c *crowd) exit(who string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all--
	if c.by[who]--; c.by[who] == 0 {
		delete(c.by, who)
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
