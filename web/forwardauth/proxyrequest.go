package forwardauth

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/web/reply"
)

// proxyRequest is a request to an application as the proxy before it tells of it.
type proxyRequest struct {
	method string
	host   string // lower case, without the scheme's own port
	uri    string // path and query as the browser sent them
}

func (a proxyRequest) path() string {
	path, _, _ := strings.Cut(a.uri, "?")
	return path
}

// Longer ones no proxy passes on.
const (
	maxHost = 300
	maxURI  = 16 << 10
)

// read takes what the proxy says. Nobody but a trusted proxy is heard (BAR O7), and each header is said once: a second
// one came through from the client.
func (g *Handler) read(r *http.Request) (proxyRequest, error) {
	if !g.trusts(r) {
		return proxyRequest{}, errcode.New(errcode.Forbidden)
	}
	said := func(name string, longest int) (string, error) {
		all := r.Header.Values(name)
		if len(all) != 1 || all[0] == "" || len(all[0]) > longest {
			return "", &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: name}
		}
		return all[0], nil
	}
	var a proxyRequest
	var proto string
	var err error
	for _, h := range []struct {
		name    string
		longest int
		into    *string
	}{{"X-Forwarded-Method", 32, &a.method}, {"X-Forwarded-Proto", 8, &proto}, {"X-Forwarded-Host", maxHost, &a.host}, {"X-Forwarded-Uri", maxURI, &a.uri}} {
		if *h.into, err = said(h.name, h.longest); err != nil {
			return proxyRequest{}, err
		}
	}
	switch proto { // a WebSocket begins as a request of its scheme's
	case "ws":
		proto = "http"
	case "wss":
		proto = "https"
	}
	if proto != g.scheme {
		return proxyRequest{}, errcode.New(errcode.Forbidden)
	}
	a.host = plainHost(a.host, g.scheme)
	if !strings.HasPrefix(a.uri, "/") {
		return proxyRequest{}, &reply.HTTPError{Status: http.StatusBadRequest, Kind: reply.KindParameter, Member: "X-Forwarded-Uri"}
	}
	return a, nil
}

// trusts tells whether a request comes from a proxy that the configuration names.
func (g *Handler) trusts(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && slices.ContainsFunc(g.trusted, func(p netip.Prefix) bool { return p.Contains(peer.Addr().Unmap()) })
}

// plainHost is a host as it is compared.
func plainHost(host, scheme string) string {
	port := ":443"
	if scheme == "http" {
		port = ":80"
	}
	return strings.TrimSuffix(strings.ToLower(host), port)
}

// isNavigation tells whether somebody looks at the answer: a browser that goes to a page. Everything else, such as a
// script's call, an image or a program, is told by the status.
func (a proxyRequest) isNavigation(r *http.Request) bool {
	if a.method != http.MethodGet && a.method != http.MethodHead {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// local is where to go on to on the protected host: a path of its own, and nothing that a browser could take for
// another site (WHATWG URL section 4.4).
func local(uri string) string {
	if !strings.HasPrefix(uri, "/") || len(uri) > 1 && (uri[1] == '/' || uri[1] == '\\') ||
		strings.ContainsFunc(uri, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
		return "/"
	}
	if u, err := url.ParseRequestURI(uri); err != nil || u.Host != "" {
		return "/"
	}
	return uri
}
