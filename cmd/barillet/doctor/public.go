package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// minValidity is how long the certificate must be valid: renewals begin 30 days before the end.
const minValidity = 14 * 24 * time.Hour

// sentinel is an address that no client has (RFC 5737). The check sends it in X-Forwarded-For to see what the proxy makes of it.
const sentinel = "192.0.2.77"

// checkPublic asks the public URL, as a browser would.
func (s *Setup) checkPublic(ctx context.Context, r *Report, running *service) {
	u, err := url.Parse(s.PublicURL)
	if s.PublicURL == "" || err != nil {
		r.skip("public.connect", "public_url is not set")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*netTimeout)
	defer cancel()
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"https": "443", "http": "80"}[u.Scheme])
	}
	conn, err := (&net.Dialer{Timeout: netTimeout}).DialContext(ctx, "tcp", address)
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		r.fail("public.resolve", "add an address record for "+u.Hostname()+" to the DNS zone", "%v", err)
		return
	case err != nil && running == nil && u.Scheme == "http":
		r.skip("public.connect", "the service does not run")
		return
	case err != nil:
		r.fail("public.connect", "start the proxy, and let the firewall pass "+address+"; if only this host cannot reach it, check from another", "%v", err)
		return
	}
	defer conn.Close()
	r.ok("public.resolve", "%s has an address", u.Hostname())
	if u.Scheme == "https" && !s.checkCertificate(ctx, r, conn, u.Hostname()) {
		return
	}
	if running == nil {
		r.skip("public.service", "the service does not run")
		return
	}
	if err := s.checkRequest(ctx, r, running, u); err != nil {
		r.fail("public.connect", "read the log of the proxy", "%v", err)
	}
}

// checkCertificate judges the certificate as a browser does. It reports whether the server speaks TLS.
func (s *Setup) checkCertificate(ctx context.Context, r *Report, conn net.Conn, host string) bool {
	// The certificate is judged below, so that each fault has its name.
	client := tls.Client(conn, &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	ctx, cancel := context.WithTimeout(ctx, netTimeout)
	defer cancel()
	if err := client.HandshakeContext(ctx); err != nil {
		r.fail("tls.handshake", "configure TLS at the proxy, for this name: openssl s_client -connect "+host+":443", "TLS with %s: %v", host, err)
		return false
	}
	r.ok("tls.handshake", "%s speaks TLS", host)
	chain := client.ConnectionState().PeerCertificates
	leaf, now := chain[0], s.Now()
	if err := leaf.VerifyHostname(host); err != nil {
		r.fail("tls.name", "give the proxy a certificate for "+host, "%v", err)
	} else {
		r.ok("tls.name", "the certificate is for %s", host)
	}
	switch left := leaf.NotAfter.Sub(now); {
	case left <= 0:
		r.fail("tls.expiry", "renew the certificate, and let the proxy read it again", "the certificate expired at %s", stamp(leaf.NotAfter))
	case now.Before(leaf.NotBefore):
		r.fail("tls.expiry", "correct the clock of this host, or wait", "the certificate is valid from %s", stamp(leaf.NotBefore))
	case left < minValidity:
		r.warn("tls.expiry", "renew the certificate, and find out why the renewal does not run", "the certificate expires at %s", stamp(leaf.NotAfter))
	default:
		r.ok("tls.expiry", "the certificate is valid until %s", stamp(leaf.NotAfter))
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	at := now // a chain that was valid with the leaf is judged apart from the expiry
	if at.After(leaf.NotAfter) {
		at = leaf.NotAfter.Add(-time.Second)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: s.Roots, Intermediates: between, CurrentTime: at}); err != nil {
		r.fail("tls.chain", "give the proxy the full chain (fullchain.pem), of an authority that browsers trust", "%v", err)
	} else {
		r.ok("tls.chain", "an authority that this host trusts signed it")
	}
	return true
}

// checkRequest sends one request through the public URL and compares how the service saw it.
func (s *Setup) checkRequest(ctx context.Context, r *Report, running *service, u *url.URL) error {
	var nonce string
	if err := running.call(ctx, http.MethodPost, witnessPath, &nonce); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.Scheme+"://"+u.Host+"/healthz", nil)
	if err != nil {
		return err
	}
	req.Header.Set(Header, nonce)
	req.Header.Set("X-Forwarded-For", sentinel)
	client := &http.Client{Timeout: netTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}} // judged apart
	got, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking %s: %w", u, err)
	}
	got.Body.Close()
	r.ok("public.connect", "%s answers", u.Host)
	var seen *Seen
	if err := running.call(ctx, http.MethodGet, witnessPath, &seen); err != nil {
		return err
	}
	if got.StatusCode/100 != 3 {
		r.ok("public.redirect", "no redirect")
	}
	switch to := got.Header.Get("Location"); {
	case got.StatusCode/100 == 3 && to == req.URL.String():
		r.fail("public.redirect", "remove the redirect at the proxy; one behind another proxy must not redirect to https again", "%s redirects to itself", to)
	case got.StatusCode/100 == 3:
		r.fail("public.redirect", "set public_url to the address to which it redirects, or remove the redirect at the proxy", "%s redirects to %s", req.URL, to)
	case seen == nil && got.StatusCode == http.StatusMisdirectedRequest:
		r.fail("public.service", "let the proxy forward to the address of listen; only one service has this name", "another service answers at %s", u)
	case seen == nil:
		r.fail("public.service", "let the proxy forward to the address of listen", "%s answers %s, and this service got no request", req.URL, got.Status)
	default:
		r.ok("public.service", "the request reached this service")
		s.judge(r, seen, u)
	}
	return nil
}

// judge compares how a request arrived with how it was sent.
func (s *Setup) judge(r *Report, seen *Seen, u *url.URL) {
	if plainHost(seen.Host, u.Scheme) != plainHost(u.Host, u.Scheme) {
		r.fail("public.host", "let the proxy keep the host: proxy_set_header Host $http_host (nginx)", "the service got the Host %q, and not %q: it answers 421", seen.Host, u.Host)
	} else {
		r.ok("public.host", "the Host header arrives")
	}
	if u.Scheme == "http" || seen.TLS {
		r.ok("proxy.header", "no proxy is between")
		return
	}
	hops := strings.Split(strings.ReplaceAll(strings.Join(seen.Forwarded, ","), " ", ""), ",")
	last := hops[len(hops)-1]
	from, _ := netip.ParseAddrPort(seen.Peer)
	peer := from.Addr().Unmap()
	trusted := slices.ContainsFunc(s.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) })
	const add = "let the proxy add the client: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for (nginx)"
	switch {
	case last == "":
		r.fail("proxy.header", add, "the proxy sends no X-Forwarded-For: all clients share the limits of %s", peer)
	case last == sentinel:
		r.fail("proxy.forged", add, "the proxy passes on the X-Forwarded-For of the client and adds nothing: clients can choose their address")
	case seen.Client == peer && (last != peer.String() || !trusted): // a proxy on this host sees this host as the client
		r.fail("proxy.trusted", fmt.Sprintf("set trusted_proxies = [%q], and restart or reload the service", peer), "the proxy %s is not in trusted_proxies: all clients share its limits", peer)
	default:
		r.ok("proxy.header", "the proxy adds the client's address")
		r.ok("proxy.forged", "the address comes from the proxy")
		r.ok("proxy.trusted", "the service uses the address that %s adds", peer)
	}
}

// plainHost returns a host without the default port of the scheme.
func plainHost(host, scheme string) string {
	return strings.ToLower(strings.TrimSuffix(host, map[string]string{"https": ":443", "http": ":80"}[scheme]))
}
