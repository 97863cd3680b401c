// Package certificate provides the certificate with which the service answers TLS: that of two files, which are read again when they
// change, or one that a CA issues by ACME (RFC 8555). It answers the CA's challenges, redirects plain HTTP to the public URL, and warns
// the operator of a certificate that expires. It does not listen.
package certificate

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
)

// Config is the configuration of a Source: File and KeyFile, or ACME.
type Config struct {
	Host          string // that the certificate must be valid for
	File, KeyFile string // the certificate with its chain, and its key, in PEM
	ACME          *ACME
	Now           func() time.Time
	Log           *slog.Logger
}

// ACME is the configuration of a certificate that a CA issues. The operator agreed to its terms.
type ACME struct {
	Directory string // URL of the CA's directory
	Email     string // that the CA writes to; may be empty
	Cache     string // directory of the account key and the certificate
}

// interval is the time between two looks for a new certificate: at the files, or in the memory of the client of the CA.
const interval = 10 * time.Second

// origin is where a certificate comes from.
type origin interface {
	// cached returns the certificate at the start, nil if there is none yet. It does not wait for the network.
	cached() (*tls.Certificate, error)
	// next returns the newest certificate. current is the present one, or nil.
	next(ctx context.Context, current *tls.Certificate) (*tls.Certificate, error)
	// pause returns the wait before the call after next, which failed so many times in a row.
	pause(failures int) time.Duration
	// challenge returns the certificate that answers a challenge of a CA.
	challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// answer answers a challenge of a CA by HTTP.
	answer(w http.ResponseWriter, r *http.Request)
}

// Source has the present certificate. It is safe for concurrent use.
type Source struct {
	host    string
	origin  origin
	now     func() time.Time
	log     *slog.Logger
	wake    chan struct{}
	current atomic.Pointer[tls.Certificate]

	mu       sync.Mutex
	err      error     // of the last call of next
	since    time.Time // of the first failure in a row
	failures int       // in a row
}

// New returns a Source. It reads files, and does not call the CA: Run does.
func New(c Config) (*Source, error) {
	s := &Source{host: c.Host, now: c.Now, log: c.Log, wake: make(chan struct{}, 1)}
	if c.ACME == nil {
		s.origin = &files{certificate: c.File, key: c.KeyFile, host: c.Host, now: c.Now}
	} else {
		a, err := newACME(*c.ACME, c.Host, c.Now, c.Log)
		if err != nil {
			return nil, err
		}
		s.origin = a
	}
	first, err := s.origin.cached()
	if err != nil {
		return nil, err
	}
	s.current.Store(first)
	return s, nil
}

// errNone is the error of a handshake before the CA issued a certificate.
var errNone = errors.New("there is no certificate yet")

// TLSConfig returns the configuration of a server with HTTP/2.
func (s *Source) TLSConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1", acme.ALPNProto},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == acme.ALPNProto { // RFC 8737 §3
				return s.origin.challenge(hello)
			}
			if c := s.current.Load(); c != nil {
				return c, nil
			}
			return nil, errNone
		},
	}
}

// Reload makes Run look for a new certificate now. A nil Source has none.
func (s *Source) Reload() {
	if s == nil {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run looks for new certificates until ctx ends. A nil Source has none.
func (s *Source) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	for {
		timer := time.NewTimer(s.refresh(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		case <-s.wake:
			timer.Stop()
			s.mu.Lock()
			s.failures = 0
			s.mu.Unlock()
		}
	}
}

// refresh asks the origin for its newest certificate, and returns the wait before the next call. An error leaves the present
// certificate in use. The same error is logged once.
func (s *Source) refresh(ctx context.Context) time.Duration {
	old := s.current.Load()
	c, err := s.origin.next(ctx, old)
	if c != nil && (old == nil || !old.Leaf.Equal(c.Leaf)) {
		s.current.Store(c)
		s.log.Info("using a new certificate", "host", s.host, "expires", c.Leaf.NotAfter)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case ctx.Err() != nil:
	case err == nil:
		s.err, s.since, s.failures = nil, time.Time{}, 0
	default:
		if s.err == nil || s.err.Error() != err.Error() {
			s.log.Error("getting a new certificate: the present one stays in use", "error", err)
		}
		if s.err == nil {
			s.since = s.now()
		}
		s.err = err
		s.failures++
	}
	return s.origin.pause(s.failures)
}

// The problems of a certificate.
const (
	Missing    = "missing"    // the CA issued none
	Expired    = "expired"    //
	Expiring   = "expiring"   // soon, and no newer one is there
	Unreadable = "unreadable" // the new one cannot be used, or the CA does not issue one; the present one is still valid
)

const (
	warnBefore = 14 * 24 * time.Hour // at most; certificates of a few weeks are renewed later
	patience   = 5 * time.Minute     // for files that are written one after the other, and for the CA
)

// Status is the state of the certificate.
type Status struct {
	NotAfter time.Time // zero without a certificate
	Problem  string    // empty if there is none
	Err      error     // of the last attempt to get a new certificate; nil if it succeeded
}

// Status returns the state of the certificate.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, out := s.now(), Status{Err: s.err}
	late := s.err != nil && now.Sub(s.since) >= patience
	c := s.current.Load()
	if c == nil {
		if late {
			out.Problem = Missing
		}
		return out
	}
	out.NotAfter = c.Leaf.NotAfter
	switch left := out.NotAfter.Sub(now); {
	case left <= 0:
		out.Problem = Expired
	case left < min(warnBefore, c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)/4):
		out.Problem = Expiring
	case late:
		out.Problem = Unreadable
	}
	return out
}

// pair returns the certificate of a chain and its key in PEM. It must be valid for the host.
func pair(chain, key []byte, host string) (*tls.Certificate, error) {
	c, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return nil, err
	}
	if c.Leaf == nil {
		if c.Leaf, err = x509.ParseCertificate(c.Certificate[0]); err != nil {
			return nil, fmt.Errorf("parsing certificate: %w", err)
		}
	}
	if err := c.Leaf.VerifyHostname(host); err != nil {
		return nil, err
	}
	return &c, nil
}
