package web

import (
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/web/forwardauth"
	"barillet/web/reply"
)

// The maximum sizes of a request, in bytes (promise S5).
const (
	maxBody    = 64 << 10
	maxAPIBody = 1 << 20
)

// policy is the Content-Security-Policy of every answer. form-action and connect-src are needed by our own forms
// and by the script of the security keys; nothing inline, nothing from elsewhere (FACTS H3).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// setHeaders puts on every answer what a browser is to keep to. What may be cached says so itself.
func (s *server) setHeaders(next http.Handler) http.Handler {
	h := http.Header{}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers that do not know frame-ancestors
	// With no-referrer, Chromium would send "Origin: null" on our own forms (FACTS H1b).
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self), "+
		"camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if s.secure {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains") // RFC 6797 section 7.2: over https only
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// All answers share the values, each of which is a full slice: Set puts another in its place, Add copies it.
		maps.Copy(w.Header(), h)
		next.ServeHTTP(w, r)
	})
}

// checkHost serves our own host alone: whatever is made of a stranger's Host would be a stranger's. A load
// balancer on the machine itself may ask how we are by a loopback name. A proxy that asks for an application may pass
// on the Host of that; the gate hears none but trusted ones.
func (s *server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		probing := r.URL.Path == "/healthz" || r.URL.Path == "/readyz"
		asking := s.ForwardAuth != nil && slices.Contains([]string{forwardauth.Path, forwardauth.StartPath, forwardauth.ReturnPath}, r.URL.Path)
		switch {
		case s.plainHost(r.Host) != s.host && !asking && !(probing && loopback(r.Host)), s.Demo != nil && forwarded(r):
			// RFC 9110 section 15.5.20: not a name that we answer for.
			http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.Trim(hostport, "[]")
	}
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// forwarded tells whether a proxy stands before us: the demonstration is for the machine itself.
func forwarded(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" || name == "Via" {
			return true
		}
	}
	return false
}

func (s *server) limitBody(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxBody)
		if strings.HasPrefix(r.URL.Path, apiPrefix) {
			limit = maxAPIBody
		}
		if r.ContentLength > limit {
			s.writeError(w, r, &reply.HTTPError{Status: http.StatusRequestEntityTooLarge, Kind: reply.KindTooLarge})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

// rejectCrossSite refuses what another site made a browser send. The library's rule lets pass what bears neither
// Origin nor Sec-Fetch-Site, for programs; a foreign Referer there is an old browser on a foreign page (FACTS H1b).
func (s *server) rejectCrossSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowsCrossSite(r) && (s.crossing.Check(r) != nil || s.foreignReferer(r)) {
			s.writeError(w, r, errcode.New(errcode.Forbidden))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) foreignReferer(r *http.Request) bool {
	referer, safe := r.Header.Get("Referer"), []string{http.MethodGet, http.MethodHead, http.MethodOptions} // RFC 9110 section 9.2.1
	if referer == "" || slices.Contains(safe, r.Method) || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		return false
	}
	u, err := url.Parse(referer)
	return err != nil || u.Scheme+"://"+s.plainHost(u.Host) != s.origin
}
