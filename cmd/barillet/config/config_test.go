package config

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"barillet/cmd/barillet/cli"
	"barillet/internal/outbound"
)

// whole is a configuration that sets every key.
const whole = `
data = "/var/lib/barillet"
listen = "127.0.0.1:8080"
public_url = "https://Login.Garage.example/"
default_locale = "en"
hsts = "subdomains"
log_format = "json"
trusted_proxies = ["10.0.0.5", "192.168.0.0/24", "fd00::/8"]
key_file = "/etc/barillet.key"

[tls]
certificate_file = "/etc/chain.pem"
key_file = "/etc/chain.key"
acme = false
acme_agree_terms = false
acme_directory = "https://ca.garage.example/directory"
acme_email = "it@garage.example"
listen_http = ":80"

[brand]
name = "Garage Léon"
accent = "#0b4f5c"

[support]
email = "Aide@garage.example"
phone = "01 99 00 12 34"

[smtp]
host = "mail.garage.example"
port = 2525
tls = "implicit"
username = "barillet"
password_file = "/etc/smtp.password"
from = "Barillet <login@garage.example>"

[limits]
connections = 500
connections_per_client = 32
session_idle = "30m"
session_max = "8h"

[retention]
help_requests = 100
events = 800
routine = 60
failures = 30
dead_letters = 14
deleted_users = 45

[password]
min_length = 12
memory_kib = 65536
passes = 3
at_once = 2
words = ["léon", "garage"]

[forward_auth]
rules = ["wiki.garage.example", "shop.garage.example/admin group:g1 phishing-resistant"]

[oidc]
client_credentials = true

[totp]
allow_copies = false

[api]
authn = true

[webauthn]
attestation = "none"
user_verification = "preferred"

[backup]
directory = "/var/backups/barillet"
every = "12h"
keep = 30
keep_days = 90
recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]

[outbound]
allow = ["hooks.garage.local", "10.20.0.0/16"]
`

func TestParse_SetsEveryKey(t *testing.T) {
	c := Defaults()
	if err := c.parse("barillet.toml", whole); err != nil {
		t.Fatal(err)
	}
	if err := c.validate("barillet.toml"); err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"public_url":                    {string(c.PublicURL), "https://login.garage.example"},
		"listen":                        {string(c.Listen), "127.0.0.1:8080"},
		"trusted_proxies":               {len(c.TrustedProxies), 3},
		"trusted_proxies, an address":   {c.TrustedProxies[0].String(), "10.0.0.5/32"},
		"brand.name":                    {c.Brand.Name, "Garage Léon"},
		"support.email":                 {string(c.Support.Email), "aide@garage.example"},
		"smtp.port":                     {c.SMTP.Port, 2525},
		"smtp.tls":                      {c.SMTP.TLS, "implicit"},
		"limits.connections_per_client": {c.Limits.PerClient, 32},
		"limits.session_idle":           {c.Limits.SessionIdle, 30 * time.Minute},
		"retention.events":              {c.Retention.Events, 800},
		"retention.deleted_users":       {c.Retention.DeletedUsers, 45},
		"password.min_length":           {c.Password.MinLength, 12},
		"password.words":                {strings.Join(c.Password.Words, " "), "léon garage"},
		"forward_auth.rules":            {len(c.ForwardAuth.Rules), 2},
		"forward_auth.rules, a path":    {c.ForwardAuth.Rules[1].Path, "/admin"},
		"oidc.client_credentials":       {c.OIDC.ClientCredentials, true},
		"totp.allow_copies":             {c.TOTP.AllowCopies, false},
		"hsts":                          {c.StrictTransportSecurity(), "max-age=63072000; includeSubDomains"},
		"api.authn":                     {c.API.Authn, true},
		"backup.every":                  {c.Backup.Every, 12 * time.Hour},
		"backup.keep":                   {c.Backup.Keep, 30},
		"webauthn.attestation":          {c.WebAuthn.Attestation, "none"},
		"outbound.allow, a network":     {canCall(&c, "https://10.20.0.1/"), true},
		"outbound.allow, a host":        {canCall(&c, "http://hooks.garage.local:81/"), true},
		"outbound.allow, another":       {canCall(&c, "https://10.21.0.1/"), false},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
	for _, s := range c.Settings() {
		_, name, nested := strings.Cut(s.Key, ".")
		if !nested {
			name = s.Key
		}
		if !strings.Contains(whole, "\n"+name+" = ") {
			t.Errorf("the test's configuration lacks %s", s.Key)
		}
	}
}

// canCall reports whether the service can call an address.
func canCall(c *Config, address string) bool {
	_, err := outbound.New(outbound.Config{Allowed: c.Outbound.Allow.Allowed}).Check(address)
	return err == nil
}

func TestParse_ErrorNamesFileKeyAndReason(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"an unknown key":                          {`listne = "localhost:1"`, `barillet.toml: unknown key "listne"`},
		"a key in capitals":                       {`LISTEN = "localhost:1"`, `barillet.toml: unknown key "LISTEN"`},
		"a comma in an item":                      {"[password]\nwords = [\"a,b\"]", `password.words: "a,b" contains a comma`},
		"an array of tables":                      {"[[smtp]]\nhost = \"h\"", "smtp is a section"},
		"a key below a key":                       {"data.x = 1", "barillet.toml: "},
		"an item that is no text":                 {"[password]\nwords = [1]", "password.words: want a list"},
		"an unknown key of a section":             {"[smtp]\nhots = \"x\"", `barillet.toml: unknown key "smtp.hots"`},
		"an unknown section":                      {"[smpt]\nhost = \"x\"", `barillet.toml: unknown key "smpt"`},
		"a section as a key":                      {`smtp = "x"`, "barillet.toml: smtp is a section"},
		"a key given twice":                       {"data = \"a\"\ndata = \"b\"", "barillet.toml: line 2: "},
		"no TOML":                                 {"data: a", "barillet.toml: line 1: "},
		"a number for a text":                     {`data = 1`, "barillet.toml: data: want a text in quotes"},
		"an empty data directory":                 {`data = ""`, "data: is empty"},
		"a control character":                     {`data = "a\u0007"`, "data: contains a control character"},
		"a listener without a port":               {`listen = "localhost"`, "listen: want HOST:PORT"},
		"a rule for no host":                      {"[forward_auth]\nrules = [\"/admin\"]", "forward_auth.rules: \"/admin\": invalid host \"\""},
		"rules without a proxy":                   {"public_url = \"https://login.example\"\n[forward_auth]\nrules = [\"wiki.example\"]", "trusted_proxies is required when forward_auth.rules is set"},
		"a port too high":                         {`listen = "localhost:65536"`, "listen: want a port"},
		"a public URL by http":                    {`public_url = "http://garage.example"`, "public_url: must be https"},
		"a public URL by http and 127.0.0.1":      {`public_url = "http://127.0.0.1:8080"`, "public_url: must be https"},
		"a public URL with a path":                {`public_url = "https://garage.example/login"`, "public_url: want only a scheme and a host"},
		"a public URL with a name in it":          {`public_url = "https://me@garage.example"`, "public_url: want only a scheme and a host"},
		"a public URL with umlauts":               {`public_url = "https://login.gärage.example:8443"`, "public_url: want the host in punycode: login.xn--grage-gra.example"},
		"a public URL of two scripts":             {`public_url = "https://аррle.example"`, "public_url: want the host in punycode"},
		"a public URL of an address":              {`public_url = "https://192.0.2.1"`, "public_url: want a host name"},
		"a public URL without a host":             {`public_url = "https://"`, "public_url: want a URL"},
		"a public URL by another scheme":          {`public_url = "ftp://garage.example"`, "public_url: must begin with https://"},
		"an unsupported language":                 {`default_locale = "de"`, "default_locale: want one of fr, en"},
		"a log format":                            {`log_format = "xml"`, "log_format: want one of text, json"},
		"an outbound host that is a URL":          {"[outbound]\nallow = [\"https://hooks.garage.local\"]", `outbound.allow: "https://hooks.garage.local" is not a host name`},
		"a proxy that is no address":              {`trusted_proxies = ["proxy"]`, `trusted_proxies: "proxy" is neither an address`},
		"a proxy network with bits below":         {`trusted_proxies = ["10.0.0.1/8"]`, "trusted_proxies: "},
		"proxies that are no list":                {`trusted_proxies = "10.0.0.1"`, "trusted_proxies: want a list"},
		"a brand without a name":                  {"[brand]\nname = \" \"", "brand.name: want 1 to 40 characters"},
		"a colour by name":                        {"[brand]\naccent = \"red\"", "brand.accent: want a colour"},
		"support without an address":              {"[support]\nemail = \"help\"", "support.email: want an email address"},
		"a port of mail that is a text":           {"[smtp]\nhost = \"h\"\nport = \"25\"", "smtp.port: want a whole number"},
		"TLS that does not exist":                 {"[smtp]\nhost = \"h\"\ntls = \"ssl\"", "smtp.tls: want one of starttls, implicit, none"},
		"email without a host":                    {"[smtp]\nfrom = \"a@b.example\"", "smtp.host is required when another smtp key is set"},
		"a user name without a password file":     {"[smtp]\nhost = \"h\"\nusername = \"u\"", "smtp.username and smtp.password_file must be set together"},
		"a password in the configuration":         {"[smtp]\nhost = \"h\"\npassword = \"geheim\"", `unknown key "smtp.password"`},
		"a sender that is no address":             {"[smtp]\nhost = \"h\"\nfrom = \"Barillet\"", "smtp.from: want an address"},
		"too few connections":                     {"[limits]\nconnections = 1", "limits.connections: want a whole number from 16"},
		"more for one client than in total":       {"[limits]\nconnections = 20\nconnections_per_client = 30", "limits.connections_per_client is greater"},
		"metrics at the address of the service":   {"listen = \"127.0.0.1:9000\"\n[metrics]\nlisten = \"127.0.0.1:9000\"", "metrics.listen is the address of listen"},
		"metrics at another name of the address":  {"listen = \"localhost:9000\"\n[metrics]\nlisten = \"[::1]:9000\"", "metrics.listen is the address of listen"},
		"metrics at the port of every address":    {"listen = \"localhost:9000\"\n[metrics]\nlisten = \":9000\"", "metrics.listen is the address of listen"},
		"metrics at no address":                   {"[metrics]\nlisten = \"9464\"", "metrics.listen: want HOST:PORT"},
		"a session duration out of bounds":        {"[limits]\nsession_max = \"9000h\"", "limits.session_max: want a duration"},
		"an idle limit above the maximum":         {"[limits]\nsession_idle = \"2h\"\nsession_max = \"1h\"", "limits.session_idle is longer"},
		"a password length out of bounds":         {"[password]\nmin_length = 4", "password.min_length: want a whole number from 8 to 64"},
		"a switch that is neither true nor false": {"[totp]\nallow_copies = \"yes\"", "totp.allow_copies: want true or false"},
		"an attestation that does not exist":      {"[webauthn]\nattestation = \"full\"", "webauthn.attestation: want one of"},
	} {
		t.Run(name, func(t *testing.T) {
			conf := Defaults()
			err := conf.parse("barillet.toml", c.text)
			if err == nil {
				err = conf.validate("barillet.toml")
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error that says %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "geheim") {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestLoad_FlagPrecedesEnvironmentAndEnvironmentPrecedesFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "barillet.toml")
	text := "listen = \"localhost:1\"\nlog_format = \"json\"\ndefault_locale = \"en\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	environ := []string{"BARILLET_LISTEN=localhost:2", "BARILLET_LOG_FORMAT=text", "BARILLET_SMTP_HOST=mail", "BARILLET_TRUSTED_PROXIES=10.0.0.1, 10.0.0.2",
		"BARILLET_TOTP_ALLOW_COPIES=false", "BARILLET_SMTP_PORT=26"}
	c, err := Load(file, environ, map[string]string{"listen": "localhost:3"})
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]any{
		"flag over both": {string(c.Listen), "localhost:3"}, "environment over file": {c.LogFormat, "text"}, "file over default": {c.DefaultLocale, "en"},
		"a section": {c.SMTP.Host, "mail"}, "a number": {c.SMTP.Port, 26}, "a list": {len(c.TrustedProxies), 2}, "a truth": {c.TOTP.AllowCopies, false},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: got %v, want %v", name, pair[0], pair[1])
		}
	}
}

func TestLoad_RejectsUnknownOrInvalidVariables(t *testing.T) {
	for line, want := range map[string]string{
		"BARILLET_SMTP_HOTS=mail":         "environment: unknown variable BARILLET_SMTP_HOTS",
		"BARILLET_LIMITS_CONNECTIONS=all": "environment: BARILLET_LIMITS_CONNECTIONS: want a whole number",
		"BARILLET_CONFIG=/nowhere/at/all": "/nowhere/at/all",
		"BARILLET_PUBLIC_URL=garage":      "environment: BARILLET_PUBLIC_URL: want a URL",
	} {
		if _, err := Load("", []string{line}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error that says %q", line, err, want)
		}
	}
	c, err := Load("", []string{"BARILLET_PORT=tcp://10.0.0.1:80", "PATH=/bin"}, nil)
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "BARILLET_PORT") {
		t.Errorf("got %v and %v, want a warning about BARILLET_PORT alone", c, err)
	}
}

func TestLoad_InvalidFlagIsAUsageError(t *testing.T) {
	_, err := Load("", nil, map[string]string{"listen": "nowhere"})
	if _, ok := errors.AsType[*cli.UsageError](err); !ok {
		t.Errorf("got %v, want a usage error", err)
	}
	if _, err := Load("", nil, map[string]string{"listen": "0.0.0.0:80"}); err == nil || !strings.Contains(err.Error(), "public_url is required") {
		t.Errorf("got %v, want public_url required", err)
	}
}

// FuzzConfiguration checks that a text neither crashes the program nor sets a value that is out of bounds.
func FuzzConfiguration(f *testing.F) {
	f.Add(whole)
	f.Add("")
	f.Add("data = \"x\"\n[smtp]\nhost = \"h\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := Defaults()
		if c.parse("x", text) != nil {
			return
		}
		for _, proxy := range c.TrustedProxies {
			if !proxy.IsValid() {
				t.Errorf("got the proxy %v", proxy)
			}
		}
		var url Origin
		if err := url.UnmarshalText([]byte(c.PublicURL)); c.PublicURL != "" && (err != nil || url != c.PublicURL) {
			t.Errorf("got %q, which is parsed as %q, %v", c.PublicURL, url, err)
		}
		if err := new(hostPort).UnmarshalText([]byte(c.Listen)); err != nil {
			t.Errorf("got the address %q: %v", c.Listen, err)
		}
		if c.Limits.Connections < 16 || c.Limits.SessionMax > 24*time.Hour || c.Password.MinLength < 8 {
			t.Errorf("got a limit out of bounds: %+v %+v", c.Limits, c.Password)
		}
	})
}

// TestExample_IsValidWithEverySettingInForce also fails for a setting without default and example.
func TestExample_IsValidWithEverySettingInForce(t *testing.T) {
	text := Example()
	file := filepath.Join(t.TempDir(), "barillet.toml")
	for name, text := range map[string]string{"as it is": text, "with each setting": regexp.MustCompile(`(?m)^#([a-z])`).ReplaceAllString(text, "$1")} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(file, nil, map[string]string{"listen": "localhost:1"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, s := range c.Settings() {
			value, source := c.Value(s)
			want := FromDefault
			switch {
			case s.Key == "listen":
				want = FromFlag
			case name == "with each setting":
				want = FromFile
			}
			if source != want || value == "" && want != FromDefault {
				t.Errorf("%s: %s has the value %s of the %s", name, s.Key, value, source)
			}
			if initial, has := s.Tag.Lookup("default"); has && want == FromFile && value != s.toml(initial) {
				t.Errorf("the example of %s has %s, and its default is %s", s.Key, value, initial)
			}
		}
	}
}

func TestNearest_NamesAWordThatIsSpeltAlmostAlike(t *testing.T) {
	known := []string{"data", "listen", "public_url", "hsts", "smtp"}
	for name, want := range map[string]string{"listne": "listen", "LISTEN": "listen", "lisen": "listen", "publicurl": "public_url", "public-url": "public_url",
		"dtaa": "data", "stmp": "smtp", "date": "data", "port": "", "host": "", "address": "", "x": "", "": "", "listening": ""} {
		if got := Nearest(name, known); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestLoad_NamesTheNearestKey(t *testing.T) {
	file := filepath.Join(t.TempDir(), "barillet.toml")
	for text, want := range map[string]string{
		`listne = "localhost:1"`: `unknown key "listne": did you mean "listen"?`,
		"[smpt]\nhost = \"x\"":   `unknown key "smpt": did you mean "smtp"?`,
		"[smtp]\nhots = \"x\"":   `unknown key "smtp.hots": did you mean "smtp.host"?`,
		"[smtp]\ncolour = \"x\"": `unknown key "smtp.colour"`,
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file, nil, nil); err == nil || err.Error() != file+": "+want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	for variable, want := range map[string]string{
		"BARILLET_LISTNE=x":    "environment: unknown variable BARILLET_LISTNE: did you mean BARILLET_LISTEN?",
		"BARILLET_SMTP_HOTS=x": "environment: unknown variable BARILLET_SMTP_HOTS: did you mean BARILLET_SMTP_HOST?",
		"BARILLET_SMTP_HUE=x":  "environment: unknown variable BARILLET_SMTP_HUE",
	} {
		if _, err := Load("", []string{variable}, nil); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", variable, err, want)
		}
	}
	for _, platform := range []string{"BARILLET_PORT=tcp://10.0.0.1:80", "BARILLET_SERVICE_HOST=10.0.0.1", "BARILLET_PORT_8080_TCP_ADDR=10.0.0.1"} {
		if c, err := Load("", []string{platform}, nil); err != nil || len(c.Warnings) != 1 {
			t.Errorf("%s: got %v, want a warning: Kubernetes defines it", platform, err)
		}
	}
}
