package config

import (
	"fmt"
	"net"
	"net/url"
	"strings"
)

// HasTLS reports whether the service ends TLS itself.
func (c *Config) HasTLS() bool { return c.TLS.ACME || c.TLS.CertificateFile != "" }

// validateTLS checks the settings of [tls] against each other and against public_url and listen.
func (c *Config) validateTLS() (problem, hint string) {
	t, public := &c.TLS, string(c.PublicURL)
	_, port, _ := net.SplitHostPort(string(c.Listen)) // hostPort checked it
	_, plainPort, _ := net.SplitHostPort(string(t.ListenHTTP))
	switch {
	case (t.CertificateFile == "") != (t.KeyFile == ""):
		return "tls.certificate_file and tls.key_file must be set together", "set both, or neither"
	case t.ACME && t.CertificateFile != "":
		return "tls.acme and tls.certificate_file are both set", "remove tls.acme, or the two files"
	case !t.ACME && t.ACMETerms:
		return "tls.acme_agree_terms is set, but tls.acme is not", "set tls.acme = true, or remove tls.acme_agree_terms"
	case !c.HasTLS() && t.ListenHTTP != "":
		return "tls.listen_http requires a certificate", "set tls.certificate_file and tls.key_file, or tls.acme"
	case !c.HasTLS():
		return "", ""
	case !strings.HasPrefix(public, "https://"):
		return "public_url must begin with https:// when [tls] is set", "set public_url = \"https://login.example.com\""
	case plainPort == port && port != "0" && t.ListenHTTP != "":
		return fmt.Sprintf("listen and tls.listen_http have the same port %s", port), "set listen = \":443\" and tls.listen_http = \":80\""
	case t.ACME && !t.ACMETerms:
		return "tls.acme requires that you agree to the terms of the CA", "read them, and set tls.acme_agree_terms = true"
	case t.ACME && !validatable(Host(public)):
		return fmt.Sprintf("no CA can issue a certificate for %s", Host(public)), "set public_url to a name of the public DNS, or use tls.certificate_file"
	case t.ACME && portOf(public) != "443" && t.ListenHTTP == "":
		return fmt.Sprintf("public_url has port %s, but the CA connects to port 443", portOf(public)), "set tls.listen_http = \":80\" for challenges by HTTP, or use port 443"
	}
	return "", ""
}

// validatable reports whether a CA can look a host name up.
func validatable(host string) bool {
	return strings.Contains(strings.Trim(host, "."), ".") && !strings.HasSuffix(host, ".localhost")
}

// portOf returns the port of an https origin.
func portOf(origin string) string {
	if u, err := url.Parse(origin); err == nil && u.Port() != "" {
		return u.Port()
	}
	return "443"
}
