package certificate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	minPause = 2 * time.Minute // after a failure. Let's Encrypt allows five an hour
	maxPause = time.Hour
)

// issuer is the origin of a certificate that a CA issues.
type issuer struct {
	ACME
	host    string
	now     func() time.Time
	cache   *cache
	reasons *reasons
	manager atomic.Pointer[manager] // replaced after a failure, which an autocert.Manager remembers for a minute
}

// manager is an autocert.Manager and its handler of challenges.
type manager struct {
	*autocert.Manager
	challenges http.Handler
}

func newACME(c ACME, host string, now func() time.Time, log *slog.Logger) (*issuer, error) {
	store, err := openCache(c.Cache, host, log)
	if err != nil {
		return nil, err
	}
	a := &issuer{ACME: c, host: host, now: now, cache: store, reasons: &reasons{base: http.DefaultTransport}}
	a.renew()
	return a, nil
}

// renew replaces the manager.
func (a *issuer) renew() {
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Email: a.Email, Cache: a.cache, HostPolicy: autocert.HostWhitelist(a.host),
		Client: &acme.Client{DirectoryURL: a.Directory, UserAgent: "barillet", HTTPClient: &http.Client{Transport: a.reasons}},
	}
	none := http.HandlerFunc(http.NotFound)
	a.manager.Store(&manager{m, m.HTTPHandler(none)})
}

// cached returns the certificate of an earlier start, also one that has expired.
func (a *issuer) cached() (*tls.Certificate, error) {
	data, err := a.cache.Get(context.Background(), a.host)
	if errors.Is(err, autocert.ErrCacheMiss) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c, err := pair(data, data, a.host)
	if err != nil {
		a.cache.log.Error("reading the certificate of an earlier start: the CA is asked for another", "error", err)
		return nil, nil
	}
	return c, nil
}

// modern is the handshake of a client that accepts ECDSA, as every client of TLS 1.2 with Barillet's other needs does.
var modern = tls.ClientHelloInfo{CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}}

// next returns the certificate of the manager, which the CA issues at the first call. The manager renews it when a third of its
// lifetime is left, at most 30 days. If that is overdue, next also returns an error.
func (a *issuer) next(ctx context.Context, _ *tls.Certificate) (*tls.Certificate, error) {
	type result struct {
		c   *tls.Certificate
		err error
	}
	done := make(chan result, 1)
	hello := modern
	hello.ServerName = a.host
	go func() { // it ends within five minutes, the time limit of the manager, which takes no context
		c, err := a.manager.Load().GetCertificate(&hello)
		done <- result{c, err}
	}()
	var r result
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r = <-done:
	}
	if r.err != nil {
		a.renew()
		return nil, a.explain(fmt.Errorf("asking %s for a certificate: %w", a.Directory, r.err))
	}
	lifetime := r.c.Leaf.NotAfter.Sub(r.c.Leaf.NotBefore)
	if due := min(lifetime/3, 30*24*time.Hour); r.c.Leaf.NotAfter.Sub(a.now()) < due*3/4 {
		return r.c, a.explain(fmt.Errorf("renewing the certificate at %s is overdue", a.Directory))
	}
	return r.c, nil
}

// explain adds the last refusal of the CA.
func (a *issuer) explain(err error) error {
	if why := a.reasons.take(); why != "" {
		return fmt.Errorf("%w; the last refusal: %s", err, why)
	}
	return err
}

// pause returns a longer wait after each failure: 2, 4, 8 … minutes.
func (*issuer) pause(failures int) time.Duration {
	if failures == 0 {
		return interval
	}
	return min(minPause<<min(failures-1, 5), maxPause)
}

func (a *issuer) challenge(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return a.manager.Load().GetCertificate(hello)
}

// answer leaves the port of the request away, with which autocert does not know the host.
func (a *issuer) answer(w http.ResponseWriter, r *http.Request) {
	r = r.Clone(r.Context())
	r.Host = a.host
	a.manager.Load().challenges.ServeHTTP(w, r)
}
