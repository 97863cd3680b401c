package certificate

import (
	"net"
	"net/http"
	"strings"
)

// challengePath is where a CA asks for the answer to a challenge (RFC 8555 §8.3).
const challengePath = "/.well-known/acme-challenge/"

// Redirect returns the handler of plain HTTP: it answers challenges, and sends browsers to the same page of the public URL. The request
// decides neither host nor scheme of the target.
func (s *Source) Redirect(publicURL string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		path := r.URL.EscapedPath()
		switch {
		case !strings.EqualFold(hostname(r.Host), s.host):
			http.Error(w, "this service has another name", http.StatusMisdirectedRequest)
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "use https", http.StatusBadRequest)
		case strings.HasPrefix(path, challengePath):
			s.origin.answer(w, r)
		case !strings.HasPrefix(path, "/"):
			http.Error(w, "use https", http.StatusBadRequest)
		default:
			target := publicURL + path
			if r.URL.RawQuery != "" {
				target += "?" + r.URL.RawQuery
			}
			w.Header().Set("Location", target)
			w.WriteHeader(http.StatusMovedPermanently)
		}
	})
}

// hostname returns the host of a Host header without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return host
}
