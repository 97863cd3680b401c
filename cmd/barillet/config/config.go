// Package config reads the configuration: defaults, the file, the environment and flags.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"barillet/cmd/barillet/cli"
)

// KeyName is the default name of the key file in the data directory.
const KeyName = "barillet.key"

// Config is the configuration. Each field that is not a section is a setting. Its tags are the key, the default or else an
// example, the bounds (of a number, a duration, or the length of a text), the words to choose from, the description in the
// help and in docs/operations.md, and whether a reload applies it.
type Config struct {
	Data           string   `toml:"data" example:"/var/lib/barillet" usage:"data directory"`
	Listen         hostPort `toml:"listen" default:"localhost:8080" usage:"address and port to listen on, with TLS if [tls] is set; port 0 takes a free port"`
	PublicURL      Origin   `toml:"public_url" example:"https://login.garage.example" usage:"URL that browsers use, without a path; https, except for http://localhost"`
	HSTS           string   `toml:"hsts" default:"host" oneof:"off,host,subdomains" reload:"true" usage:"whether browsers must use https for two years, at the host of public_url or also below it"`
	DefaultLocale  string   `toml:"default_locale" default:"fr" oneof:"fr,en" usage:"default language, used when the browser does not send one"`
	LogFormat      string   `toml:"log_format" default:"text" oneof:"text,json" usage:"format of the log on stderr"`
	TrustedProxies networks `toml:"trusted_proxies" example:"127.0.0.1" reload:"true" usage:"addresses and networks whose X-Forwarded-For header is used"`
	KeyFile        string   `toml:"key_file" example:"/var/lib/barillet/barillet.key" usage:"key file of the store, mode 0600"`

	TLS struct {
		CertificateFile string   `toml:"certificate_file" example:"/etc/barillet/fullchain.pem" usage:"file of the certificate with its chain, PEM; requires tls.key_file"`
		KeyFile         string   `toml:"key_file" example:"/etc/barillet/privkey.pem" usage:"file of the key of the certificate, PEM, not readable by all users of the host"`
		ACME            bool     `toml:"acme" default:"false" usage:"whether a CA issues and renews the certificate by ACME"`
		ACMETerms       bool     `toml:"acme_agree_terms" default:"false" usage:"whether you agree to the terms of the CA; tls.acme requires it"`
		ACMEDirectory   secure   `toml:"acme_directory" default:"https://acme-v02.api.letsencrypt.org/directory" usage:"URL of the CA's directory"`
		ACMEEmail       email    `toml:"acme_email" example:"it@garage.example" usage:"address that the CA writes to"`
		ListenHTTP      hostPort `toml:"listen_http" example:":80" usage:"address and port that redirect http to https and answer challenges of the CA, such as :80"`
	} `toml:"tls"`
	Brand struct {
		Name   string `toml:"name" default:"Barillet" min:"1" max:"40" usage:"name on pages, in emails and in authenticator apps"`
		Accent colour `toml:"accent" example:"#0b4f5c" usage:"colour of buttons and links"`
	} `toml:"brand"`
	Support struct {
		Email email  `toml:"email" example:"support@garage.example" reload:"true" usage:"recipient of help requests; shown to users"`
		Phone string `toml:"phone" min:"1" max:"40" example:"01 99 00 12 34" reload:"true" usage:"telephone number shown to users"`
	} `toml:"support"`
	SMTP struct {
		Host         string `toml:"host" example:"mail.garage.example" reload:"true" usage:"mail server"`
		Port         int    `toml:"port" min:"1" max:"65535" example:"587" reload:"true" usage:"port of the mail server"`
		TLS          string `toml:"tls" default:"starttls" oneof:"starttls,implicit,none" reload:"true" usage:"encryption of the connection to the mail server"`
		Username     string `toml:"username" example:"barillet" reload:"true" usage:"user name at the mail server; requires smtp.password_file"`
		PasswordFile string `toml:"password_file" example:"/etc/barillet-smtp-password" reload:"true" usage:"file that contains the password for the mail server"`
		From         sender `toml:"from" example:"Garage Léon <login@garage.example>" reload:"true" usage:"sender of emails, with or without a name"`
	} `toml:"smtp"`
	Limits struct { // promises S5 and A11
		Connections int           `toml:"connections" default:"2000" min:"16" max:"100000" reload:"true" usage:"open connections in total"`
		PerClient   int           `toml:"connections_per_client" default:"64" min:"4" max:"100000" reload:"true" usage:"open connections of one IPv4 address or IPv6 /64"`
		SessionIdle time.Duration `toml:"session_idle" default:"1h" min:"1m" max:"24h" usage:"time without a request after which a session ends"`
		SessionMax  time.Duration `toml:"session_max" default:"24h" min:"5m" max:"24h" usage:"time after which a session ends"`
	} `toml:"limits"`
	Retention struct { // in days
		Events       int `toml:"events" default:"400" min:"30" max:"3650" reload:"true" usage:"days that the log keeps changes: devices, roles, resets, users, clients, tokens"`
		Routine      int `toml:"routine" default:"180" min:"7" max:"3650" reload:"true" usage:"days that the log keeps what users do each day, such as sign-ins"`
		Failures     int `toml:"failures" default:"90" min:"7" max:"3650" reload:"true" usage:"days that the log keeps what was refused"`
		DeadLetters  int `toml:"dead_letters" default:"30" min:"1" max:"365" reload:"true" usage:"days that an email, a webhook call or a logout that was given up is kept"`
		HelpRequests int `toml:"help_requests" default:"365" min:"30" max:"3650" reload:"true" usage:"days that a closed help request is kept"`
		DeletedUsers int `toml:"deleted_users" default:"90" min:"1" max:"3650" reload:"true" usage:"days after which the log names a deleted user no more"`
	} `toml:"retention"`
	Password struct {
		MinLength int   `toml:"min_length" default:"8" min:"8" max:"64" usage:"minimum length of a password in characters"`
		MemoryKiB int   `toml:"memory_kib" default:"19456" min:"8192" max:"262144" usage:"memory of one Argon2id hash in KiB"`
		Passes    int   `toml:"passes" default:"2" min:"1" max:"10" usage:"passes of one Argon2id hash"`
		AtOnce    int   `toml:"at_once" min:"1" max:"64" example:"4" usage:"maximum number of concurrent hashes"`
		Words     words `toml:"words" example:"léon,garage" usage:"words that a password must not be made of, in addition to brand.name"`
	} `toml:"password"`
	ForwardAuth struct {
		Rules rules `toml:"rules" example:"wiki.garage.example,shop.garage.example/admin phishing-resistant" reload:"true" usage:"who can use the applications behind a proxy"`
	} `toml:"forward_auth"`
	OIDC struct {
		ClientCredentials bool `toml:"client_credentials" default:"false" usage:"whether applications can get tokens for themselves"`
	} `toml:"oidc"`
	TOTP struct {
		AllowCopies bool `toml:"allow_copies" default:"true" usage:"whether a user can show a QR code again for another phone"`
	} `toml:"totp"`
	API struct { // protocol rule 25
		Authn bool `toml:"authn" default:"false" usage:"whether programs can sign users in with POST /api/v1/authn"`
	} `toml:"api"`
	WebAuthn struct {
		Attestation      string `toml:"attestation" default:"direct" oneof:"direct,indirect,enterprise,none" usage:"attestation that a security key sends"`
		UserVerification string `toml:"user_verification" default:"discouraged" oneof:"discouraged,preferred,required" usage:"whether a security key asks for its PIN after the password"`
	} `toml:"webauthn"`
	Backup struct {
		Directory  string        `toml:"directory" example:"/var/lib/barillet/backups" usage:"directory of scheduled backups, which exists"`
		Every      time.Duration `toml:"every" default:"24h" min:"10m" max:"720h" usage:"time between two scheduled backups"`
		Keep       int           `toml:"keep" default:"14" min:"1" max:"10000" usage:"scheduled backups that are kept"`
		KeepDays   int           `toml:"keep_days" default:"3650" min:"1" max:"3650" usage:"days that a scheduled backup is kept at most; the newest is always kept"`
		Recipients recipients    `toml:"recipients" example:"age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p" usage:"public keys of age, to which every backup is encrypted"`
	} `toml:"backup"`
	Outbound struct {
		Allow hosts `toml:"allow" example:"hooks.garage.local,10.20.0.0/16" reload:"true" usage:"private hosts, addresses and networks that the service can call by HTTP"`
	} `toml:"outbound"`
	Metrics struct {
		Listen hostPort `toml:"listen" example:"localhost:9464" usage:"address and port of the metrics for Prometheus, without TLS"`
	} `toml:"metrics"`

	Warnings []string
	given    map[string]given // by key; another setting has its default
}

// Load returns the configuration of flags (by key), environment and file; a flag has precedence over the environment
// and the environment over the file. An error names the source, the key and the fault.
func Load(file string, environ []string, flags map[string]string) (*Config, error) {
	c := Defaults()
	env := Variables(environ)
	file = File(file, environ)
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading configuration: %w", err)
		}
		if len(text) > maxConfigSize {
			return nil, fmt.Errorf("%s: larger than %d KiB", file, maxConfigSize>>10)
		}
		if err := c.parse(file, string(text)); err != nil {
			return nil, err
		}
	}
	if err := c.parseEnvironment(env); err != nil {
		return nil, err
	}
	if key, err := c.set(flags, FromFlag); err != nil {
		return nil, &cli.UsageError{Err: fmt.Errorf("--%s: %w", FlagOf(key), err)}
	}
	return &c, c.validate(cmp.Or(file, "configuration"))
}

// File returns the configuration file, of --config or of the environment; empty: none.
func File(flag string, environ []string) string {
	return cmp.Or(flag, Variables(environ)["BARILLET_CONFIG"])
}

// validate checks the settings against each other.
func (c *Config) validate(source string) error {
	smtp := &c.SMTP
	problem, hint := "", ""
	switch {
	case smtp.Host == "" && (smtp.Port != 0 || smtp.Username != "" || smtp.PasswordFile != "" || smtp.From != ""):
		problem, hint = "smtp.host is required when another smtp key is set", "set smtp.host, or remove the section [smtp]"
	case (smtp.Username == "") != (smtp.PasswordFile == ""):
		problem, hint = "smtp.username and smtp.password_file must be set together", "set both, or neither"
	case c.Limits.SessionIdle > c.Limits.SessionMax:
		problem, hint = "limits.session_idle is longer than limits.session_max", fmt.Sprintf("limits.session_max is %v", c.Limits.SessionMax)
	case c.Limits.PerClient > c.Limits.Connections:
		problem, hint = "limits.connections_per_client is greater than limits.connections", fmt.Sprintf("limits.connections is %d", c.Limits.Connections)
	case len(c.ForwardAuth.Rules) > 0 && len(c.TrustedProxies) == 0:
		problem, hint = "trusted_proxies is required when forward_auth.rules is set", "set the address of the proxy, such as trusted_proxies = [\"127.0.0.1\"]"
	case c.PublicURL == "" && !Loopback(string(c.Listen)):
		problem, hint = "public_url is required unless listen is a loopback address", "set --public-url https://login.example.com, or listen on localhost to try the program"
	case sameAddress(string(c.Listen), string(c.Metrics.Listen)):
		problem, hint = "metrics.listen is the address of listen", "set another port, such as metrics.listen = \"localhost:9464\""
	default:
		problem, hint = c.validateTLS()
	}
	if problem == "" {
		return nil
	}
	return cli.WithHint(fmt.Errorf("%s: %s", source, problem), "%s", hint)
}

// sameAddress reports whether two addresses cannot be listened on at the same time. Names of hosts are not resolved.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return strings.EqualFold(hostA, hostB) || everyHost(hostA) || everyHost(hostB) || Loopback(a) && Loopback(b)
}

func everyHost(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "" || err == nil && addr.IsUnspecified()
}

// Loopback reports whether the address can be reached from this host only.
func Loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return false
	}
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// NeedData checks that the data directory is set, and sets the default of the key file. On Windows it fails.
func (c *Config) NeedData() error {
	if runtime.GOOS == "windows" {
		return cli.WithHint(errors.New("the data directory of a service needs Unix"), "set --url or BARILLET_URL to use a service elsewhere")
	}
	if c.Data == "" {
		return cli.WithHint(cli.Usagef("the data directory is not set"), "set --data DIR, BARILLET_DATA, or data in the configuration file")
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.Data, KeyName)
	}
	return nil
}

// StrictTransportSecurity returns the value of Strict-Transport-Security (RFC 6797 §6.1), empty for none.
func (c *Config) StrictTransportSecurity() string {
	return map[string]string{"host": "max-age=63072000", "subdomains": "max-age=63072000; includeSubDomains"}[c.HSTS]
}

// Origin returns the public URL. Without public_url, it is http://localhost and the port; an empty port is that of
// listen.
func (c *Config) Origin(port string) string {
	if c.PublicURL != "" {
		return string(c.PublicURL)
	}
	if port == "" {
		_, port, _ = net.SplitHostPort(string(c.Listen)) // hostPort checked it
	}
	return "http://localhost:" + port
}

// Host returns the host name of an origin.
func Host(origin string) string {
	u, err := url.Parse(origin)
	if err != nil { // Origin.UnmarshalText checked it
		return "localhost"
	}
	return u.Hostname()
}

// MailFrom returns the sender of emails. Without smtp.from, it is the support address, to which users can reply.
func (c *Config) MailFrom(origin string) string {
	switch {
	case c.SMTP.From != "":
		return string(c.SMTP.From)
	case c.Support.Email != "":
		return string(c.Support.Email)
	}
	return "no-reply@" + Host(origin)
}

// SMTPPassword reads the password of the mail server. Only this file contains it: neither the configuration nor the
// environment holds a secret.
func (c *Config) SMTPPassword() (string, error) {
	if c.SMTP.PasswordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(c.SMTP.PasswordFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("smtp.password_file: no file %s", c.SMTP.PasswordFile)
	case err != nil:
		return "", fmt.Errorf("smtp.password_file: %w", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", fmt.Errorf("smtp.password_file: %s is empty", c.SMTP.PasswordFile)
	}
	return password, nil
}
