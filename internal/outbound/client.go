// Package outbound is the one way out by HTTP. It owns which addresses may be called (none that is private, unless the
// operator names it), how long a call may take and how much it may answer. It does not know what is sent or why, and
// tries nothing twice.
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
	"syscall"
	"time"
)

// The limits of a call (PROTOCOL 30).
const (
	Timeout   = 5 * time.Second // in all: name, connection, TLS, request, answer
	MaxAnswer = 64 << 10        // bytes of an answer's body
	MaxURL    = 2048            // bytes

	userAgent   = "Barillet" // whoever is called need not know the version
	maxHeader   = 16 << 10
	perHost     = 4 // connections
	idleMost    = 16
	idleFor     = 30 * time.Second
	firstFree   = 1024 // from this port on a public address may be called at any, below at 443 alone
	usualPort   = 443
	headTimeout = 2 * time.Second // for the connection, and again for TLS
)

var (
	// ErrForbidden is an address that is never called: trying again changes nothing, unless a name leads elsewhere by
	// then. It wraps no address that a resolver found, for whoever chose the name could learn of our network by it.
	ErrForbidden = errors.New("address is not allowed")
	// ErrTooLarge is an answer of more than MaxAnswer. Its status is known.
	ErrTooLarge = errors.New("answer is too large")
)

// Config is what a Client stands on. The zero value calls the internet alone.
type Config struct {
	Allowed  Allowed
	Roots    *x509.CertPool // nil: the system's
	Resolver *net.Resolver  // nil: the system's
}

// Client calls out. It is safe for concurrent use.
type Client struct {
	config Config
	http   http.Client
}

// New makes a Client. It follows no redirect, keeps no cookie, asks for no compression and undoes none, and takes no
// proxy from the environment: a proxy would resolve the name once more, behind the check.
func New(config Config) *Client {
	c := &Client{config: config}
	c.http = http.Client{
		Transport: &http.Transport{
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.Roots},
			TLSHandshakeTimeout:    headTimeout,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			MaxConnsPerHost:        perHost,
			MaxIdleConnsPerHost:    perHost,
			MaxIdleConns:           idleMost,
			IdleConnTimeout:        idleFor,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c
}

// Answer is what came back, a redirect too. Body is as it was sent, whatever its encoding.
type Answer struct {
	Status int // 0: there was no answer
	Header http.Header
	Body   []byte
}

// Check judges an address before it is stored: https (http where the operator named the host), no name and password,
// no fragment, a port of 443 or from 1024 on (any where the host was named), and no host that is private by itself.
// Where a name leads to is judged at each call. The error wraps ErrForbidden and does not repeat the address.
func (c *Client) Check(address string) (*url.URL, error) {
	if len(address) > MaxURL {
		return nil, fmt.Errorf("more than %d bytes: %w", MaxURL, ErrForbidden)
	}
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.Hostname() == "" || u.User != nil || strings.Contains(address, "#") || strings.HasSuffix(u.Host, ":") {
		return nil, fmt.Errorf("want https, a host, and no password and fragment: %w", ErrForbidden)
	}
	host, named := u.Hostname(), c.config.Allowed.host(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil {
		if !c.config.Allowed.address(host, addr) {
			return nil, fmt.Errorf("host is private: %w", ErrForbidden)
		}
	} else if name, ok := hostName(host); !ok || !named && (name == "localhost" || strings.HasSuffix(name, ".localhost")) {
		return nil, fmt.Errorf("host is no name on the internet: %w", ErrForbidden)
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
		if port, err := strconv.ParseUint(text, 10, 16); err != nil || port < firstFree && port != usualPort {
			return nil, fmt.Errorf("port: %w", ErrForbidden)
		}
	}
	return u, nil
}

// Get asks for what is at the address.
func (c *Client) Get(ctx context.Context, address string, header http.Header) (Answer, error) {
	return c.call(ctx, http.MethodGet, address, header, nil)
}

// Post sends a body to the address.
func (c *Client) Post(ctx context.Context, address string, header http.Header, body []byte) (Answer, error) {
	return c.call(ctx, http.MethodPost, address, header, body)
}

// call makes one request. An error that is ErrForbidden is final, one that is ErrTooLarge is about the answer; any
// other may pass. The status is given with an error too, once it is known. No error holds the address, whose query
// may be a secret.
func (c *Client) call(ctx context.Context, method, address string, header http.Header, body []byte) (Answer, error) {
	u, err := c.Check(address)
	if err != nil {
		return Answer{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("composing the request: %w", bare(err))
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
		return answer, fmt.Errorf("reading the answer: %w", err)
	case len(answer.Body) > MaxAnswer:
		answer.Body = nil
		return answer, ErrTooLarge
	}
	return answer, nil
}

// bare is the error without the address that net/http wraps around it.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// dial connects to an address of the host that may be called. It is judged as the connection is made, on the address
// that was resolved for it: a name that led elsewhere when it was checked gains nothing (DNS rebinding).
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("connecting: %w", ErrForbidden)
	}
	dialer := net.Dialer{Timeout: headTimeout, Resolver: c.config.Resolver,
		Control: func(_, resolved string, _ syscall.RawConn) error {
			if to, err := netip.ParseAddrPort(resolved); err != nil || !c.config.Allowed.address(host, to.Addr()) {
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
