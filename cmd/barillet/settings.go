package main

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"barillet/internal/outbound"
	"barillet/web/gate"
)

// setting is one key of the configuration, with the one function that judges its value wherever it comes from.
type setting struct {
	key  string // as in the file, the section before a dot
	take func(c *config, value any) error
}

// raw is a value that came as text, from a flag or the environment. A file has types of its own.
type raw string

// settings are all keys. Where each value lands, and within which bounds, is said here and nowhere else.
func settings() []setting {
	return []setting{
		text("data", func(c *config) *string { return &c.data }, filled),
		text("listen", func(c *config) *string { return &c.listen }, hostAndPort),
		text("public_url", func(c *config) *string { return &c.publicURL }, publicURL),
		text("default_locale", func(c *config) *string { return &c.defaultLocale }, oneOf("fr", "en")),
		text("log_format", func(c *config) *string { return &c.logFormat }, oneOf("text", "json")),
		{"trusted_proxies", func(c *config, v any) (err error) { c.trustedProxies, err = prefixes(v); return err }},
		text("key_file", func(c *config) *string { return &c.keyFile }, filled),

		text("brand.name", func(c *config) *string { return &c.brand.name }, label(40)),
		text("brand.accent", func(c *config) *string { return &c.brand.accent }, colour),
		text("support.email", func(c *config) *string { return &c.support.email }, mailAddress),
		text("support.phone", func(c *config) *string { return &c.support.phone }, label(40)),

		text("smtp.host", func(c *config) *string { return &c.smtp.host }, filled),
		number("smtp.port", func(c *config) *int { return &c.smtp.port }, 1, 65535),
		text("smtp.tls", func(c *config) *string { return &c.smtp.tls }, oneOf("starttls", "implicit", "none")),
		text("smtp.username", func(c *config) *string { return &c.smtp.username }, filled),
		text("smtp.password_file", func(c *config) *string { return &c.smtp.passwordFile }, filled),
		text("smtp.from", func(c *config) *string { return &c.smtp.from }, sender),

		number("limits.connections", func(c *config) *int { return &c.limits.connections }, 16, 100_000),
		number("limits.connections_per_client", func(c *config) *int { return &c.limits.perClient }, 4, 100_000),
		span("limits.session_idle", func(c *config) *time.Duration { return &c.limits.sessionIdle }, time.Minute, 24*time.Hour),
		span("limits.session_max", func(c *config) *time.Duration { return &c.limits.sessionMax }, 5*time.Minute, 24*time.Hour),

		number("password.min_length", func(c *config) *int { return &c.password.min }, 8, 64),
		number("password.memory_kib", func(c *config) *int { return &c.password.memory }, 8192, 262144),
		number("password.passes", func(c *config) *int { return &c.password.passes }, 1, 10),
		number("password.at_once", func(c *config) *int { return &c.password.atOnce }, 1, 64),
		{"password.words", func(c *config, v any) (err error) { c.password.words, err = items(v); return err }},

		{"forward_auth.rules", func(c *config, v any) (err error) { c.gateRules, err = gateRules(v); return err }},
		truth("oidc.client_credentials", func(c *config) *bool { return &c.oidc.clientCredentials }),
		truth("totp.allow_copies", func(c *config) *bool { return &c.allowCopies }),
		truth("api.authn", func(c *config) *bool { return &c.apiAuthn }),
		text("webauthn.attestation", func(c *config) *string { return &c.webauthn.attestation }, oneOf("direct", "indirect", "enterprise", "none")),
		text("webauthn.user_verification", func(c *config) *string { return &c.webauthn.userVerification }, oneOf("discouraged", "preferred", "required")),

		{"outbound.allow", func(c *config, v any) (err error) { c.outbound, err = allowed(v); return err }},
	}
}

// variable is the setting's name in the environment.
func (s setting) variable() string {
	return "BARILLET_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// text is a setting of one text. The check gives it as it is to be kept, or the reason why not.
func text(key string, field func(*config) *string, check func(string) (string, error)) setting {
	return setting{key, func(c *config, value any) error {
		s, ok := value.(string)
		if r, is := value.(raw); is {
			s, ok = string(r), true
		}
		if !ok {
			return errors.New("want a text in quotes")
		}
		kept, err := check(s)
		if err == nil {
			*field(c) = kept
		}
		return err
	}}
}

func number(key string, field func(*config) *int, least, most int) setting {
	return setting{key, func(c *config, value any) error {
		n, ok := value.(int64)
		if r, is := value.(raw); is {
			var err error
			n, err = strconv.ParseInt(string(r), 10, 64)
			ok = err == nil
		}
		if !ok || n < int64(least) || n > int64(most) {
			return fmt.Errorf("want a whole number from %d to %d", least, most)
		}
		*field(c) = int(n)
		return nil
	}}
}

func truth(key string, field func(*config) *bool) setting {
	return setting{key, func(c *config, value any) error {
		b, ok := value.(bool)
		if r, is := value.(raw); is {
			b, ok = r == "true", r == "true" || r == "false"
		}
		if !ok {
			return errors.New("want true or false")
		}
		*field(c) = b
		return nil
	}}
}

func span(key string, field func(*config) *time.Duration, least, most time.Duration) setting {
	return setting{key, func(c *config, value any) error {
		s, _ := value.(string)
		if r, is := value.(raw); is {
			s = string(r)
		}
		d, err := time.ParseDuration(s)
		if err != nil || d < least || d > most {
			return fmt.Errorf("want a duration from %v to %v, such as \"45m\" or \"1h30m\"", least, most)
		}
		*field(c) = d
		return nil
	}}
}

// items reads a list of texts; in a flag or the environment they are parted by commas.
func items(value any) ([]string, error) {
	var out []string
	switch v := value.(type) {
	case raw:
		for part := range strings.SplitSeq(string(v), ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return nil, errors.New("want a list of texts in quotes")
			}
			out = append(out, s)
		}
	default:
		return nil, errors.New("want a list of texts in quotes")
	}
	return out, nil
}

// gateRules reads who may go to applications behind forward-auth.
func gateRules(value any) ([]gate.Rule, error) {
	texts, err := items(value)
	if err != nil {
		return nil, err
	}
	var out []gate.Rule
	for _, text := range texts {
		r, err := gate.ParseRule(text)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", text, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// allowed reads a list of hosts, addresses and networks.
func allowed(value any) (outbound.Allowed, error) {
	texts, err := items(value)
	if err != nil {
		return outbound.Allowed{}, err
	}
	return outbound.ParseAllowed(texts)
}

// prefixes reads a list of addresses and networks.
func prefixes(value any) ([]netip.Prefix, error) {
	texts, err := items(value)
	if err != nil {
		return nil, err
	}
	var out []netip.Prefix
	for _, t := range texts {
		if addr, err := netip.ParseAddr(t); err == nil && addr.Zone() == "" {
			out = append(out, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(t)
		if err != nil || p != p.Masked() {
			return nil, fmt.Errorf("%q is no address such as \"10.0.0.5\" nor network such as \"10.0.0.0/24\"", t)
		}
		out = append(out, p)
	}
	return out, nil
}
