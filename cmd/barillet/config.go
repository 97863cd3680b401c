package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"barillet/cmd/barillet/cli"
	"barillet/internal/outbound"
	"barillet/web/gate"
)

// config is what the operator decided, every value judged.
type config struct {
	data           string
	listen         string
	publicURL      string // an origin; "": http://localhost and the port that is listened at
	defaultLocale  string
	logFormat      string
	trustedProxies []netip.Prefix
	keyFile        string
	brand          struct{ name, accent string }
	support        struct{ email, phone string }
	smtp           struct {
		host         string // "": no mail server, mail waits
		port         int    // 0: the usual one of tls
		tls          string
		username     string
		passwordFile string
		from         string
	}
	limits struct {
		connections, perClient  int
		sessionIdle, sessionMax time.Duration
	}
	password struct {
		min, memory, passes, atOnce int // 0: authn's own
		words                       []string
	}
	allowCopies bool
	apiAuthn    bool // programs may sign people in (PROTOCOL 25)
	oidc        struct{ clientCredentials bool }
	webauthn    struct{ attestation, userVerification string }
	gateRules   []gate.Rule      // applications behind forward-auth; none: there are none
	outbound    outbound.Allowed // what may be called besides the internet

	warnings []string
}

// defaults is what yesterday's configuration without today's keys means.
func defaults() config {
	c := config{listen: "localhost:8080", defaultLocale: "fr", logFormat: "text", allowCopies: true}
	c.brand.name = "Barillet"
	c.smtp.tls = "starttls"
	c.limits.connections, c.limits.perClient = 2000, 64                 // BAR S5
	c.limits.sessionIdle, c.limits.sessionMax = time.Hour, 24*time.Hour // BAR A11
	return c
}

// load reads the configuration: flags (by key) over environment over file. An error names where the value
// stands, the key and the reason.
func load(file string, environ []string, flags map[string]string) (*config, error) {
	c := defaults()
	env := variables(environ)
	if file == "" {
		file = env["BARILLET_CONFIG"]
	}
	if file != "" {
		if err := c.readFile(file); err != nil {
			return nil, err
		}
	}
	if err := c.readEnvironment(env); err != nil {
		return nil, err
	}
	for _, s := range settings() {
		value, given := flags[s.key]
		if !given {
			continue
		}
		if err := s.take(&c, raw(value)); err != nil {
			return nil, &cli.UsageError{Err: fmt.Errorf("--%s: %w", strings.ReplaceAll(s.key, "_", "-"), err)}
		}
	}
	return &c, c.agree(file)
}

// variables are those of the environment that begin as ours do. An empty one is as good as none.
func variables(environ []string) map[string]string {
	found := map[string]string{}
	for _, line := range environ {
		if name, value, ok := strings.Cut(line, "="); ok && value != "" && strings.HasPrefix(name, "BARILLET_") {
			found[name] = value
		}
	}
	return found
}

// notSettings are variables that mean something to the program without being a setting.
var notSettings = []string{"BARILLET_CONFIG", "BARILLET_URL", "BARILLET_TOKEN"}

// readEnvironment takes the settings from the environment. A name below one of our sections that is no
// setting is a misspelt one and stops the start; any other may be somebody else's and is told only.
func (c *config) readEnvironment(env map[string]string) error {
	known := slices.Clone(notSettings)
	for _, s := range settings() {
		known = append(known, s.variable())
		value, given := env[s.variable()]
		if !given {
			continue
		}
		if err := s.take(c, raw(value)); err != nil {
			return fmt.Errorf("environment: %s: %w", s.variable(), err)
		}
	}
	names := []string{}
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if slices.Contains(known, name) {
			continue
		}
		for _, section := range sections() {
			if strings.HasPrefix(name, "BARILLET_"+strings.ToUpper(section)+"_") {
				return fmt.Errorf("environment: %s: is no setting", name)
			}
		}
		c.warnings = append(c.warnings, fmt.Sprintf("environment variable %s is no setting and is ignored", name))
	}
	return nil
}

// agree judges what no value can be judged for alone.
func (c *config) agree(file string) error {
	where := "configuration"
	if file != "" {
		where = file
	}
	wrong := func(key, reason string) error { return fmt.Errorf("%s: %s: %s", where, key, reason) }
	switch {
	case c.smtp.host == "" && (c.smtp.port != 0 || c.smtp.username != "" || c.smtp.passwordFile != "" || c.smtp.from != ""):
		return wrong("smtp.host", "is missing, while other keys of [smtp] are set")
	case (c.smtp.username == "") != (c.smtp.passwordFile == ""):
		return wrong("smtp.username", "and smtp.password_file go together")
	case c.limits.sessionIdle > c.limits.sessionMax:
		return wrong("limits.session_idle", "is longer than limits.session_max")
	case c.limits.perClient > c.limits.connections:
		return wrong("limits.connections_per_client", "is more than limits.connections")
	case len(c.gateRules) > 0 && len(c.trustedProxies) == 0:
		return cli.WithHint(wrong("trusted_proxies", "is missing, while forward_auth.rules is set: no proxy would be heard"),
			"name the address of the proxy, such as trusted_proxies = [\"127.0.0.1\"]")
	case c.publicURL == "" && !loopback(c.listen):
		return cli.WithHint(wrong("public_url", "is missing: links in mails and security keys need it"),
			"give --public-url https://login.example.com, or listen on localhost to try things out")
	}
	return nil
}

// loopback tells whether only this machine can reach the address.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

// needData checks that a data folder was named and settles where the key file is.
func (c *config) needData() error {
	if c.data == "" {
		return cli.WithHint(cli.Misused("no data folder is named"), "give --data DIR, BARILLET_DATA, or data in the configuration file")
	}
	if c.keyFile == "" {
		c.keyFile = filepath.Join(c.data, keyName)
	}
	return nil
}

// origin is the public address of pages and links, given the port that is listened at ("": that of listen).
func (c *config) origin(port string) string {
	if c.publicURL != "" {
		return c.publicURL
	}
	if port == "" {
		_, port, _ = net.SplitHostPort(c.listen) // judged by hostAndPort
	}
	return "http://localhost:" + port
}

// host is the name in the public address.
func host(origin string) string {
	u, err := url.Parse(origin)
	if err != nil { // it was judged before
		return "localhost"
	}
	return u.Hostname()
}

// mailFrom is who mails come from, where nothing was said: somebody who can be answered, if there is one.
func (c *config) mailFrom(origin string) string {
	switch {
	case c.smtp.from != "":
		return c.smtp.from
	case c.support.email != "":
		return c.support.email
	}
	return "no-reply@" + host(origin)
}

// smtpPassword reads the password of the mail server. It is in a file of its own so that neither the
// configuration nor the environment holds a secret.
func (c *config) smtpPassword() (string, error) {
	if c.smtp.passwordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.smtp.passwordFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("smtp.password_file: no file %s", c.smtp.passwordFile)
	case err != nil:
		return "", fmt.Errorf("smtp.password_file: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", fmt.Errorf("smtp.password_file: %s is empty", c.smtp.passwordFile)
	}
	return password, nil
}
