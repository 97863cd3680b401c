package reply

import (
	"net/url"
	"strings"
)

// IsLocalPath reports whether a browser resolves ref, a path with an optional query, to the host that it is on.
// Browsers read "\" as "/" and drop tabs and line breaks (WHATWG URL §4.4).
func IsLocalPath(ref string) bool {
	if !strings.HasPrefix(ref, "/") || strings.HasPrefix(ref, "//") ||
		strings.ContainsFunc(ref, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == '\\' }) {
		return false
	}
	u, err := url.Parse(ref)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && u.Opaque == ""
}
