package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"barillet/cmd/barillet/config"
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
		HTTP2: &http.HTTP2Config{ // a connection has many requests, which package admission limits; RFC 9113 §6.5.2 advises 100
			MaxConcurrentStreams:          100,
			MaxReceiveBufferPerConnection: 64 << 10, // bytes that wait in memory before a handler reads them
			MaxReceiveBufferPerStream:     64 << 10,
		},
		MaxHeaderBytes: 16<<10 - 4<<10,                                    // net/http adds 4 KiB to the limit
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelDebug), // failed handshakes and closed connections
	}
}

// connLimiter is a listener that limits the number of connections. It closes further connections immediately.
type connLimiter struct {
	net.Listener

	mu             sync.Mutex
	max, perClient int
	proxies        []netip.Prefix // they forward the requests of many clients
	total          int
	refused        uint64
	open           map[netip.Prefix]int // by client and by its networks
}

// newConnLimiter returns a listener that limits the connections of l.
func newConnLimiter(l net.Listener, c *config.Config) *connLimiter {
	limiter := &connLimiter{Listener: l, open: map[netip.Prefix]int{}}
	limiter.set(c)
	return limiter
}

// set sets the limits. Connections that are open stay.
func (l *connLimiter) set(c *config.Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.max, l.perClient, l.proxies = c.Limits.Connections, c.Limits.PerClient, c.TrustedProxies
}

// exempt reports whether an address is that of a proxy. l.mu is locked.
func (l *connLimiter) exempt(addr netip.Addr) bool {
	if addr == netip.IPv6Loopback() || addr == netip.AddrFrom4([4]byte{127, 0, 0, 1}) { // a proxy on this host
		return true
	}
	return slices.ContainsFunc(l.proxies, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Accept implements net.Listener.
func (l *connLimiter) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		addr := remoteAddress(conn)
		networks := throttle.Levels(addr)
		if !l.acquire(addr, networks) {
			conn.Close()
			l.countRefused()
			continue
		}
		return &limitedConn{Conn: conn, release: sync.OnceFunc(func() { l.release(networks) })}, nil
	}
}

func remoteAddress(conn net.Conn) netip.Addr {
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// acquire counts a connection if it is allowed. A network may have twice the connections of a client, and the next larger
// one four times. A quarter of all connections is kept for proxies.
func (l *connLimiter) acquire(addr netip.Addr, networks [3]netip.Prefix) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	proxy := l.exempt(addr)
	if l.total >= l.max || !proxy && l.total >= l.max-l.max/4 {
		return false
	}
	for i, network := range networks {
		if !proxy && l.open[network] >= l.perClient<<i {
			return false
		}
	}
	l.total++
	for _, network := range networks {
		l.open[network]++
	}
	return true
}

func (l *connLimiter) countRefused() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused++
}

// load returns the number of open connections, and of those that were refused since the start.
func (l *connLimiter) load() (open int, refused uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total, l.refused
}

func (l *connLimiter) release(networks [3]netip.Prefix) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total--
	for _, network := range networks {
		if l.open[network]--; l.open[network] == 0 {
			delete(l.open, network)
		}
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
