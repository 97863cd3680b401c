package forwardauth

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/web/reply"
)

// proxyRequest is a request to an application, as a proxy describes it.
type proxyRequest struct {
	method string
	host   string // lower case, without the default port of the scheme
	uri    string // path and query as the browser sent them
}

func (p proxyRequest) path() string {
	path, _, _ := strings.Cut(p.uri, "?")
	return path
}

// Proxies pass on no longer values.
const (
	maxHost = 300
	maxURI  = 16 << 10
)

// read returns the request that a trusted proxy describes (promise O7). It accepts each header once: a second value
// comes from the client.
func (h *Handler) read(r *http.Request) (proxyRequest, error) {
	if !h.trusts(r) {
		return proxyRequest{}, errcode.New(errcode.Forbidden)
	}
	var p proxyRequest
	var proto string
	for _, f := range []struct {
		header string
		max    int
		into   *string
	}{{"X-Forwarded-Method", 32, &p.method}, {"X-Forwarded-Proto", 8, &proto}, {"X-Forwarded-Host", maxHost, &p.host}, {"X-Forwarded-Uri", maxURI, &p.uri}} {
		all := r.Header.Values(f.header)
		if len(all) != 1 || all[0] == "" || len(all[0]) > f.max {
			return proxyRequest{}, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: f.header}
		}
		*f.into = all[0]
	}
	switch proto { // a WebSocket begins as an HTTP request
	case "ws":
		proto = "http"
	case "wss":
		proto = "https"
	}
	if proto != h.scheme {
		return proxyRequest{}, errcode.New(errcode.Forbidden)
	}
	p.host = NormalizeHost(p.host, h.scheme)
	if !strings.HasPrefix(p.uri, "/") {
		return proxyRequest{}, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: "X-Forwarded-Uri"}
	}
	return p, nil
}

// trusts reports whether a trusted proxy sent the request.
func (h *Handler) trusts(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(h.trustedProxies, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// NormalizeHost returns host in lower case and without the default port of the scheme.
func NormalizeHost(host, scheme string) string {
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return strings.TrimSuffix(strings.ToLower(host), port)
}

// isNavigation reports whether a browser shows the answer to the user. Scripts, images and programs get a status instead.
func (p proxyRequest) isNavigation(r *http.Request) bool {
	if p.method != http.MethodGet && p.method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}
