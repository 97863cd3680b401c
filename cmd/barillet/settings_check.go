package main

import (
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"barillet/authn"
)

// The checks of values. Each gives the value as it is kept, or the reason why it cannot be.

func filled(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", errors.New("is empty: leave the key out instead")
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return "", errors.New("holds a control character")
	}
	return s, nil
}

func oneOf(words ...string) func(string) (string, error) {
	return func(s string) (string, error) {
		if !slices.Contains(words, s) {
			return "", fmt.Errorf("want one of %s", strings.Join(words, ", "))
		}
		return s, nil
	}
}

// label is a text that pages show.
func label(most int) func(string) (string, error) {
	return func(s string) (string, error) {
		s = strings.TrimSpace(s)
		if s == "" || !utf8.ValidString(s) || utf8.RuneCountInString(s) > most || strings.ContainsFunc(s, unicode.IsControl) {
			return "", fmt.Errorf("want 1 to %d characters", most)
		}
		return s, nil
	}
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func colour(s string) (string, error) {
	if !hexColour.MatchString(s) {
		return "", errors.New("want a colour such as \"#0b4f5c\"")
	}
	return s, nil
}

func hostAndPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil || strings.ContainsAny(host, " /") {
		return "", errors.New("want HOST:PORT, such as \"localhost:8080\"")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || strconv.FormatUint(n, 10) != port {
		return "", errors.New("want a port from 0 to 65535")
	}
	return s, nil
}

// publicURL is an origin: keys are bound to it (W3C Web Authentication Level 3, section 5.1.3), links in mails
// and cookies depend on it. So it is https; browsers take http for safe on localhost only.
func publicURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return "", errors.New("want an address such as \"https://login.example.com\"")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Path != "" && u.Path != "/":
		return "", errors.New("want scheme and host alone, such as \"https://login.example.com\"")
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	switch {
	case u.Scheme == "http" && host != "localhost":
		return "", errors.New("must be https: http is for http://localhost alone")
	case u.Scheme != "https" && u.Scheme != "http":
		return "", errors.New("must begin with https://")
	case net.ParseIP(host) != nil:
		return "", errors.New("want a name, not an IP address: security keys are bound to a name")
	case strings.HasSuffix(u.Host, ":"):
		return "", errors.New("has a colon without a port")
	case port != "" && !(u.Scheme == "https" && port == "443") && !(u.Scheme == "http" && port == "80"):
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

func mailAddress(s string) (string, error) {
	a, ok := authn.NormalizeEmail(s)
	if !ok {
		return "", errors.New("want a mail address such as \"support@example.com\"")
	}
	return a, nil
}

// sender is an address with or without a name before it.
func sender(s string) (string, error) {
	a, err := mail.ParseAddress(s)
	if err == nil {
		_, err = mailAddress(a.Address)
	}
	if err != nil {
		return "", errors.New("want an address such as \"login@example.com\" or \"Name <login@example.com>\"")
	}
	return s, nil
}
