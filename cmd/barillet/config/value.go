package config

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"barillet/authn/account"
	"barillet/internal/backup"
	"barillet/internal/input"
	"barillet/internal/outbound"
	"barillet/web/forwardauth"
)

// The types of settings that have a syntax.
type (
	hostPort string // host and port
	Origin   string // scheme, host and port of a URL
	colour   string // such as #0b4f5c
	secure   string // a URL that begins with https
	email    string
	sender   string // an email address, with or without a name before it

	words    []string
	networks []netip.Prefix
	rules    []forwardauth.Rule
	hosts    struct{ outbound.Allowed }

	recipients struct{ backup.Recipients }
)

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hostPort) UnmarshalText(text []byte) error {
	host, port, err := net.SplitHostPort(string(text))
	if err != nil || strings.ContainsAny(host, " /") {
		return errors.New("want HOST:PORT, such as \"localhost:8080\"")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return errors.New("want a port from 0 to 65535")
	}
	*h = hostPort(text)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler. An origin must be https: security keys (WebAuthn L3 §5.1.3), links
// in emails and cookies depend on it. Browsers treat http as secure on localhost only.
func (o *Origin) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return errors.New("want a URL such as \"https://login.example.com\"")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return errors.New("want only a scheme and a host, such as \"https://login.example.com\"")
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	switch {
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }): // browsers send the host in punycode
		return errors.New(strings.TrimSuffix("want the host in punycode: "+input.PunycodeHost(string(text)), ": "))
	case u.Scheme == "http" && host != "localhost":
		return errors.New("must be https; http is allowed only for http://localhost")
	case u.Scheme != "https" && u.Scheme != "http":
		return errors.New("must begin with https://")
	case net.ParseIP(host) != nil:
		return errors.New("want a host name, not an IP address: security keys are bound to a name")
	case strings.HasSuffix(u.Host, ":"):
		return errors.New("has a colon without a port")
	case port != "" && !(u.Scheme == "https" && port == "443") && !(u.Scheme == "http" && port == "80"):
		host += ":" + port
	}
	*o = Origin(u.Scheme + "://" + host)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *secure) UnmarshalText(text []byte) error {
	u, err := url.Parse(string(text))
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("want a URL such as \"https://ca.example.com/directory\"")
	}
	*s = secure(text)
	return nil
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *colour) UnmarshalText(text []byte) error {
	if !hexColour.Match(text) {
		return errors.New("want a colour such as \"#0b4f5c\"")
	}
	*c = colour(text)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (e *email) UnmarshalText(text []byte) error {
	address, ok := account.NormalizeEmail(string(text))
	if !ok {
		return errors.New("want an email address such as \"support@example.com\"")
	}
	*e = email(address)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *sender) UnmarshalText(text []byte) error {
	a, err := mail.ParseAddress(string(text))
	if err == nil {
		err = new(email).UnmarshalText([]byte(a.Address))
	}
	if err != nil {
		return errors.New("want an address such as \"login@example.com\" or \"Name <login@example.com>\"")
	}
	*s = sender(text)
	return nil
}

// items returns the parts of a list, which commas separate.
func items(text []byte) (out []string) {
	for item := range strings.SplitSeq(string(text), ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (w *words) UnmarshalText(text []byte) error {
	*w = items(text)
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *networks) UnmarshalText(text []byte) error {
	*n = nil
	for _, item := range items(text) {
		p, err := netip.ParsePrefix(item)
		if addr, isAddr := netip.ParseAddr(item); isAddr == nil && addr.Zone() == "" {
			p, err = netip.PrefixFrom(addr, addr.BitLen()), nil
		}
		if err != nil || p != p.Masked() {
			return fmt.Errorf("%q is neither an address such as \"10.0.0.5\" nor a network such as \"10.0.0.0/24\"", item)
		}
		*n = append(*n, p)
	}
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *rules) UnmarshalText(text []byte) error {
	*r = nil
	for _, item := range items(text) {
		rule, err := forwardauth.ParseRule(item)
		if err != nil {
			return fmt.Errorf("%q: %w", item, err)
		}
		*r = append(*r, rule)
	}
	return nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (h *hosts) UnmarshalText(text []byte) (err error) {
	h.Allowed, err = outbound.ParseAllowed(items(text))
	return err
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (r *recipients) UnmarshalText(text []byte) (err error) {
	r.Recipients, err = backup.ParseRecipients(items(text))
	return err
}
