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

// newServer returns a server with limits for slow clients (promise S5).
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    16<<10 - 4<<10,                                    // net/http adds 4 KiB to the limit
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // failed handshakes and closed connections
	}
}

// connLimiter is a listener that limits the number of connections. It closes further connections immediately.
type connLimiter struct {
	net.Listener
	max, perClient int
	exempt         func(netip.Addr) bool // proxies, which forward the requests of many clients

	mu       sync.Mutex
	total    int
	byClient map[string]int
}

// newConnLimiter returns a listener that limits the connections of l.
func newConnLimiter(l net.Listener, c *config) *connLimiter {
	return &connLimiter{Listener: l, max: c.Limits.Connections, perClient: c.Limits.PerClient, byClient: map[string]int{},
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
func (l *connLimiter) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := remoteAddress(conn)
		who := throttle.Network(addr)
		if addr.Is4() {
			who = throttle.Address(addr) // an IPv4 /24 has many owners, an IPv6 /64 has one
		}
		if !l.acquire(who, l.exempt(addr)) {
			conn.Close()
			continue
		}
		return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { l.release(who) })}, nil
	}
}

func remoteAddress(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

func (l *connLimiter) acquire(who string, exempt bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total >= l.max || !exempt && l.byClient[who] >= l.perClient {
		return false
	}
	l.total++
	l.byClient[who]++
	return true
}

func (l *connLimiter) release(who string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	if l.byClient[who]--; l.byClient[who] == 0 {
		delete(l.byClient, who)
	}
}

// limitedConn is a connection that counts until it is closed.
type limitedConn struct {
	net.Conn
	release func()
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
