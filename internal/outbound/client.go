// Package outbound makes all outgoing HTTP requests of the service. It rejects private addresses that the operator did not
// allow, and limits the time of a request and the size of its response. It does not know the content of a request, and
// does not repeat one.
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// The limits of a request (protocol rule 30).
const (
	Timeout   = 5 * time.Second // in total: resolution, connection, TLS, request, response
	MaxAnswer = 64 << 10        // bytes of a response body
	MaxURL    = 2048            // bytes

	userAgent   = "Barillet" // without a version
	maxHeader   = 16 << 10
	perHost     = 4 // connections
	maxIdle     = 16
	idleFor     = 30 * time.Second
	minPort     = 1024 // a public address may have a port from here on, or defaultPort
	defaultPort = 443
	headTimeout = 2 * time.Second // for the connection, and then for TLS
)

var (
	// ErrForbidden means that the address is not allowed. A retry fails unless the name resolves to another address. The
	// error contains no resolved address, because that can reveal the private network to the owner of the name.
	ErrForbidden = errors.New("address is not allowed")
	// ErrTooLarge means that the response body has more than MaxAnswer bytes. Answer has its status.
	ErrTooLarge = errors.New("response is too large")
)

// Config configures a Client. The zero value allows public addresses only.
type Config struct {
	Allowed  Allowed
	Roots    *x509.CertPool // nil: those of the system
	Resolver *net.Resolver  // nil: that of the system
}

// Client makes requests. It is safe for concurrent use.
type Client struct {
	config  Config
	allowed atomic.Pointer[Allowed]
	http    http.Client
}

// Allow replaces the hosts that the operator allows, for all later connections.
func (c *Client) Allow(a Allowed) { c.allowed.Store(&a) }

// New returns a Client that follows no redirects, stores no cookies and uses no compression. It ignores a proxy in the
// environment, because a proxy resolves the name again after the check.
func New(config Config) *Client {
	c := &Client{config: config}
	c.Allow(config.Allowed)
	c.http = http.Client{
		Transport: &http.Transport{
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.Roots},
			TLSHandshakeTimeout:    headTimeout,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			MaxConnsPerHost:        perHost,
			MaxIdleConnsPerHost:    perHost,
			MaxIdleConns:           maxIdle,
			IdleConnTimeout:        idleFor,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Answer is a response, which can be a redirect. Body is not decoded.
type Answer struct {
	Status int // 0: no response
	Header http.Header
	Body   []byte
}

// Check returns a parsed address, or an error that wraps ErrForbidden and does not contain the address. The scheme must be
// https, the port 443 or at least 1024, and the host must not be a private address. There must be no user information
// and no fragment. If the operator allowed the host, http and any port are valid. Each request checks the resolved address
// again.
func (c *Client) Check(address string) (*url.URL, error) {
	if len(address) > MaxURL {
		return nil, fmt.Errorf("more than %d bytes: %w", MaxURL, ErrForbidden)
	}
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || u.User != nil || strings.Contains(address, "#") || strings.HasSuffix(u.Host, ":") {
		return nil, fmt.Errorf("want https and a host, without user information and fragment: %w", ErrForbidden)
	}
	host, named := u.Hostname(), c.allowed.Load().host(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		if !c.allowed.Load().address(host, addr) {
			return nil, fmt.Errorf("host is private: %w", ErrForbidden)
		}
	} else if name, ok := hostName(host); !ok || !named && (name == "localhost" || strings.HasSuffix(name, ".localhost")) {
		return nil, fmt.Errorf("host is not a public name: %w", ErrForbidden)
	}
	switch u.Scheme {
	case "https":
	case "http":
		if !named {
			return nil, fmt.Errorf("want https: %w", ErrForbidden)
		}
	default:
		return nil, fmt.Errorf("want https: %w", ErrForbidden)
	}
	if text := u.Port(); text != "" && !named {
		if port, err := strconv.ParseUint(text, 10, 16); err != nil || port < minPort && port != defaultPort {
			return nil, fmt.Errorf("port is neither 443 nor at least 1024: %w", ErrForbidden)
		}
	}
	return u, nil
}

// Get makes a GET request.
func (c *Client) Get(ctx context.Context, address string, header http.Header) (Answer, error) {
	return c.call(ctx, http.MethodGet, address, header, nil)
}

// Post makes a POST request with a body.
func (c *Client) Post(ctx context.Context, address string, header http.Header, body []byte) (Answer, error) {
	return c.call(ctx, http.MethodPost, address, header, body)
}

// call makes a request. After ErrForbidden or ErrTooLarge a retry is useless; any other error is temporary. With an error,
// Answer has the status if there was a response. No error contains the address, because its query can be a secret.
func (c *Client) call(ctx context.Context, method, address string, header http.Header, body []byte) (Answer, error) {
	u, err := c.Check(address)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("creating the request: %w", bare(err))
	}
	if header != nil {
		request.Header = header.Clone()
	}
	request.Header.Set("User-Agent", userAgent)
	request.Header.Set("Accept-Encoding", "identity")
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, bare(err)
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	answer.Body, err = io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	switch {
	case err != nil:
		answer.Body = nil
		return answer, fmt.Errorf("reading the response: %w", err)
	case len(answer.Body) > MaxAnswer:
		answer.Body = nil
		return answer, ErrTooLarge
	}
	return answer, nil
}

// bare returns an error without the address that net/http adds.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// dial connects to an allowed address of a host. It checks the resolved address while it connects, so a name that resolves
// to another address after Check has no effect (DNS rebinding).
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", ErrForbidden)
	}
	dialer := net.Dialer{Timeout: headTimeout, Resolver: c.config.Resolver,
		Control: func(_, resolved string, _ syscall.RawConn) error {
			if to, err := netip.ParseAddrPort(resolved); err != nil || !c.allowed.Load().address(host, to.Addr()) {
				return ErrForbidden
			}
			return nil
		}}
	conn, err := dialer.DialContext(ctx, network, address)
	if errors.Is(err, ErrForbidden) {
		return nil, fmt.Errorf("connecting: %w", ErrForbidden)
	}
	return conn, err
}
