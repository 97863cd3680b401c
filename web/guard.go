package web

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"barillet/internal/errcode"
	"barillet/web/forwardauth"
)

// policy is the Content-Security-Policy of every answer. The forms of the pages need form-action, and the script for
// security keys needs connect-src.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// signInPaths are the paths, or their beginnings at a slash, that a browser can visit between an application's
// authorization request and its answer. An application may show them in a popup.
var signInPaths = []string{"/oauth2", "/login", "/enrol", "/account/prove", "/help", "/forgot", "/language"}

// isSignInPath reports whether path is one of signInPaths or below it.
func isSignInPath(path string) bool {
	return slices.ContainsFunc(signInPaths, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
}

// setHeaders sets the security headers of every answer. A handler can override them, for example to allow caching.
func (s *server) setHeaders(next http.Handler) http.Handler {
	h := http.Header{}
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	// With no-referrer, Chromium would send "Origin: null" with the forms of the pages.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self), "+
		"camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if s.secure && s.HSTS != "" {
		h.Set("Strict-Transport-Security", s.HSTS) // RFC 6797 §7.2: only over https
	}
	popup := maps.Clone(h) // with the other, the application's window would lose its popup
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// All answers share the values. Each is a full slice, so Set and Add of a handler do not change it.
		if isSignInPath(r.URL.Path) {
			maps.Copy(w.Header(), popup)
		} else {
			maps.Copy(w.Header(), h)
		}
		next.ServeHTTP(w, r)
	})
}

// checkHost rejects requests for another host, because a link made from their Host would lead there. The probes accept
// every host: those of a container ask by address, or without a Host, and the answers contain no link. The endpoints of
// forward-auth accept every host: the proxy may send that of the application, and they accept only trusted proxies.
func (s *server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asking := s.ForwardAuth != nil && slices.Contains([]string{forwardauth.Path, forwardauth.StartPath, forwardauth.ReturnPath}, r.URL.Path)
		switch {
		case s.plainHost(r.Host) != s.host && !asking && !isProbe(r), s.Demo != nil && forwarded(r):
			// RFC 9110 §15.5.20: this server does not answer for the name.
			http.Error(w, http.StatusText(http.StatusMisdirectedRequest), http.StatusMisdirectedRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// forwarded reports whether a proxy sent the request. The demonstration accepts only direct requests.
func forwarded(r *http.Request) bool {
	for name := range r.Header {
		if name == "Forwarded" || strings.HasPrefix(name, "X-Forwarded-") || name == "X-Real-Ip" || name == "Via" {
			return true
		}
	}
	return false
}

// rejectCrossSite rejects requests that another site caused. The check of net/http accepts a request without Origin
// and Sec-Fetch-Site, because programs send neither. Older browsers do not either, but they send Referer.
func (s *server) rejectCrossSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !allowsCrossSite(r) && (s.crossing.Check(r) != nil || s.foreignReferer(r)) {
			s.writeError(w, r, errcode.ForbiddenFor(errcode.ReasonCrossSite))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *server) foreignReferer(r *http.Request) bool {
	referer, safe := r.Header.Get("Referer"), []string{http.MethodGet, http.MethodHead, http.MethodOptions} // RFC 9110 §9.2.1
	if referer == "" || slices.Contains(safe, r.Method) || r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		return false
	}
	u, err := url.Parse(referer)
	return err != nil || u.Scheme+"://"+s.plainHost(u.Host) != s.origin
}
